import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { detect } from '../../src/images/detect.ts';
import { bufferSource, isHarmful, type ByteSource } from '../../src/images/header.ts';
import { be64, capturedBytes, le32, patched, watched } from '../support/captured-images.ts';
import { run } from '../support/image.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-truncated-'));
const at = (name: string) => join(folder, name);

/** The codes of what keeps programs from a disk's container: the partition table of these disks is no matter here. */
const errors = (source: ByteSource) =>
  detect(source)
    .findings.filter(isHarmful)
    .flatMap(({ code }) => (code === 'partitions' ? [] : [code]));

// Data at the beginning, in the middle and at the very end, with holes between.
const disk = Buffer.alloc(8 * 2 ** 20);
for (const from of [0, 2_500_000, disk.length - 70_000]) {
  for (let index = from; index < from + 70_000; index += 1) disk[index] = 1 + ((index * 7919) % 251);
}
writeFileSync(at('disk.raw'), disk);

test.each<[string, string[], number?]>([
  ['qcow2', ['-o', 'compat=0.10']],
  ['qcow2', ['-o', 'cluster_size=512']],
  ['qcow2', ['-o', 'cluster_size=2M']],
  ['qcow2', ['-o', 'extended_l2=on']],
  ['qcow2', ['-o', 'preallocation=metadata']],
  ['qcow2', ['-c']],
  ['qcow2', ['-c', '-o', 'compression_type=zstd,cluster_size=4k']],
  ['vmdk', []],
  // QEMU leaves a grain of zeros behind the stream.
  ['vmdk', ['-o', 'subformat=streamOptimized'], 65_536],
  ['vdi', []],
  ['vdi', ['-o', 'static=on']],
  ['vpc', ['-o', 'force_size=on']],
  ['vhdx', []],
  ['vhdx', ['-o', 'subformat=fixed']],
])('%s %j: whole it is fit, and cut short anywhere it is not', async (format, options, padding = 0) => {
  await run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, at('disk.raw'), at(`disk.${format}`)]);
  const bytes = readFileSync(at(`disk.${format}`));
  expect(errors(bufferSource(bytes))).toEqual([]);
  for (const cut of [512, 4096, 65_536, 100_000, bytes.length >> 2]) {
    if (cut + padding >= bytes.length) continue;
    expect(errors(bufferSource(bytes.subarray(0, bytes.length - cut - padding))).slice(0, 1)).toEqual(['truncated']);
  }
});

test('of a VMDK with a footer, the grain directory that the footer names counts', () => {
  const stream = capturedBytes('stream.vmdk');
  const footer = Buffer.from(stream.subarray(0, 512));
  const marker = Buffer.alloc(512);
  marker.writeUInt32LE(1, 0);
  marker.writeUInt32LE(3, 12);
  stream.fill(0xff, 56, 64);
  const whole = (directory: number, capacity: number) => {
    footer.writeUInt32LE(directory, 56);
    for (const header of [stream, footer]) header.writeUInt32LE(capacity, 12);
    return bufferSource(Buffer.concat([stream, marker, footer, Buffer.alloc(512)]));
  };
  expect(errors(whole(footer.readUInt32LE(56), footer.readUInt32LE(12)))).toEqual([]);
  // The directory of a disk of 16 GiB has four sectors.
  expect(errors(whole(stream.length / 512, 2 ** 25))).toEqual(['truncated']);
});

test('a table of no end that leads to itself over and over is read once', () => {
  const entries = Buffer.concat(Array.from({ length: 4096 }, () => be64(0x8000_0000_0003_0000n)));
  const seen = watched(
    patched('v2.qcow2', [24, be64(2n ** 41n)], [36, Buffer.from([0, 0, 16, 0])], [0x30000, entries]),
  );
  expect(detect(seen.source).format).toBe('qcow2');
  expect(seen.reads()).toBeLessThan(100);
});

test('a VDI whose map leads past its end', () => {
  expect(errors(patched('t.vdi', [0x200, le32(0x7fff_ffff)]))).toEqual(['truncated']);
});

test('a filesystem without a partition table that is larger than the file', () => {
  const bytes = capturedBytes('ext4.raw');
  expect(errors(bufferSource(bytes))).toEqual([]);
  expect(errors(bufferSource(bytes.subarray(0, bytes.length - 4096)))).toEqual(['truncated']);
});

test('UDF, with and without ISO 9660 beside it: the partition, and what leads to it', () => {
  const bytes = gunzipSync(readFileSync(new URL('../fixtures/windows-udf.iso.gz', import.meta.url)));
  const only = Buffer.from(bytes);
  for (let sector = 16; only.toString('latin1', sector * 2048 + 1, sector * 2048 + 6) === 'CD001'; sector += 1) {
    only.copy(only, sector * 2048, 19 * 2048, 20 * 2048);
  }
  for (const iso of [bytes, only]) {
    expect(errors(bufferSource(iso))).toEqual([]);
    for (const end of [257 * 2048 - 1, 258 * 2048, 262 * 2048, iso.length - 400 * 1024]) {
      if (end < iso.length) expect(errors(bufferSource(iso.subarray(0, end)))).toContain('truncated');
    }
  }
  expect(detect(bufferSource(only)).subformat).toBe('udf');
});
