import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { promote } from '../../src/channels/promote.ts';
import { deleteImage, extraProperties, getImage } from '../../src/openstack/image-api.ts';
import { cloudChannels } from '../../src/targets/glance/channels.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { serialNow } from '../../src/targets/serial.ts';
import type { ImageToPublish } from '../../src/targets/target.ts';
import { context, fresh, makeImage, openstack, place, sessionOf, signal, useClouds } from '../support/cloud/tools.ts';
import { type About, documentsAbout } from '../support/statements.ts';

// The Image service lets anybody of a project write any property: what an image is, its data says.

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

beforeAll(() => void useClouds());

/** Publishes, hidden, and gives the id of the image that is there then. */
async function publish(image: ImageToPublish, more: object = {}) {
  const target = place('test', { hidden: true, ...more });
  const { location, unchanged } = await glance.publish({ ...image, serial: serialNow() }, target, context());
  return { id: location.split('/').at(-1) ?? '', unchanged };
}

/** What a promotion comes to: its end, or the reason for which it was refused. */
async function promotion(image: string, about: About, signed = true): Promise<string> {
  const channels = await cloudChannels(place('test'), context());
  const { statements } = await documentsAbout({ passed: true, key: privateKey, ...about });
  const promoting = { channel: fresh('prod'), statements: () => Promise.resolve(statements) };
  return promote(channels, image, { ...promoting, ...(signed && { key: publicKey }) }).then(
    ({ end }) => end,
    (error: Error) => error.message.split(':')[0] ?? '',
  );
}

/** Uploads other bytes with the properties of an image, as another tool does. */
async function imitate(id: string, without: readonly string[] = []): Promise<string> {
  const there = await getImage(await sessionOf('test'), id, { signal });
  const { path, size } = await makeImage();
  expect(size).toBe(there.size);
  const properties = Object.entries(extraProperties(there)).filter(([key]) => !without.includes(key));
  const made = await openstack<{ id: string }>(
    'test',
    ...['image', 'create', String(there.name), '--file', path, '--disk-format', 'qcow2'],
    ...properties.flatMap(([key, value]) => ['--property', `${key}=${String(value)}`]),
  );
  return made.id;
}

test('other bytes with the properties of an image are neither promoted nor taken for it', async () => {
  const image = await makeImage();
  const { id } = await publish(image);
  const copies = [await imitate(id), await imitate(id, ['vmkiln_os_hash_value'])];
  expect(await promotion(copies[0] ?? '', image)).toMatch(/has the properties of an image of vmkiln, and other data/);
  expect(await promotion(copies[1] ?? '', image)).toBe('data-changed');
  expect(await promotion(copies[1] ?? '', image, false)).toBe('data-changed');
  expect(await promotion(id, image)).toBe('reached');
  expect(await publish(image, { replace: true })).toEqual({ id, unchanged: true });
  // Nothing but imitations is there any more.
  const other = await makeImage();
  const { id: gone } = await publish(other);
  await imitate(gone);
  await imitate(gone, ['vmkiln_os_hash_value']);
  await deleteImage(await sessionOf('test'), gone, { signal });
  const anew = await publish(other, { replace: true });
  expect(anew.unchanged).toBe(false);
  const { os_hash_value: hash } = await getImage(await sessionOf('test'), anew.id, { signal });
  expect(hash).toBe(createHash('sha512').update(readFileSync(other.path)).digest('hex'));
}, 600_000);

test('what was converted is what it was when it was published, and no signature is about it', async () => {
  const image = await makeImage();
  const { id } = await publish(image, { format: 'raw' });
  expect(await publish(image, { format: 'raw' })).toEqual({ id, unchanged: true });
  expect(await promotion(id, image)).toBe('data-converted');
  expect(await promotion(id, image, false)).toBe('reached');
}, 600_000);

test('statements without a sha512 are of no use for a signed promotion', async () => {
  const { sha512: _, ...image } = await makeImage();
  const { id } = await publish(image);
  expect(await promotion(id, image)).toBe('data-unknown');
  expect(await promotion(id, image, false)).toBe('reached');
}, 600_000);
