import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { fakeHost, type FakeHost } from '../support/fake-tools.ts';
import { postgresServer, type QueueServer, redisServer } from '../support/queue-server.ts';
import { vmkiln } from '../support/vmkiln.ts';

// A factory on many hosts: real servers, workers that are killed and frozen, tools that do nothing.

/** Seconds that a job stays with a worker that is not heard of. */
const lease = 3;

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

type Status = {
  queues: { queue: string; jobs: { id: string; name: string; state: string; reason?: string; bundle?: string }[] }[];
};

function factoryOf(host: FakeHost, url: string, env: Record<string, string> = {}, more: readonly string[] = []) {
  const where = { env: { ...host.env, ...env }, cwd: host.folder };
  const to = ['--queue', url, ...more];
  const run = (verb: string, ...args: string[]) => vmkiln(['factory', verb, 'factory.yaml', ...args, ...to], where);
  const said: string[] = [];
  const worker = (own: Record<string, string> = {}, options: readonly string[] = ['--nights']): ChildProcess => {
    const words = [
      resolve('dist/cli.js'),
      'factory',
      'worker',
      'factory.yaml',
      ...to,
      '--lease',
      `${lease}s`,
      ...options,
    ];
    const child = spawn(process.execPath, words, { cwd: host.folder, env: { ...process.env, ...where.env, ...own } });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
    ends.push(() => child.kill('SIGKILL'));
    return child;
  };
  const jobs = async () => {
    const { stdout } = await run('status', '--json');
    const all = (JSON.parse(stdout) as Status).queues.flatMap((queue) => queue.jobs);
    // What waits for its schedule is a night to come.
    return all.filter(({ name, state }) => name !== 'night' || state !== 'delayed');
  };
  const settled = async () => {
    for (;;) {
      const all = await jobs();
      if (all.every(({ state }) => ['completed', 'failed'].includes(state))) return all;
      await sleep(1000);
    }
  };
  return { run, worker, jobs, settled, said };
}

async function redis(password?: string): Promise<QueueServer> {
  const server = await redisServer(password);
  ends.push(server.stop);
  return server;
}

/** Ends a worker as systemd does. */
async function stop(worker: ChildProcess): Promise<number | null> {
  const closed = once(worker, 'close');
  worker.kill('SIGTERM');
  const [status] = await closed;
  return status as number | null;
}

test('a night of many hosts: what fails is parked, is built again when it is asked for, and no secret is in the queue', async () => {
  const password = 'open-sesame-of-the-queue';
  const server = await redis(password);
  const host = fakeHost();
  host.recipe('good', 'rootPassword: { env: ROOT_PASSWORD }');
  host.recipe('bad');
  writeFileSync(
    join(host.folder, 'factory.yaml'),
    "name: f\nrecipes: [good.yaml, { recipe: bad.yaml, labels: [x86_64] }]\nschedule: '0 2 * * *'\n",
  );
  const secrets = { QUEUE_PASSWORD: password, ROOT_PASSWORD: 'open-sesame-of-root' };
  const { run, worker, jobs, settled, said } = factoryOf(host, server.url, secrets, [
    '--queue-password',
    'env:QUEUE_PASSWORD',
  ]);
  expect(await run('enqueue')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^f-\S+\n$/) });
  const failing = worker({ FAKE_FAIL: 'work/bad-' });
  const all = await settled();
  const bad = all.find(({ id }) => id.endsWith('.bad'));
  expect(bad).toMatchObject({ state: 'failed', reason: expect.stringMatching(/COMMAND_FAILED; see \S+:\//) });
  expect(all.find(({ id }) => id.endsWith('.good'))).toMatchObject({ state: 'completed' });
  expect(all.find(({ name }) => name === 'night')).toMatchObject({ state: 'completed' });
  expect(said.join('')).toContain('f: 1 failed, 1 built');
  expect(await stop(failing)).toBe(0);
  const mending = worker();
  expect(await run('retry', bad?.id ?? '')).toMatchObject({ status: 0 });
  expect((await settled()).find(({ id }) => id === bad?.id)).toMatchObject({ state: 'completed' });
  expect(said.join('')).toContain('f: 1 built');
  // Nothing has changed since: the next night builds nothing.
  const builds = (await jobs()).filter(({ name }) => name === 'build').length;
  expect(await run('enqueue')).toMatchObject({ status: 0 });
  const after = await settled();
  expect(said.join('')).toContain('f: 2 unchanged');
  expect(after.filter(({ name }) => name === 'build')).toHaveLength(builds);
  expect((await run('logs', bad?.id ?? '')).stdout).toContain('published to directory');
  expect(await run('drain')).toMatchObject({ status: 0 });
  expect(await stop(mending)).toBe(0);

  const client = new Redis({ port: server.port, password });
  const keys = await client.keys('*');
  const dumps = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
  const schedules = await client.keys('vmkiln:f/night:repeat:*');
  client.disconnect();
  expect(schedules.length).toBeGreaterThan(0);
  const text = Buffer.concat(dumps.map((dump) => dump ?? Buffer.alloc(0))).toString('latin1');
  for (const secret of Object.values(secrets)) expect(`${text}${said.join('')}`).not.toContain(secret);
  const wrong = await vmkiln(
    ['factory', 'status', 'factory.yaml', '--queue', server.url, '--queue-password', 'env:WRONG'],
    {
      env: { ...host.env, WRONG: 'not-the-password' },
      cwd: host.folder,
    },
  );
  expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('WRONGPASS') });
  expect(wrong.stderr).not.toContain('not-the-password');
}, 120_000);

