import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exec, type Call } from '../../src/tools/exec.ts';
import { coverImage, diskRange, imageOptions } from '../../src/tools/qemu-img.ts';
import { freshFolder } from '../support/vmkiln.ts';

const { signal } = new AbortController();
const folder = freshFolder('qemu-img');
const at = (name: string) => join(folder, name);
const run = (call: Call) => exec({ ...call, signal });
const qemu = (program: string, ...args: string[]) => run({ program, args, timeout: 60 });

test('a backing file is opened by nobody, unless it is allowed', async () => {
  const image = at('a "name", %s.qcow2');
  await qemu('qemu-img', 'create', '-q', '-f', 'raw', at('secret'), '1M');
  await qemu('qemu-io', '-f', 'raw', '-c', 'write -q -P 0x53 0 1M', at('secret'));
  await qemu('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', at('secret'), image);
  const secret = readFileSync(at('secret'));
  const zeros = Buffer.alloc(secret.length);

  const range = { start: 0, length: secret.length };
  await run(diskRange(image, 'qcow2', range, at('range')));
  expect(readFileSync(at('range')).equals(zeros)).toBe(true);

  await run(coverImage(imageOptions(image, 'qcow2'), 'qcow2', at('overlay')));
  await qemu('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', at('overlay'), at('covered'));
  expect(readFileSync(at('covered')).equals(zeros)).toBe(true);

  await qemu('qemu-img', 'convert', '-O', 'raw', imageOptions(image, 'qcow2', { backing: true }), at('whole'));
  expect(readFileSync(at('whole')).equals(secret)).toBe(true);
});

test('a part of a disk is a disk of its own', async () => {
  const disk = Buffer.alloc(4096, 'a');
  disk.fill('b', 1024, 2048);
  writeFileSync(at('disk'), disk);
  const part = imageOptions(at('disk'), 'raw', { range: { start: 1024, size: 1024 } });
  await qemu('qemu-img', 'convert', '-O', 'raw', part, at('part'));
  expect(readFileSync(at('part'), 'utf8')).toBe('b'.repeat(1024));
});
