import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import type { FakeHost } from './fake-tools.ts';
import { vmkiln } from './vmkiln.ts';

/** Seconds that a job stays with a worker that is not heard of. */
export const lease = 3;

export const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

type Status = {
  queues: { queue: string; jobs: { id: string; name: string; state: string; reason?: string; bundle?: string }[] }[];
};

/** How a host reaches a server: at another address, or by a command line that `enter` begins. */
type Way = { to: (url: string) => string; enter: readonly string[] };

/** A factory whose queue is at `url`, on a host whose tools do nothing. */
export function factoryOf(host: FakeHost, url: string, env: Record<string, string> = {}, more: readonly string[] = []) {
  const where = { env: { ...host.env, ...env }, cwd: host.folder };
  const to = ['--queue', url, ...more];
  const run = (verb: string, ...args: string[]) => vmkiln(['factory', verb, 'factory.yaml', ...args, ...to], where);
  const said: string[] = [];
  /** Starts a command, in the network of a host if one is given. */
  const start = (
    words: readonly string[],
    own: Record<string, string> = {},
    network: Way = { to: () => url, enter: [] },
  ): ChildProcess => {
    const reached = to.map((word) => (word === url ? network.to(url) : word));
    const [verb = '', ...rest] = words;
    const [program = '', ...args] = [
      ...[...network.enter, process.execPath, resolve('dist/cli.js')],
      ...['factory', verb, 'factory.yaml', ...rest, ...reached],
    ];
    const child = spawn(program, args, { cwd: host.folder, env: { ...process.env, ...where.env, ...own } });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
    ends.push(() => child.kill('SIGKILL'));
    return child;
  };
  const worker = (
    own: Record<string, string> = {},
    options: readonly string[] = ['--nights'],
    network?: Way,
  ): ChildProcess => start(['worker', '--lease', `${lease}s`, ...options], own, network);
  const jobs = async () => {
    // A server that was killed a moment ago may end while it is asked.
    const asked = await run('status', '--json');
    const { stdout } = asked.status === 0 ? asked : await run('status', '--json');
    const all = (JSON.parse(stdout) as Status).queues.flatMap((queue) => queue.jobs);
    // What waits for its schedule is a night to come.
    return all.filter(({ id }) => !id.startsWith('repeat:'));
  };
  const settled = async () => {
    for (;;) {
      const all = await jobs();
      if (all.every(({ state }) => ['completed', 'failed'].includes(state))) return all;
      await sleep(1000);
    }
  };
  return { run, start, worker, jobs, settled, said };
}

/** Ends a worker as systemd does. */
export async function stop(worker: ChildProcess): Promise<number | null> {
  if (worker.exitCode !== null) throw new Error(`the worker has ended with status ${worker.exitCode}`);
  const closed = once(worker, 'close');
  worker.kill('SIGTERM');
  const [status] = await closed;
  return status as number | null;
}

/** A process and all that it has started. */
export function family(pid: number): number[] {
  const parents = readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, parent = ''] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      return [{ pid: Number(name), parent: Number(parent) }];
    } catch {
      return [];
    }
  });
  const below = (of: number): number[] => [
    of,
    ...parents.filter(({ parent }) => parent === of).flatMap((each) => below(each.pid)),
  ];
  return below(pid);
}

export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}

/** Programs that belong to a host and still run. */
export function running(host: FakeHost): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const isOurs =
        /^\d+$/.test(name) &&
        readFileSync(`/proc/${name}/environ`, 'utf8').includes(`FAKE_LOG=${host.env['FAKE_LOG']}`);
      return isOurs ? [readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}
