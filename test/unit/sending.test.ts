import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSession } from '../../src/openstack/keystone.ts';
import { sendFile } from '../../src/openstack/send-file.ts';
import { type FakeGlance, startFakeGlance } from '../support/cloud/fake-glance.ts';

let cloud: FakeGlance;
let folder: string;
beforeAll(async () => {
  cloud = await startFakeGlance();
  for (const name of Object.keys(process.env)) if (/^OS_|_proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, cloud.env);
});
afterAll(() => cloud.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmkiln-sending-'));
  cloud.images.clear();
  cloud.seen.length = 0;
});

const puts = () => cloud.seen.filter((line) => line.startsWith('PUT')).length;

/** Sends a file to a record that is there. */
function send(path: string, size: number) {
  cloud.images.set('i', { id: 'i', status: 'queued' });
  const options = { signal: new AbortController().signal, progress: () => undefined, to: 'file' as const };
  return sendFile(openSession(cloud.config), 'i', { path, size }, options);
}

test('a file that has become shorter ends the sending at once, and nothing is sent again', async () => {
  const path = join(folder, 'x.raw');
  writeFileSync(path, Buffer.alloc(100_000));
  await expect(send(path, 300_000)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    message: `${path} changed while it was sent`,
  });
  expect(puts()).toBe(1);
});

test('a file that cannot be read is told as such, and not as a fault of the cloud', async () => {
  const path = join(folder, 'gone.raw');
  await expect(send(path, 10)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    message: expect.stringMatching(`^cannot read ${path}: ENOENT`),
  });
  // A folder is opened, and fails when it is read.
  await expect(send(folder, 10)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    message: expect.stringMatching(`^cannot read ${folder}: EISDIR`),
  });
  expect(puts()).toBe(1);
});
