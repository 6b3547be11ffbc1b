import { readdirSync, readFileSync } from 'node:fs';

/** What identifies a process beyond its pid, which is used again: see proc(5), fields 3 and 22 of `stat`. */
export type ProcessIdentity = { pid: number; startTime: string; bootId: string };

/** The environment variable that every program of a build carries, so that orphans are found again. */
export const buildVariable = 'VMKILN_BUILD';

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: statOf(process.pid)?.startTime ?? '', bootId: bootId() };
}

/** Whether the process still runs. A zombie does not, nor does another process that got the same pid. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const stat = statOf(identity.pid);
  return stat !== undefined && stat.state !== 'Z' && stat.startTime === identity.startTime;
}

/** The pids of the programs that a build started and that still run, however they were orphaned. */
export function processesOf(build: string): number[] {
  const wanted = `${buildVariable}=${build}`;
  return pids().filter((pid) => environmentOf(pid).includes(wanted));
}

/** Every process of this machine that this user can see, but this one. */
export function pids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
}

/** The words of a process's command line; empty when it has ended. */
export function commandLineOf(pid: number): string[] {
  return readProc(`/proc/${pid}/cmdline`).split('\0');
}

function environmentOf(pid: number): string[] {
  return readProc(`/proc/${pid}/environ`).split('\0');
}

function statOf(pid: number): { state: string; startTime: string } | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // The program's name is in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state && startTime ? { state, startTime } : undefined;
}

function bootId(): string {
  return readProc('/proc/sys/kernel/random/boot_id').trim();
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
