import {
  appendFileSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { upload } from '../../src/commands/upload.ts';
import { patchImage } from '../../src/openstack/image-api.ts';
import { changeMember } from '../../src/openstack/image-members.ts';
import { openSession } from '../../src/openstack/keystone.ts';
import { sendFile } from '../../src/openstack/send-file.ts';
import { commandContext } from '../support/command-context.ts';
import { type FakeGlance, startFakeGlance } from '../support/cloud/fake-glance.ts';

let cloud: FakeGlance;
let folder: string;
beforeAll(async () => {
  cloud = await startFakeGlance();
  for (const name of Object.keys(process.env)) if (/^OS_|_proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, cloud.env, { VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-home-')) });
});
afterAll(() => cloud.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmkiln-sending-'));
  cloud.images.clear();
  cloud.seen.length = 0;
  cloud.forget();
});

const puts = () => cloud.seen.filter((line) => line.startsWith('PUT')).length;

/** Sends a file to a record that is there. */
function send(path: string, size: number) {
  const identity = { dev: '0', ino: '0', size: `${size}`, mtimeNs: '0' };
  cloud.images.set('i', { id: 'i', status: 'queued' });
  const options = { signal: new AbortController().signal, progress: () => undefined, to: 'file' as const };
  return sendFile(openSession(cloud.config, {}), 'i', { path, size, identity }, options);
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
    message: expect.stringMatching(`^cannot read ${path}: no such file or directory$`),
  });
  // A folder is opened, and fails when it is read.
  await expect(send(folder, 10)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    message: expect.stringMatching(`^cannot read ${folder}: illegal operation on a directory$`),
  });
  expect(puts()).toBe(1);
});

/** A file that was last written long ago, so that its digest may be stored. */
function oldFile(): string {
  const path = join(folder, 'x.raw');
  writeFileSync(path, Buffer.alloc(300_032, 1));
  age(path);
  return path;
}

function age(path: string): void {
  utimesSync(path, new Date('2026-01-01'), new Date('2026-01-01'));
}

function uploadAs(
  name: string,
  path: string,
  more: Partial<Parameters<typeof upload>[1]> = {},
  signal = new AbortController().signal,
): Promise<void> {
  return upload(path, { to: ['envvars'], name, ...more }, commandContext(signal));
}

const visible = () => [...cloud.images.values()].filter((image) => image['os_hidden'] === false);

const changes: Record<string, (path: string) => void> = {
  'still being written': (path) => appendFileSync(path, 'more'.repeat(128)),
  'changed in place': (path) => writeFileSync(path, Buffer.alloc(300_032, 2), { flag: 'r+' }),
};

test.each(Object.entries(changes))('a file that is %s while it is sent is not published', async (_, change) => {
  const path = oldFile();
  const refused = { code: 'TARGET_FAILED', message: `${path} changed while it was sent` };
  cloud.once(/^PUT/, () => change(path));
  await expect(uploadAs('a', path)).rejects.toMatchObject(refused);
  expect(cloud.images.size).toBe(0);
  // The answer may be lost besides.
  age(path);
  cloud.once(/^PUT/, (_request, _answer, drop) => {
    change(path);
    drop();
  });
  await expect(uploadAs('a', path)).rejects.toMatchObject(refused);
  expect(cloud.images.size).toBe(0);
});

test('a file that changes after its checksum was looked up is not published under it', async () => {
  const path = oldFile();
  await uploadAs('a', path);
  expect(visible()).toHaveLength(1);
  for (const more of [{}, { diskFormat: 'qcow2' }]) {
    cloud.once(/^GET .v2.images$/, () => changes['changed in place']?.(path));
    await expect(uploadAs('b', path, more)).rejects.toMatchObject({
      code: 'TARGET_FAILED',
      message: `${path} changed after its checksum was computed`,
    });
    writeFileSync(path, Buffer.alloc(300_032, 1));
    age(path);
  }
  expect(visible()).toHaveLength(1);
});

test('a new owner, which libvirt gives every file it uses, is no change', async () => {
  const path = oldFile();
  cloud.once(/^PUT/, () => chownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0));
  await uploadAs('a', path);
  expect(visible()).toMatchObject([{ status: 'active', vmkiln_sha256: expect.any(String) }]);
});

