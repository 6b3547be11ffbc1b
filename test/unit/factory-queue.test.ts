import { expect, test } from 'vitest';
import type { Job } from '../../src/factory/jobs.ts';
import { queueAddress } from '../../src/factory/queue-address.ts';
import type { LoadedFactory } from '../../src/factory/load.ts';
import { buildQueue, type BuildRecord, type NightData, servedQueues } from '../../src/factory/queue-jobs.ts';
import { makeByWorkers } from '../../src/factory/queue-make.ts';
import { begin } from '../../src/factory/queue-nights.ts';
import type { QueueStore } from '../../src/factory/queue-store.ts';
import { serialNow } from '../../src/targets/serial.ts';

function jobOf(name: string, base: string | undefined, labels: string[] = []): Job {
  const entry = { recipe: `/${name}.yaml`, vars: {}, labels } as Job['entry'];
  return { name, entry, request: {} as Job['request'], recipe: undefined, ...(base !== undefined && { base }) };
}

test.each([
  ['http://h', undefined, 'none that vmkiln knows'],
  ['redis-server', undefined, 'none that vmkiln knows'],
  ['redis://:hidden-word@h', undefined, 'has a password in it'],
  ['redis://h', 'hidden-word', 'neither env:NAME nor file:PATH'],
  ['postgres://h/d?sslmode=require', undefined, 'neither verify-full nor disable'],
  // What is left of a password that has signs of an address in it, and what would be passed over.
  ['redis://me:12/hidden-word@h', undefined, 'none that vmkiln knows'],
  ['redis://me:12#hidden-word@h', undefined, 'none that vmkiln knows'],
  ['redis://%zz@h', undefined, 'none that vmkiln knows'],
  ['redis://h/one', undefined, 'none that vmkiln knows'],
  ['postgres://h/d?ssl=true', undefined, 'none that vmkiln knows'],
])('the address %s is refused, and no password is repeated', (queue, queuePassword, message) => {
  const read = () => queueAddress({ queue, ...(queuePassword !== undefined && { queuePassword }) }, {});
  expect(read).toThrow(message);
  expect(read).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hidden-word') }));
});

test('an address with TLS, and a password by reference', () => {
  const { secret, ...rest } = queueAddress(
    { queue: 'rediss://me@[::1]:7000/2', queuePassword: 'env:P' },
    { P: 'word' },
  );
  expect(secret).toBe('word');
  expect(rest).toEqual({
    ...{ store: 'redis', name: 'rediss://[::1]:7000/2', host: '::1', port: 7000 },
    ...{ user: 'me', database: '2', tls: {}, secretVariable: 'P' },
  });
});

test('a worker serves the queues whose labels it has', () => {
  const jobs = [jobOf('a', undefined), jobOf('b', undefined, ['kvm', 'big']), jobOf('c', undefined, ['tcg'])];
  expect(servedQueues('f', jobs, ['x86_64', 'kvm', 'big'])).toEqual(['f/build', 'f/build/big+kvm']);
  expect(buildQueue('f', ['b', 'a', 'b'])).toBe('f/build/a+b');
});

test('a night that a schedule has put there begins when it begins, and has one id however often it is begun', async () => {
  const loaded = { factory: { name: 'f' } } as LoadedFactory;
  const job = {
    data: { images: ['a'] } as NightData,
    updateData: async (data: NightData) => void (job.data = data),
  };
  const before = `f-${serialNow()}`;
  const first = await begin(loaded, job);
  expect(first).toMatchObject({ images: ['a'], startedAt: expect.any(Number) });
  expect(first.id > before && first.id < `f-${serialNow()}`).toBe(true);
  expect(await begin(loaded, job)).toEqual(first);
});

test('what came of a build is what its last worker returned, not what one that was cut off told late', async () => {
  const [name, night] = ['a', 'f-20261128-020000-0000'];
  const record: BuildRecord = { host: 'second', build: 'a-2', folder: '/builds/a-2', published: [] };
  const done = {
    ...{ finishedOn: 1, progress: { host: 'first', build: 'a-1', published: [] } satisfies BuildRecord },
    ...{ returnvalue: record, getState: async () => 'completed' },
  };
  const store = { queue: () => ({ add: async () => undefined, getJob: async () => done }) } as unknown as QueueStore;
  const make = makeByWorkers({ factory: { name: 'f', limits: {} } } as LoadedFactory, { night, startedAt: 0 }, store);
  const { signal } = new AbortController();
  const nothing = () => undefined;
  const made = make(jobOf(name, undefined), { renewMedia: false }, { signal, emit: nothing, began: nothing });
  expect(await made).toMatchObject({ host: 'second', build: 'a-2' });
});