test.each([
  ['Redis', redisServer],
  ['PostgreSQL', postgresServer],
])(
  'a night, and a build that is cancelled, on %s',
  async (_, serve) => {
    const server = await serve();
    ends.push(server.stop);
    const host = fakeHost();
    host.recipe('a');
    host.recipe('b', 'packages: [cloud-init]');
    writeFileSync(join(host.folder, 'factory.yaml'), "name: f\nrecipes: [a.yaml, b.yaml]\nschedule: '0 2 * * *'\n");
    const { run, worker, jobs, settled, said } = factoryOf(host, server.url);
    expect(await run('enqueue', 'a')).toMatchObject({ status: 0 });
    const one = worker();
    expect((await settled()).map(({ state }) => state)).toEqual(['completed', 'completed']);
    expect(said.join('')).toContain('f: 1 built');
    expect(said.join('')).not.toContain('duplicate key');
    expect(await stop(one)).toBe(0);
    const slow = worker({ FAKE_SECONDS: '60' });
    const night = (await run('enqueue', 'b')).stdout.trim();
    const build = async () => (await jobs()).find(({ id }) => id === `${night}.b`);
    await expect.poll(async () => (await build())?.state, { timeout: 60_000, interval: 500 }).toBe('active');
    expect(await run('cancel', `${night}.b`)).toMatchObject({ status: 0 });
    await settled();
    expect(await build()).toMatchObject({ state: 'failed', reason: expect.stringContaining('cancelled') });
    expect(await stop(slow)).toBe(0);
    expect(running(host)).toEqual([]);
  },
  120_000,
);

/** A process and all that it has started. */
function family(pid: number): number[] {
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

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}

