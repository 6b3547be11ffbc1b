import fc from 'fast-check';
import type { FlowJob } from 'bullmq';
import { expect, test } from 'vitest';
import type { Job } from '../../src/factory/jobs.ts';
import { queueAddress } from '../../src/factory/queue-address.ts';
import { buildQueue, flowOf, servedQueues } from '../../src/factory/queue-jobs.ts';

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

test('every image is built once in a night, and after the one that it starts from', () => {
  const forest = fc.array(fc.option(fc.nat(), { nil: undefined }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(forest, (bases) => {
      const jobs = bases.map((base, at) =>
        jobOf(`i${at}`, base === undefined || at === 0 ? undefined : `i${base % at}`),
      );
      const flow = flowOf('f', jobs, 'n', '2026-11-29T00:00:00Z');
      const below = (job: FlowJob): string[] =>
        (job.children ?? []).flatMap((each) => [each.data.image, ...below(each)]);
      const all = below(flow);
      expect(all.toSorted()).toEqual(jobs.map(({ name }) => name).toSorted());
      const before = (job: FlowJob): void => {
        const base = jobs.find(({ name }) => name === job.data.image)?.base;
        if (base !== undefined) expect(below(job)).toContain(base);
        for (const each of job.children ?? []) before(each);
      };
      for (const each of flow.children ?? []) before(each);
    }),
  );
});
