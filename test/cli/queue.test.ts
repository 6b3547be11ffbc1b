import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { loadFactory } from '../../src/factory/load.ts';
import { queueAddress } from '../../src/factory/queue-address.ts';
import { nightQueue } from '../../src/factory/queue-jobs.ts';
import { reconcile } from '../../src/factory/queue-nights.ts';
import { openQueues } from '../../src/factory/queue-store.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { ends, factoryOf, running, stop } from '../support/queue-factory.ts';
import { certificates, postgresServer, type QueueServer, redisServer } from '../support/queue-server.ts';
import { vmkiln } from '../support/vmkiln.ts';
import { proxiedNetworks } from '../support/worker-networks.ts';

// A factory on many hosts: real servers, tools that do nothing.

async function redis(password?: string): Promise<QueueServer> {
  const server = await redisServer(password === undefined ? {} : { password });
  ends.push(server.stop);
  return server;
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
}, 300_000);

test('a night, and a build that is cancelled, on PostgreSQL', async () => {
  const server = await postgresServer();
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
  expect(said.join('')).toContain('f: 1 interrupted');
  expect(await stop(slow)).toBe(0);
  expect(running(host)).toEqual([]);
}, 300_000);

test('hosts that begin at one moment agree on the schedule, on PostgreSQL', async () => {
  const server = await postgresServer();
  ends.push(server.stop);
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'factory.yaml'), "name: f\nrecipes: [a.yaml]\nschedule: '0 2 * * *'\n");
  const loaded = await loadFactory(join(host.folder, 'factory.yaml'), { values: {}, shared: new Set() }, host.folder);
  const said: string[] = [];
  const address = queueAddress({ queue: server.url }, {});
  const stores = await Promise.all(
    [1, 2, 3, 4].map(() => openQueues(address, ({ message }) => said.push(message), new AbortController().signal)),
  );
  for (let round = 0; round < 10; round++) await Promise.all(stores.map((store) => reconcile(loaded, [], store)));
  const [first] = stores;
  expect(await first?.queue(nightQueue('f')).getDelayedCount()).toBe(1);
  await Promise.all(stores.map((store) => store.close()));
  expect(said).toEqual([]);
});

test('a drain does not wait for a night, whose builds do not begin; a night is cancelled with them', async () => {
  const server = await redis();
  const host = fakeHost();
  for (const name of ['a', 'b']) host.recipe(name, `packages: [cloud-init, ${name}]`);
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml, b.yaml]\n');
  const { run, worker, jobs, settled, said } = factoryOf(host, server.url);
  const one = worker({ FAKE_SECONDS: '1' });
  const night = (await run('enqueue')).stdout.trim();
  await expect.poll(() => said.join(''), { timeout: 60_000 }).toContain('build begins');
  expect(await run('drain')).toMatchObject({ status: 0 });
  const states = (await jobs()).map(({ name, state }) => `${name} ${state}`);
  expect(states.toSorted()).toEqual(['build completed', 'build waiting', 'night active']);
  expect(await run('cancel', night)).toMatchObject({ status: 0 });
  expect((await settled()).find(({ id }) => id === night)).toMatchObject({
    reason: expect.stringContaining('cancelled'),
  });
  expect((await jobs()).filter(({ state }) => state === 'waiting')).toEqual([]);
  expect(await run('drain', '--resume')).toMatchObject({ status: 0 });
  expect(await run('retry', night)).toMatchObject({ status: 0 });
  expect((await settled()).map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
  expect(said.join('')).toContain('f: 2 built');
  expect(await stop(one)).toBe(0);
}, 120_000);

test('a night that is cancelled while it builds comes back with its builds', async () => {
  const server = await redis();
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
  const { run, worker, jobs, settled, said } = factoryOf(host, server.url);
  const slow = worker({ FAKE_SECONDS: '60' });
  const night = (await run('enqueue')).stdout.trim();
  await expect.poll(() => said.join(''), { timeout: 60_000 }).toContain('build begins');
  expect(await run('cancel', night)).toMatchObject({ status: 0 });
  expect((await settled()).map(({ state }) => state)).toEqual(['failed', 'failed']);
  expect(await stop(slow)).toBe(0);
  expect(await run('retry', night)).toMatchObject({ status: 0 });
  const fast = worker();
  expect((await settled()).map(({ state }) => state)).toEqual(['completed', 'completed']);
  expect(await run('cancel', night)).toMatchObject({ status: 2, stderr: expect.stringContaining('has ended') });
  expect((await jobs()).map(({ id }) => id)).toHaveLength(2);
  expect(said.join('')).toContain('f: 1 built');
  expect(await stop(fast)).toBe(0);
}, 120_000);

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