/** Programs that belong to a host and still run. */
function running(host: FakeHost): string[] {
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

/** Numbers that look like chance, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('workers that are killed and frozen, a server that restarts: every image is published once, and nothing is left', async () => {
  const count = Number(process.env['VMKILN_QUEUE_JOBS'] ?? 12);
  const seed = Number(process.env['VMKILN_QUEUE_SEED'] ?? Math.floor(Math.random() * 1e6));
  const random = chance(seed);
  const server = await redis();
  const host = fakeHost();
  // The same build has the same bytes wherever it is made.
  const tool = join(host.folder, 'bin/virsh');
  writeFileSync(
    tool,
    readFileSync(tool, 'utf8').replace('image of $last', 'image of $(basename "$(dirname "$last")" | cut -d- -f1)'),
  );
  chmodSync(tool, 0o755);
  const names = Array.from({ length: count }, (_, index) => `i${index}`);
  for (const name of names) host.recipe(name, `packages: [cloud-init, ${name}]`);
  writeFileSync(join(host.folder, 'factory.yaml'), "name: f\nrecipes: ['i*.yaml']\n");
  const { run, worker, jobs, settled, said } = factoryOf(host, server.url);
  const index = join(host.folder, 'images/index.json');
  const seen = new Map<string, { builds: Set<string>; serials: string[] }>();
  const look = setInterval(() => {
    if (!existsSync(index)) return;
    for (const { file, build, serial } of (
      JSON.parse(readFileSync(index, 'utf8')) as { images: { file: string; build: string; serial: string }[] }
    ).images) {
      const known = seen.get(file) ?? { builds: new Set(), serials: [] };
      seen.set(file, known);
      known.builds.add(build);
      if (known.serials.at(-1) !== serial) known.serials.push(serial);
    }
  }, 50);
  expect(await run('enqueue')).toMatchObject({ status: 0 });
  const homes = [0, 1, 2].map((number) => join(host.folder, `home-${number}`));
  for (const home of homes) mkdirSync(home);
  const begin = (at: number) => worker({ VMKILN_HOME: homes[at] ?? '' }, at === 0 ? ['--nights'] : []);
  const workers = homes.map((_, at) => begin(at));
  const isOver = async () => (await jobs()).every(({ state }) => ['completed', 'failed'].includes(state));
  for (let round = 0; !(await isOver()); round++) {
    await sleep(1500);
    const at = Math.floor(random() * workers.length);
    const victim = workers[at];
    if (round % 3 === 0 && victim) {
      victim.kill('SIGKILL');
      workers[at] = begin(at);
    } else if (round % 3 === 1 && victim?.pid !== undefined) {
      const frozen = family(victim.pid);
      signal(frozen, 'SIGSTOP');
      await sleep((lease + 2) * 1000);
      signal(frozen, 'SIGCONT');
    } else {
      await server.stop();
      await server.start();
    }
  }
  const all = await settled();
  for (const each of workers) expect(await stop(each)).toBe(0);
  clearInterval(look);
  const failed = all.filter(({ state }) => state === 'failed');
  expect({ seed, failed, said: failed.length > 0 ? said.join('') : '' }).toEqual({ seed, failed: [], said: '' });
  expect([...seen.keys()].toSorted()).toEqual(names.map((name) => `${name}.qcow2`).toSorted());
  for (const [file, { builds, serials }] of seen) {
    expect({ seed, file, builds: builds.size, serials }).toEqual({
      seed,
      file,
      builds: 1,
      serials: serials.toSorted(),
    });
  }
  expect({ seed, running: running(host) }).toEqual({ seed, running: [] });
}, 1_800_000);

test('beside it: a plain worker of BullMQ that is frozen past its lease runs its work twice', async () => {
  const server = await redis();
  const script = `
    const { Worker } = await import('bullmq');
    const options = { connection: { port: ${server.port}, maxRetriesPerRequest: null }, lockDuration: 1000, stalledInterval: 500 };
    const worker = new Worker('plain', async () => {
      console.log('begins');
      await new Promise((go) => setTimeout(go, 1000));
      console.log('side effect');
    }, options);
    worker.on('error', () => {});`;
  let said = '';
  const start = () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    child.stdout.on('data', (text) => (said += String(text)));
    ends.push(() => child.kill('SIGKILL'));
    return child;
  };
  const { Queue } = await import('bullmq');
  const queue = new Queue('plain', { connection: { port: server.port } });
  await queue.add('job', {});
  const first = start();
  await expect.poll(() => said, { timeout: 20_000 }).toContain('begins');
  first.kill('SIGSTOP');
  start();
  await expect.poll(() => said, { timeout: 20_000 }).toContain('side effect');
  first.kill('SIGCONT');
  await expect.poll(() => said.split('side effect').length - 1, { timeout: 20_000 }).toBe(2);
  await queue.close();
}, 60_000);