test('a file that is removed while it is sent, and a store of checksums that cannot be written, are no failure', async () => {
  const gone = oldFile();
  cloud.once(/^PUT/, () => rmSync(gone));
  await uploadAs('a', gone);
  const path = oldFile();
  const store = join(process.env['VMKILN_HOME'] ?? '', 'cache/media/hashes.json');
  rmSync(store, { force: true });
  mkdirSync(store);
  await uploadAs('b', path);
  // An image of that name is there: the file is read for its checksum first.
  await uploadAs('b', path);
  rmSync(store, { recursive: true });
  expect(visible()).toMatchObject([{ name: 'a' }, { name: 'b' }]);
});

test('a service that is busy when the record is made is left alone for as long as it says', async () => {
  const path = oldFile();
  const controller = new AbortController();
  for (let times = 0; times < 5; times++) {
    cloud.once(/^POST .v2.images$/, (request, answer) => {
      request.resume();
      answer.writeHead(503, { 'Retry-After': '60' }).end();
      setTimeout(() => controller.abort(), 500);
      return true;
    });
  }
  await expect(uploadAs('a', path, {}, controller.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(cloud.seen.filter((line) => line === 'POST /v2/images')).toHaveLength(1);
});

test('what a service refuses for there being too many requests is asked again, whatever it is', async () => {
  const session = openSession(cloud.config, {});
  const { signal } = new AbortController();
  const change = () => changeMember(session, 'i', { method: 'POST', member: 'p' }, { signal });
  const answerWith = (status: number, after = '0') =>
    cloud.once(/^POST/, (request, answer) => {
      request.resume();
      answer.writeHead(status, { 'Retry-After': after }).end('{}');
      return true;
    });
  answerWith(429);
  await session.project(signal);
  for (const after of ['0', new Date(0).toUTCString()]) answerWith(429, after);
  answerWith(200);
  await change();
  expect(cloud.seen).toEqual([...Array<string>(2).fill('POST /v3/auth/tokens'), ...Array<string>(3).fill(members)]);
  for (let times = 0; times < 5; times++) answerWith(429);
  await expect(change()).rejects.toMatchObject({ status: 429, isFinal: true });
  // What may have been done is not asked for again.
  answerWith(503);
  await expect(change()).rejects.toMatchObject({ status: 503 });
});

const members = 'POST /v2/images/i/members';

test('a change whose answer was lost has been made, and one that is refused has not', async () => {
  const session = openSession(cloud.config, {});
  const { signal } = new AbortController();
  const there = { id: 'i', status: 'active', tags: ['b', 'a'], 'x/y': 'old', mark: 'm' };
  cloud.images.set('i', there);
  const patches = [
    { op: 'replace' as const, path: '/tags', value: ['a', 'b'] },
    { op: 'replace' as const, path: '/x~1y', value: 'new' },
    { op: 'remove' as const, path: '/mark' },
  ];
  cloud.once(/^PATCH/, (_request, _answer, drop) => drop());
  expect(await patchImage(session, 'i', patches, { signal })).toMatchObject({ id: 'i', 'x/y': 'new' });
  expect(cloud.seen.filter((line) => line.startsWith('PATCH'))).toHaveLength(2);

  cloud.images.set('i', { id: 'i', status: 'active', tags: ['b', 'a'], 'x/y': 'old' });
  await expect(patchImage(session, 'i', patches, { signal })).rejects.toMatchObject({ status: 409 });
});

test('a new image is published and the old one hidden although the answer to the publication is lost', async () => {
  const path = oldFile();
  await uploadAs('a', path);
  writeFileSync(path, Buffer.alloc(300_032, 2));
  age(path);
  cloud.once(/^PATCH/, (_request, _answer, drop) => drop());
  await uploadAs('a', path, { replace: true });
  expect(visible()).toHaveLength(1);
  expect(cloud.images.size).toBe(2);
});

test('a conversion leaves nothing, also when it is stopped, and the name of an image is no path', async () => {
  const path = oldFile();
  const work = mkdtempSync(join(folder, 'work-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = work;
  try {
    await uploadAs('../team/x', path, { diskFormat: 'qcow2' });
    expect(visible()).toMatchObject([{ name: '../team/x', disk_format: 'qcow2', status: 'active' }]);
    expect(readdirSync(work)).toEqual([]);
    const controller = new AbortController();
    const watcher = watch(work, () => controller.abort());
    const stopped = uploadAs('y', path, { diskFormat: 'vmdk' }, controller.signal);
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    watcher.close();
    expect(readdirSync(work)).toEqual([]);
    expect(visible()).toHaveLength(1);
  } finally {
    process.env['TMPDIR'] = before;
  }
});
