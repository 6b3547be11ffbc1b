import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { CloudSession } from '../../src/openstack/keystone.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { type Fault, type Proxy, startProxy } from '../support/cloud/proxy.ts';
import { cloudThrough, context, imagesCalled, makeImage, place, sessionOf } from '../support/cloud/tools.ts';

let proxy: Proxy;
let cloud: string;
let one: CloudSession;

beforeAll(async () => {
  one = await sessionOf('test');
  proxy = await startProxy(inject('cloud').one);
  cloud = await cloudThrough(proxy.url);
});
afterAll(() => proxy.close());

/** Uploads with something going wrong. What is left must be exactly one good image, or none after a failure. */
async function uploadWith(match: RegExp, faults: (size: number) => Fault[], keys: object = {}) {
  const image = await makeImage();
  proxy.seen.length = 0;
  proxy.fail(match, ...faults(image.size));
  const there = context();
  const outcome = await glance.publish(image, place(cloud, keys), there).catch((error: unknown) => error);
  const left = await imagesCalled(one, image.name);
  const puts = proxy.seen.filter((line) => line.startsWith('PUT')).length;
  return { image, outcome, left, puts, there };
}

const put = /^PUT .*\/file/;

test.each([0.1, 0.5, 0.99])('a connection cut after %s of the data: sent again, one good image', async (part) => {
  const { image, outcome, left, puts } = await uploadWith(put, (size) => [
    { kind: 'cut', after: Math.floor(size * part) },
  ]);
  expect(outcome).toMatchObject({ target: 'glance', size: image.size });
  expect(left).toMatchObject([{ status: 'active', size: image.size, os_hidden: false, vmkiln_sha256: image.sha256 }]);
  expect(puts).toBe(2);
});

test('an answer that is lost: what is there is found, and nothing is sent twice', async () => {
  const { left, puts } = await uploadWith(put, () => [{ kind: 'lost' }]);
  expect(left).toMatchObject([{ status: 'active' }]);
  expect(puts).toBe(1);
  const made = await uploadWith(/^POST \/v2\/images$/, () => [{ kind: 'lost' }]);
  expect(made.left).toMatchObject([{ status: 'active' }]);
  const published = await uploadWith(/^PATCH/, () => [{ kind: 'lost' }]);
  expect(published.outcome).toMatchObject({ target: 'glance', size: published.image.size });
  expect(published.left).toMatchObject([{ status: 'active', os_hidden: false }]);
});

test('a token that is refused on the way is renewed, and the body is not empty then', async () => {
  for (const after of [0, 200_000]) {
    const { image, left } = await uploadWith(put, () => [{ kind: 'status', status: 401, after }]);
    expect(left).toMatchObject([{ status: 'active', size: image.size }]);
  }
});

test('500, and 503 with Retry-After, are tried again', async () => {
  const faults: Fault[] = [
    { kind: 'status', status: 500, after: 0 },
    { kind: 'status', status: 503, after: 100_000, headers: { 'Retry-After': '1' } },
  ];
  const { left, puts } = await uploadWith(put, () => faults);
  expect(left).toMatchObject([{ status: 'active' }]);
  expect(puts).toBe(3);
});

test('413 is the end: the words of the service are shown, and no half image stays', async () => {
  for (const after of [0, 200_000]) {
    const { outcome, left, puts } = await uploadWith(put, () => [{ kind: 'status', status: 413, after }]);
    expect(outcome).toMatchObject({
      code: 'TARGET_FAILED',
      message: expect.stringContaining('413'),
      hint: expect.stringContaining('quota'),
    });
    expect((outcome as Error).message).toContain('made by the proxy');
    expect(left).toEqual([]);
    expect(puts).toBe(1);
  }
});

test('a connection that breaks every time ends with the first error and leaves nothing', async () => {
  const cuts = Array.from({ length: 12 }, (): Fault => ({ kind: 'cut', after: 1000 }));
  const { outcome, left } = await uploadWith(put, () => cuts);
  expect(outcome).toMatchObject({ code: 'TARGET_FAILED', message: expect.stringContaining('no answer from') });
  expect(left).toEqual([]);
});

test('a slow server only takes longer', async () => {
  const { left } = await uploadWith(put, () => [{ kind: 'slow', rate: 200_000 }]);
  expect(left).toMatchObject([{ status: 'active' }]);
});

test('Ctrl-C in the middle leaves nothing', async () => {
  const image = await makeImage();
  proxy.fail(put, { kind: 'slow', rate: 50_000 });
  const controller = new AbortController();
  const done = glance.publish(image, place(cloud), context(controller.signal)).catch((error: unknown) => error);
  await expect.poll(() => proxy.seen.some((line) => put.test(line)), { timeout: 30_000 }).toBe(true);
  controller.abort();
  expect(await done).toMatchObject({ code: 'INTERRUPTED' });
  expect(await imagesCalled(one, image.name)).toEqual([]);
});

test('an import that never ends falls back to the direct upload', async () => {
  const image = await makeImage();
  const lost = Array.from({ length: 3 }, (): Fault => ({ kind: 'status', status: 202, after: 0 }));
  // The service never hears of the import, so that the image stays where it is.
  proxy.fail(/^POST .*\/import/, ...lost);
  const there = context();
  await glance.publish(image, { ...place(cloud, { method: 'glance-direct' }), importTimeout: 2 }, there);
  expect(there.notes).toEqual([expect.stringMatching(/does not end.*uploading it directly instead/)]);
  expect(await imagesCalled(one, image.name)).toMatchObject([{ status: 'active', size: image.size }]);
});

test('a server that is killed in the middle and started again: one good image', async () => {
  const { two, folder } = inject('cloud');
  const own = await startProxy(two);
  const through = await cloudThrough(own.url, 'two');
  // More than the buffers on the way hold.
  const image = await makeImage({ format: 'raw', size: 24 * 2 ** 20 });
  writeFileSync(image.path, randomBytes(image.size));
  own.fail(put, { kind: 'slow', rate: 1_000_000 });
  const there = context();
  const done = glance.publish(image, place(through), there);
  await expect.poll(() => own.seen.some((line) => put.test(line)), { timeout: 30_000 }).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  process.kill(Number(readFileSync(`${folder}/two.pid`, 'utf8')), 'SIGKILL');
  await done;
  const left = await imagesCalled(await sessionOf('two'), image.name);
  expect(left).toMatchObject([{ status: 'active', size: image.size, os_hidden: false }]);
  own.close();
  await cloudThrough(proxy.url);
}, 300_000);