test.each([
  ['Redis', redisServer],
  ['PostgreSQL', postgresServer],
])('a worker that is told to stop ends, though %s is away', async (_, serve) => {
  const server = await serve();
  ends.push(server.stop);
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
  const { worker, said } = factoryOf(host, server.url);
  const waiting = worker();
  await expect.poll(() => said.join(''), { timeout: 20_000 }).toContain('decides the nights');
  await server.kill();
  await expect.poll(() => said.join(''), { timeout: 20_000 }).toContain(`127.0.0.1:${server.port}`);
  expect(await stop(waiting)).toBe(0);
  expect(said.join('')).not.toContain('unexpected error');
});

test.each([
  ['Redis', redisServer],
  ['PostgreSQL', postgresServer],
])(
  'a command whose %s does not answer any more says so and ends, and one that is told to stop ends then',
  async (_, serve) => {
    const server = await serve();
    ends.push(server.stop);
    const { networks, remove } = await proxiedNetworks(1, server.port);
    ends.push(remove);
    const [network] = networks;
    const host = fakeHost();
    host.recipe('a');
    writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
    const { run, start, worker, said } = factoryOf(host, server.url);
    const slow = worker({ FAKE_SECONDS: '60' });
    expect(await run('enqueue')).toMatchObject({ status: 0 });
    await expect.poll(() => said.join(''), { timeout: 60_000 }).toContain('build begins');
    const draining = async () => {
      const before = said.length;
      const command = start(['drain'], {}, network);
      await expect.poll(() => said.slice(before).join(''), { timeout: 20_000 }).toContain('waiting for a build');
      network?.cut(0);
      return command;
    };
    expect((await once(await draining(), 'exit'))[0]).toBe(1);
    expect(said.join('')).toContain('no answer within 10 s');
    network?.mend();
    const told = said.length;
    expect(await stop(await draining())).toBe(130);
    // As long as it has not reached its server, too.
    const opening = start(['status'], {}, network);
    await sleep(3000);
    expect(await stop(opening)).toBe(130);
    const beginning = worker({}, [], network);
    await sleep(3000);
    expect(await stop(beginning)).toBe(0);
    expect(said.slice(told).join('')).not.toContain('no answer');
    expect(slow.exitCode).toBe(null);
  },
  120_000,
);

test('a server that is rolled back has the work done again, and published no second time', async () => {
  const server = await redis();
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
  const { run, worker, settled, said } = factoryOf(host, server.url);
  expect(await run('enqueue')).toMatchObject({ status: 0 });
  await server.stop();
  cpSync(server.data, `${server.data}-before`, { recursive: true });
  await server.start();
  const index = () => readFileSync(join(host.folder, 'images/index.json'), 'utf8');
  const rollBack = async () => {
    await server.stop();
    rmSync(server.data, { recursive: true });
    cpSync(`${server.data}-before`, server.data, { recursive: true });
    await server.start();
  };
  const first = worker();
  await settled();
  expect(await stop(first)).toBe(0);
  const published = index();
  const builds = host.runs('virt-install').count;
  await rollBack();
  // Who decided it knows what came of that night.
  const again = worker();
  await settled();
  expect(await stop(again)).toBe(0);
  expect(host.runs('virt-install').count).toBe(builds);
  await rollBack();
  // Another host does not, and its build has other bytes.
  const other = worker({ VMKILN_HOME: join(host.folder, 'other') });
  await settled();
  expect(await stop(other)).toBe(0);
  expect(host.runs('virt-install').count).toBe(builds + 1);
  expect(said.join('')).toMatch(/images\/a.qcow2 \(published already by a-/);
  expect(index()).toBe(published);
}, 300_000);
