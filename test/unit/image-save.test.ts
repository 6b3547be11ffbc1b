import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSession } from '../../src/openstack/keystone.ts';
import { saveImage } from '../../src/openstack/save-image.ts';
import { type FakeGlance, startFakeGlance } from '../support/cloud/fake-glance.ts';
import { imageRecord } from '../support/cloud/image-record.ts';

const data = randomBytes(300_000);
const there = { size: data.length, os_hash_algo: 'sha512', os_hash_value: hex('sha512', data) };
const image = { ...imageRecord('1'), ...there };

let cloud: FakeGlance;
let path: string;
beforeAll(async () => {
  cloud = await startFakeGlance();
});
afterAll(() => cloud.close());
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'vmkiln-save-')), 'x.qcow2');
  cloud.seen.length = 0;
  cloud.forget();
});

function hex(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

type Answer = { range?: boolean; bytes?: Buffer; cut?: number; status?: number };

/** How the next requests for the data are answered; `cut` breaks the connection after so many bytes. */
function answers(...all: Answer[]): string[] {
  const ranges: string[] = [];
  for (const { range = true, bytes = data, cut, status } of all) {
    cloud.once(/GET .*\/file$/, (request: IncomingMessage, answer: ServerResponse) => {
      const wanted = request.headers.range ?? '';
      ranges.push(wanted);
      const from = range ? Number(/\d+/.exec(wanted)?.[0] ?? 0) : 0;
      const part = bytes.subarray(from);
      const said = from > 0 ? { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
      answer.writeHead(status ?? (from > 0 ? 206 : 200), { 'Content-Length': part.length, ...said });
      if (cut === undefined) answer.end(part);
      else answer.write(part.subarray(0, cut), () => setTimeout(() => answer.destroy(), 50));
      return true;
    });
  }
  return ranges;
}

const save = (changes: object = {}, force = false, signal = new AbortController().signal) => {
  const quiet = () => undefined;
  const how = { force, signal, progress: quiet, note: quiet };
  return saveImage(openSession(cloud.config, {}), { ...image, ...changes }, path, how);
};
const files = () => readdirSync(join(path, '..'));

test('data comes whole, over connections that break, and a second time it is there', async () => {
  const ranges = answers({ cut: 100_000 }, { cut: 50_000 }, {});
  expect(await save()).toEqual({ file: path, size: data.length, algorithm: 'sha512', unchanged: false });
  expect(readFileSync(path).equals(data)).toBe(true);
  expect(ranges).toEqual(['', 'bytes=100000-', 'bytes=150000-']);
  expect(files()).toEqual(['x.qcow2']);
  expect(await save()).toMatchObject({ unchanged: true });
  expect(ranges).toHaveLength(3);
});

test('a part that was left is gone on with; from a service that knows no ranges, too', async () => {
  const part = `${path}.${image.id}.part`;
  writeFileSync(part, data.subarray(0, 120_000));
  expect(answers({ range: false })).toEqual([]);
  await save();
  expect(readFileSync(path).equals(data)).toBe(true);

  path = join(path, '..', 'y.qcow2');
  writeFileSync(`${path}.${image.id}.part`, data.subarray(0, 120_000));
  const ranges = answers({ status: 400 }, { range: false });
  await save();
  expect(ranges).toEqual(['bytes=120000-', '']);
  expect(readFileSync(path).equals(data)).toBe(true);
});

test('a part of something else is begun anew, and wrong data never becomes the file', async () => {
  writeFileSync(`${path}.${image.id}.part`, Buffer.alloc(1000));
  const ranges = answers({}, {});
  await save();
  expect(ranges).toEqual(['bytes=1000-', '']);
  expect(readFileSync(path).equals(data)).toBe(true);

  path = join(path, '..', 'y.qcow2');
  answers({ bytes: randomBytes(data.length) });
  await expect(save()).rejects.toMatchObject({
    code: 'CLOUD_FAILED',
    message: expect.stringContaining('sha512 differs'),
  });
  expect(files()).toEqual(['x.qcow2']);
  answers({ bytes: randomBytes(data.length) });
  const md5 = { os_hash_algo: null, os_hash_value: null, checksum: hex('md5', data) };
  await expect(save(md5)).rejects.toThrow('md5 differs');
});

test('what breaks off for good leaves its part, and what is there already stays unless it is said otherwise', async () => {
  const controller = new AbortController();
  cloud.once(/GET .*\/file$/, (_, answer) => {
    answer.writeHead(200, { 'Content-Length': data.length });
    answer.write(data.subarray(0, 70_000), () => setTimeout(() => controller.abort(), 100));
    return true;
  });
  await expect(save({}, false, controller.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(files()).toEqual([`x.qcow2.${image.id}.part`]);

  writeFileSync(path, 'mine');
  await expect(save()).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--force') });
  answers({});
  await save({}, true);
  expect(readFileSync(path).equals(data)).toBe(true);

  path = join(path, '..', 'folder');
  mkdirSync(path);
  await expect(save({}, true)).rejects.toThrow('is a folder');
  path = join(path, 'z');
  symlinkSync('/etc/passwd', `${path}.${image.id}.part`);
  await expect(save()).rejects.toThrow('cannot be written');
});
