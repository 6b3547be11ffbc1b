import { createReadStream, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getImage } from '../../src/openstack/image-api.ts';
import type { CloudSession } from '../../src/openstack/keystone.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import type { ImageToPublish } from '../../src/targets/target.ts';
import { context, imagesCalled, makeImage, openstack, place, sessionOf, signal } from '../support/cloud/tools.ts';

let one: CloudSession;
let two: CloudSession;
let image: ImageToPublish;
let server: Server;
let location: string;

beforeAll(async () => {
  [one, two] = await Promise.all([sessionOf('test'), sessionOf('two')]);
  image = await makeImage();
  server = createServer((_, answer) => {
    answer.writeHead(200, { 'Content-Length': image.size });
    createReadStream(image.path).pipe(answer);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  location = `http://127.0.0.1:${(server.address() as AddressInfo).port}/image.qcow2`;
});
afterAll(() => server.close());

const idOf = (at: string) => at.split('/').at(-1) ?? '';

test('an import into several stores goes by staging, and its data is verified', async () => {
  const name = `${image.name}-stores`;
  const { location: at } = await glance.publish(image, place('test', { name, stores: ['fast', 'slow'] }), context());
  const there = await getImage(one, idOf(at), { signal });
  expect(there).toMatchObject({ status: 'active', size: image.size });
  expect(there.stores?.split(',').toSorted()).toEqual(['fast', 'slow']);
});

test('what the cloud converts and injects on an import is told', async () => {
  const there = context();
  const { location: at } = await glance.publish(image, place('two', { method: 'glance-direct' }), there);
  expect(there.notes).toEqual([
    'the cloud added injected_by=the_cloud',
    expect.stringContaining('converted the image from qcow2 to raw'),
  ]);
  expect(await getImage(two, idOf(at), { signal })).toMatchObject({ disk_format: 'raw', size: 2 ** 20 });
  // Its hash is another one now, and it is the same image nevertheless.
  const again = await glance.publish(image, place('two', { method: 'glance-direct' }), context());
  expect(again).toMatchObject({ unchanged: true });
});

test('the cloud fetches the image from a location, and what it got is compared with the file here', async () => {
  const name = `${image.name}-web`;
  const { location: at } = await glance.publish(image, place('test', { name, location }), context());
  expect(await getImage(one, idOf(at), { signal })).toMatchObject({ status: 'active', size: image.size });
  const other = await makeImage();
  const wrong = place('test', { name: `${other.name}-web`, location, method: 'web-download' });
  await expect(
    glance.publish({ ...other, path: other.path, size: other.size }, wrong, context()),
  ).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    message: expect.stringContaining('is not what was sent'),
  });
  expect(await imagesCalled(one, `${other.name}-web`)).toEqual([]);
});

test('the import task of the Tasks API, which is for administrators', async () => {
  const name = `${image.name}-task`;
  const spec = place('admin', { name, location, method: 'task', tags: ['t'] });
  const { location: at } = await glance.publish(image, spec, context());
  const shown = await openstack<{ status: string; name: string; tags: string[] }>('admin', 'image', 'show', idOf(at));
  expect(shown).toMatchObject({ status: 'active', name, tags: ['t'] });
  // What is served is not the file here: nothing of it stays.
  const other = await makeImage();
  const wrong = { ...spec, name: `${other.name}-task` };
  await expect(glance.publish(other, wrong, context())).rejects.toThrow(/is not what was sent/);
  expect(await imagesCalled(await sessionOf('admin'), wrong.name)).toEqual([]);
  await expect(glance.publish(image, { ...spec, cloud: 'test' }, context())).rejects.toMatchObject({
    message: expect.stringContaining('403'),
  });
});

test('another disk format is made on this host', async () => {
  const name = `${image.name}-raw`;
  const { location: at } = await glance.publish(image, place('test', { name, format: 'raw' }), context());
  expect(await getImage(one, idOf(at), { signal })).toMatchObject({ disk_format: 'raw', size: 2 ** 20 });
});

test('an image over the limit of the cloud is refused in the words of the service, and none of it stays', async () => {
  const big = await makeImage({ format: 'raw' });
  writeFileSync(big.path, 'x');
  truncateSync(big.path, 65 * 2 ** 20);
  const failed = glance.publish({ ...big, size: 65 * 2 ** 20 }, place('two'), context());
  await expect(failed).rejects.toMatchObject({
    message: expect.stringContaining('413'),
    hint: expect.stringContaining('quota'),
  });
  expect(await imagesCalled(two, big.name)).toEqual([]);
});

test('what the cloud does not offer, or does not know, is refused before anything is made', async () => {
  const refused = async (keys: object, words: RegExp) => {
    await expect(glance.publish(image, place('test', { name: 'refused', ...keys }), context())).rejects.toThrow(words);
  };
  await refused({ stores: ['ceph'] }, /has no store ceph/);
  await refused({ method: 'web-download' }, /needs the URL/);
  await refused({ properties: { hw_disk_bus: 'virtoi' } }, /hw_disk_bus=virtoi: expected .*virtio/);
  await refused({ minRam: 1, cloud: 'x', properties: { hw_cpu_cores: 'many' } }, /expected a whole number/);
  expect(await imagesCalled(one, 'refused')).toEqual([]);
});
