import { expect, test } from 'vitest';
import { bufferSource } from '../../src/images/header.ts';
import { openIso9660 } from '../../src/images/iso9660.ts';
import { openUdf } from '../../src/images/udf.ts';
import { watched } from '../support/captured-images.ts';

const sector = 2048;
const mebibyte = 2 ** 20;

/** A source whose reads are counted, in bytes too. */
function counted(bytes: Buffer) {
  const { source, reads } = watched(bufferSource(bytes));
  let total = 0;
  const read = (offset: number, length: number) => {
    const found = source.read(offset, length);
    total += found.length;
    return found;
  };
  return { source: { ...source, read }, reads, total: () => total };
}

/** A UDF volume (ECMA-167) whose partition begins in sector 300: its root folder lies in `extents`, of bytes and a block. */
function udf(folderSize: number, extents: [length: number, block: number][], size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const at = (number: number) => bytes.subarray(number * sector, (number + 1) * sector);
  at(256).writeUInt16LE(2);
  at(256).writeUInt32LE(3 * sector, 16);
  at(256).writeUInt32LE(257, 20);
  at(257).writeUInt16LE(5);
  at(257).writeUInt32LE(300, 188);
  at(258).writeUInt16LE(6);
  at(300).writeUInt16LE(256);
  at(300).writeUInt32LE(1, 404);
  const root = at(301);
  root.writeUInt16LE(261);
  root[27] = 4;
  root.writeBigUInt64LE(BigInt(folderSize), 56);
  root.writeUInt32LE(extents.length * 8, 172);
  for (const [index, [length, block]] of extents.entries()) {
    root.writeUInt32LE(length, 176 + index * 8);
    root.writeUInt32LE(block, 180 + index * 8);
  }
  return bytes;
}

test('of a UDF folder no more is read than it says it has, however many extents claim to hold it', () => {
  const bytes = udf(
    100,
    Array.from({ length: 230 }, () => [0x3fff_ffff, 2]),
    32 * mebibyte,
  );
  const { source, total } = counted(bytes);
  const volume = openUdf(source);
  expect(volume && volume.find(volume.root, () => true)).toBeUndefined();
  expect(total()).toBeLessThan(mebibyte);
});

test('in a UDF folder of countless names only the entry that is wanted is read', () => {
  const count = 100_000;
  const identifier = Buffer.alloc(40);
  identifier.writeUInt16LE(257);
  identifier[19] = 2;
  identifier.writeUInt32LE(1, 24);
  identifier.write('\u0008x', 38, 'latin1');
  const size = 302 * sector + count * 40;
  const bytes = udf(count * 40, [[count * 40, 2]], size);
  for (let index = 0; index < count; index += 1) identifier.copy(bytes, 302 * sector + index * 40);
  const { source, reads } = counted(bytes);
  const volume = openUdf(source);
  expect(volume?.find(volume.root, (name) => name === 'y')).toBeUndefined();
  expect(volume?.find(volume.root, (name) => name === 'x')).toMatchObject({ name: 'x', isFolder: true });
  expect(reads()).toBeLessThan(30);
});

test('a file of ISO 9660 in countless pieces takes no time for each of them again', () => {
  const record = Buffer.alloc(34);
  record[0] = 34;
  record.writeUInt32LE(20, 2);
  record.writeUInt32LE(mebibyte, 10);
  record[32] = 1;
  record.write('f', 33, 'latin1');
  const folder = 15 * mebibyte;
  const bytes = Buffer.alloc(20 * sector + folder);
  const primary = bytes.subarray(16 * sector);
  primary.write('\u0001CD001', 0, 'latin1');
  record.copy(primary, 156);
  primary.writeUInt32LE(folder, 156 + 10);
  bytes.write('\u00ffCD001', 17 * sector, 'latin1');
  for (let at = 20 * sector; at < bytes.length; at += sector) {
    for (let index = 0; index < 60; index += 1) record.copy(bytes, at + index * 34);
  }
  const { source, total } = counted(bytes);
  const volume = openIso9660(source);
  expect(volume?.find(volume.root, () => true)?.extents.length).toBe((folder / sector) * 60);
  expect(total()).toBeLessThan(folder + mebibyte);
});
