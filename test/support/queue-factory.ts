import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createPostgresBackend, Queue } from 'bullmq';
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

/** The queues that the factories of tests have. */
const names = ['f/night', 'f/build', 'f/build/x86_64'];
const states = ['active', 'waiting', 'prioritized', 'delayed', 'failed', 'completed'] as const;

/** Asks the server itself, which takes a thousandth of what the command takes. */
function openQueues(url: string, password: string | undefined): Pick<Queue, 'getJobs'>[] {
  const { port, protocol } = new URL(url);
  const redis = { port: Number(port), maxRetriesPerRequest: null, ...(password !== undefined && { password }) };
  const postgres = { host: '127.0.0.1', port: Number(port), user: 'vmkiln', database: 'postgres', schema: 'vmkiln' };
  const queues = names.map((name) =>
    protocol === 'redis:'
      ? new Queue(name, { connection: redis, prefix: 'vmkiln' })
      : new Queue(name, { connection: postgres, prefix: 'vmkiln' }, createPostgresBackend),
  );
  for (const queue of queues) {
    queue.on('error', () => undefined);
    ends.push(() => queue.close());
  }
  return queues;
}

/** A factory whose queue is at `url`, on a host whose tools do nothing. */
export function factoryOf(host: FakeHost, url: string, env: Record<string, string> = {}, more: readonly string[] = []) {
  const where = { env: { ...host.env, ...env }, cwd: host.folder };
  const to = ['--queue', url, ...more];
  const run = (verb: string, ...args: string[]) => vmkiln(['factory', verb, 'factory.yaml', ...args, ...to], where);
  const said: string[] = [];
  const worker = (
    own: Record<string, string> = {},
    options: readonly string[] = ['--nights'],
    at = url,
  ): ChildProcess => {
    const reached = to.map((word) => (word === url ? at : word));
    const words = [
      resolve('dist/cli.js'),
      'factory',
      'worker',
      'factory.yaml',
      ...reached,
      '--lease',
      `${lease}s`,
      ...options,
    ];
    const child = spawn(process.execPath, words, { cwd: host.folder, env: { ...process.env, ...where.env, ...own } });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
    ends.push(() => child.kill('SIGKILL'));
    return child;
  };
  let queues: ReturnType<typeof openQueues> | undefined;
  const ask = async () => {
    queues ??= openQueues(url, env['QUEUE_PASSWORD']);
    const lists = queues.flatMap((queue) =>
      states.map(async (state) =>
        (await queue.getJobs([state])).map(({ id = '', name, failedReason: reason }) => ({ id, name, state, reason })),
      ),
    );
    const all = (await Promise.all(lists)).flat();
    // What waits for its schedule is a night to come.
    return all.filter(({ id }) => !id.startsWith('repeat:'));
  };
  /** A server that has just been started may not answer yet. */
  const jobs = async () => {
    for (let tries = 0; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        if (tries > 60) throw error;
        await sleep(500);
      }
    }
  };
  const settled = async () => {
    for (;;) {
      const all = await jobs();
      if (all.every(({ state }) => ['completed', 'failed'].includes(state))) return all;
      await sleep(300);
    }
  };
  return { run, worker, jobs, settled, said };
}

/** Ends a worker as systemd does. */
export async function stop(worker: ChildProcess): Promise<number | null> {
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
