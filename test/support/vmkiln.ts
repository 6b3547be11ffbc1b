import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Event } from '../../src/model.ts';
import { exec } from '../../src/tools/exec.ts';

/** The project's folder. */
const project = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** State and checkpoints that all tests of a machine share: one installation serves them all. */
export const testHome = process.env['VMKILN_TEST_HOME'] ?? '/var/tmp/vmkiln-test';

/** A new folder that QEMU's user can reach. */
export function freshFolder(name: string): string {
  const folder = mkdtempSync(join(process.env['VMKILN_TEST_FOLDER'] ?? '/var/tmp', `vmkiln-${name}-`));
  chmodSync(folder, 0o711);
  return folder;
}

/** How much longer than on an idle machine programs may take: CI runs several projects at once. */
export const patience = process.env['CI'] ? 4 : 1;

/** What a run of the real binary said. `events` are those of `--ui json`. */
export type Run = { status: number; stdout: string; stderr: string; events: Event[] };

/** Runs the built command line. `timeout` is in seconds of an idle machine. */
export async function vmkiln(
  args: readonly string[],
  options: { timeout?: number; env?: Record<string, string>; signal?: AbortSignal; cwd?: string } = {},
): Promise<Run> {
  const { stdout, stderr, exitCode } = await exec({
    program: process.execPath,
    args: [join(project, 'dist/cli.js'), ...args],
    timeout: (options.timeout ?? 60) * patience,
    signal: options.signal ?? new AbortController().signal,
    env: { VMKILN_HOME: testHome, ...options.env },
    cwd: options.cwd ?? project,
    accept: Array.from({ length: 255 }, (_, index) => index + 1),
  });
  return { status: exitCode, stdout, stderr, events: parseEvents(stdout) };
}

function parseEvents(stdout: string): Event[] {
  return stdout.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return value !== null && typeof value === 'object' && 'type' in value ? [value as Event] : [];
    } catch {
      return [];
    }
  });
}

/** A run of the real binary that a test can interrupt. */
export type Started = {
  /** Resolves when an event satisfies `wanted`; rejects when the run ends before. */
  event: (wanted: (event: Event) => boolean) => Promise<Event>;
  kill: (signal: NodeJS.Signals) => void;
  pid: number;
  /** The events so far. */
  events: readonly Event[];
  ended: Promise<{ status: number | null; events: Event[]; stderr: string }>;
};

/** Starts the built command line with `--ui json` and follows its events; `detached` in a process group of its own. */
export function startVmkiln(args: readonly string[], env: Record<string, string> = {}, detached = false): Started {
  const child = spawn(process.execPath, [join(project, 'dist/cli.js'), ...args, '--ui', 'json'], {
    cwd: project,
    env: { ...process.env, VMKILN_HOME: testHome, ...env },
    detached,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(...parseEvents(line));
    for (const look of waiting) look();
  });
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, events, stderr }));
  const event = (wanted: (event: Event) => boolean) =>
    new Promise<Event>((found, reject) => {
      const look = () => {
        const match = events.find(wanted);
        if (match === undefined) return;
        waiting.delete(look);
        found(match);
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`ended before the event came: ${stderr}`)));
    });
  return { event, events, ended, pid: child.pid ?? 0, kill: (signal) => child.kill(signal) };
}

/**
 * What a build could have left behind on this machine: programs, domains, work files, locks, temporary files made since it
 * began. Empty when all is well. The sockets of an appliance that runs are its program's; a virt-install that runs may
 * be another test's, and the boot files its own.
 */
export async function leftovers(build: string): Promise<string[]> {
  const first = await lookForLeftovers(build);
  if (first.length === 0) return [];
  // Another test's tool has a folder for a moment before its socket; what is left behind stays.
  await sleep(3000);
  const again = await lookForLeftovers(build);
  return first.filter((line) => again.includes(line));
}

async function lookForLeftovers(build: string): Promise<string[]> {
  const [, day, hour, minute, second] = /-(\d{8})-(\d\d)(\d\d)(\d\d)-/.exec(build) ?? [];
  const since = day === undefined ? '' : `-newermt '${day} ${hour}:${minute}:${second} UTC'`;
  const look = `
    for e in /proc/[0-9]*/environ; do tr '\\0' '\\n' < $e 2>/dev/null | grep -qx 'VMKILN_BUILD=${build}' && echo "program $e"; done
    virsh -c qemu:///system list --all --name | grep -F '${build}' | sed 's/^/domain /'
    find '${testHome}' -path '*${build}*' -not -path '*/builds/*' -not -path '*/checkpoints/*' | sed 's/^/file /'
    find '${testHome}' -name owner.json -path '*${build}*' | sed 's/^/owner /'
    find /tmp -maxdepth 1 ${since} -name 'libguestfs??????' |
      while read -r each; do grep -qF "$each/" /proc/net/unix || echo "temporary $each"; done
    pgrep -f 'bin/[v]irt-install' >/dev/null || find /var/lib/libvirt/boot ${since} -name 'virtinst-*' | sed 's/^/temporary /'
    true`;
  const { stdout } = await exec({
    program: 'sh',
    args: ['-c', look],
    timeout: 30,
    signal: new AbortController().signal,
  });
  return stdout.split('\n').filter((line) => line !== '');
}
