import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { cutProxy } from '../support/cut-proxy.ts';
import { fakeHost, type FakeHost } from '../support/fake-tools.ts';
import { certificates, postgresServer, type QueueServer, redisServer } from '../support/queue-server.ts';
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
  const server = await redisServer(password === undefined ? {} : { password });
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

/** What happens in a campaign: it takes its time, and leaves all as it was. */
type Fault = 'kill a worker' | 'freeze a worker' | 'cut the network' | 'restart the server' | 'kill the server';
const faults: readonly Fault[] = [
  ...(['kill a worker', 'freeze a worker', 'cut the network', 'restart the server', 'kill the server'] as const),
];

/** Images of a campaign that a person starts: 60 are meant. */
const asked = process.env['VMKILN_QUEUE_JOBS'];

test.each([
  ['Redis', redisServer, 10],
  ['PostgreSQL', postgresServer, 5],
])(
  'workers that are killed, frozen and cut off, a server that restarts or is killed, on %s: every image is published once, and nothing is left',
  async (_, serve, few) => {
    const count = Number(asked ?? few);
    const seed = Number(process.env['VMKILN_QUEUE_SEED'] ?? Math.floor(Math.random() * 1e6));
    const random = chance(seed);
    const server = await serve();
    ends.push(server.stop);
    const host = fakeHost();
    const names = Array.from({ length: count }, (_each, index) => `i${index}`);
    for (const name of names) host.recipe(name, `packages: [cloud-init, ${name}]`);
    writeFileSync(join(host.folder, 'factory.yaml'), "name: f\nrecipes: ['i*.yaml']\n");
    const { run, worker, jobs, settled, said } = factoryOf(host, server.url);
    const index = join(host.folder, 'images/index.json');
    const seen = new Map<string, { contents: Set<string>; serials: Set<string> }>();
    const look = setInterval(() => {
      if (!existsSync(index)) return;
      for (const { file, sha256, serial } of (
        JSON.parse(readFileSync(index, 'utf8')) as { images: { file: string; sha256: string; serial: string }[] }
      ).images) {
        const known = seen.get(file) ?? { contents: new Set(), serials: new Set() };
        seen.set(file, known);
        known.contents.add(sha256);
        known.serials.add(serial);
      }
    }, 50);
    ends.push(() => clearInterval(look));
    const night = (await run('enqueue')).stdout.trim();
    const hosts = await Promise.all(
      [0, 1, 2].map(async (number) => {
        const home = join(host.folder, `home-${number}`);
        mkdirSync(home);
        const proxy = await cutProxy(server.port);
        ends.push(proxy.close);
        return { home, proxy, url: server.url.replace(`:${server.port}`, `:${proxy.port}`) };
      }),
    );
    const begin = (at: number) =>
      worker({ VMKILN_HOME: hosts[at]?.home ?? '' }, at === 0 ? ['--nights'] : [], hosts[at]?.url);
    const workers = hosts.map((_each, at) => begin(at));
    const happened = new Map<Fault, number>();
    const happen = async (fault: Fault) => {
      const at = Math.floor(random() * workers.length);
      const [victim, network] = [workers[at], hosts[at]?.proxy];
      happened.set(fault, (happened.get(fault) ?? 0) + 1);
      if (fault === 'kill a worker') {
        victim?.kill('SIGKILL');
        workers[at] = begin(at);
      } else if (fault === 'freeze a worker' && victim?.pid !== undefined) {
        const frozen = family(victim.pid);
        signal(frozen, 'SIGSTOP');
        await sleep((lease + 2) * 1000);
        signal(frozen, 'SIGCONT');
      } else if (fault === 'cut the network') {
        network?.cut();
        await sleep((lease + 2) * 1000);
        network?.mend();
      } else {
        await (fault === 'kill the server' ? server.kill() : server.stop());
        await server.start();
      }
    };
    const isOver = async () => {
      const all = await jobs();
      return all.every(({ state }) => ['completed', 'failed'].includes(state));
    };
    // Each of them once, and then in every second round one by chance.
    for (let round = 0; !(await isOver()); round++) {
      await sleep(1500);
      const next = faults[round] ?? (round % 2 === 0 ? undefined : faults[Math.floor(random() * faults.length)]);
      if (next) await happen(next);
    }
    const all = await settled();
    for (const each of workers) expect(await stop(each)).toBe(0);
    clearInterval(look);
    if (asked !== undefined) console.log(JSON.stringify({ seed, count, happened: Object.fromEntries(happened) }));
    const failed = all.filter(({ state }) => state === 'failed');
    expect({ seed, failed, said: failed.length > 0 ? said.join('') : '' }).toEqual({ seed, failed: [], said: '' });
    expect([...seen.keys()].toSorted()).toEqual(names.map((name) => `${name}.qcow2`).toSorted());
    const serial = night.slice('f-'.length);
    for (const [file, { contents, serials }] of seen) {
      expect({ seed, file, contents: contents.size, serials: [...serials] }).toEqual({
        ...{ seed, file, contents: 1, serials: [serial] },
      });
    }
    expect(said.join('')).toContain(`f: ${count} built`);
    const work = hosts.flatMap(({ home }) => readdirSync(join(home, 'cache/work')));
    expect({ seed, running: running(host), work }).toEqual({ seed, running: [], work: [] });
  },
  3_600_000,
);

test('a server that is full refuses what is new, and says so; work goes on when it has room', async () => {
  const server = await redis();
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
  const { run, worker, settled, said } = factoryOf(host, server.url);
  const client = new Redis({ port: server.port });
  ends.push(() => client.disconnect());
  const one = worker({ FAKE_SECONDS: '2' });
  expect(await run('enqueue')).toMatchObject({ status: 0 });
  await expect.poll(() => said.join(''), { timeout: 60_000 }).toContain('a: build begins');
  await client.config('SET', 'maxmemory', '1');
  expect(await run('enqueue')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/maxmemory.*\n.*the server of the queue is full/),
  });
  await expect.poll(() => said.join(''), { timeout: 60_000 }).toContain('the lease of the job was lost');
  expect(existsSync(join(host.folder, 'images/index.json'))).toBe(false);
  await client.config('SET', 'maxmemory', '0');
  await settled();
  expect(said.join('')).toContain('f: 1 built');
  expect(await stop(one)).toBe(0);
}, 180_000);

test.each([
  ['Redis', redisServer],
  ['PostgreSQL', postgresServer],
])(
  'TLS to %s: a server that the CA has not signed is none',
  async (_, serve) => {
    const tls = certificates();
    const server = await serve({ tls });
    ends.push(server.stop);
    const host = fakeHost();
    host.recipe('a');
    writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
    const { run } = factoryOf(host, server.url);
    expect(await run('enqueue', '--queue-ca', tls.ca)).toMatchObject({ status: 0 });
    expect((await run('status', '--queue-ca', tls.ca)).stdout).toContain('f/night');
    expect(await run('status')).toMatchObject({ status: 1, stderr: expect.stringMatching(/certificate/) });
  },
  60_000,
);

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
