// Starts programs for the benchmark, and ends whatever still runs when it is interrupted.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the environment of everything the benchmark starts: what outlives its parent is found by it. */
const mark = `VMKILN_BENCH=${process.pid}`;
const running = new Map();
let interrupted = false;

/**
 * Starts a program in a process group of its own. `log` gets what it prints; with `stdout`, another file gets its standard
 * output. A program that `cleansUp` ends its children itself when it is told to stop. `done` rejects when it fails.
 */
export function start(program, args, { cwd, env = {}, log, stdout, cleansUp = false }) {
  if (interrupted) throw new Error('interrupted');
  const errors = openSync(log, 'a');
  const output = stdout === undefined ? errors : openSync(stdout, 'a');
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, VMKILN_BENCH: String(process.pid), LC_ALL: 'C.UTF-8', ...env },
    stdio: ['ignore', output, errors],
    detached: true,
  });
  const done = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      running.delete(child.pid);
      if (status === 0 && !interrupted) resolve();
      else reject(new Error(interrupted ? 'interrupted' : `${program} ended with ${signal ?? status}: see ${log}`));
    });
  }).finally(() => {
    for (const file of new Set([errors, output])) closeSync(file);
  });
  if (child.pid !== undefined) running.set(child.pid, cleansUp);
  return { pid: child.pid, done };
}

/** Runs a short program outside of any measurement and returns what it prints. */
export function ask(program, args, { env = {}, cwd, input } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
    maxBuffer: 2 ** 28,
    ...(cwd && { cwd }),
    ...(input !== undefined && { input }),
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}

/** Ends everything that was started: first politely, which lets vmkiln and Packer remove their guests, then by force. */
export async function endAll() {
  interrupted = true;
  for (const [pid, cleansUp] of running) send(cleansUp ? pid : -pid, 'SIGTERM');
  for (let tries = 0; running.size > 0 && tries < 150; tries++) await sleep(100);
  for (const pid of running.keys()) send(-pid, 'SIGKILL');
  for (const pid of marked()) send(pid, 'SIGKILL');
}

function marked() {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
    } catch {
      // It has ended, or is not ours.
      return false;
    }
  });
}

function send(pid, name) {
  try {
    process.kill(Number(pid), name);
  } catch {
    // It has ended by itself.
  }
}
