import { crc32, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { detect, detectInside } from '../../src/images/detect.ts';
import { bufferSource } from '../../src/images/header.ts';
import { capturedBytes, capturedSource, le32, le64 } from '../support/captured-images.ts';
import { tarOf } from '../support/tar.ts';

const MiB = 2 ** 20;
const codes = ({ findings }: { findings: readonly { level: string; code: string }[] }, level = 'error') =>
  findings.flatMap((finding) => (finding.level === level ? [finding.code] : []));

describe('what is no image says what it is', () => {
  test.each<[string, Buffer, string]>([
    ['a zip', Buffer.from('504b0304', 'hex'), 'zip'],
    ['7z', Buffer.from('377abcaf271c', 'hex'), '7z'],
    ['a cabinet', Buffer.from('MSCF\0\0\0\0'), 'cab'],
    ['a WIM', Buffer.from('MSWIM\0\0\0'), 'wim'],
    ['an RPM', Buffer.from('edabeedb0300', 'hex'), 'rpm'],
    ['a Debian package', Buffer.from('!<arch>\ndebian-binary'), 'ar'],
    ['a program', Buffer.from('7f454c460201', 'hex'), 'elf'],
    ['a document', Buffer.from('%PDF-1.7'), 'pdf'],
    ['a program for UEFI', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), le32(64), Buffer.from('PE\0\0')]), 'pe'],
    ['a tar archive', tarOf(['a.txt', 'x']), 'tar'],
  ])('%s', (_what, start, subformat) => {
    const found = detect(bufferSource(Buffer.concat([start, Buffer.alloc(4096 - (start.length % 512))])));
    expect(found).toMatchObject({ format: 'other', subformat });
    expect(codes(found)).toEqual(['format']);
  });

  test('an OVA names the disk that is in it', () => {
    const ova = tarOf(['box.ovf', '<Envelope/>'], ['box.mf', ''], ['box-disk001.vmdk', 'KDMV'.repeat(1000)]);
    expect(detect(bufferSource(ova))).toMatchObject({
      subformat: 'ova',
      details: { members: ['box.ovf', 'box.mf', 'box-disk001.vmdk'] },
      findings: [{ level: 'error', message: expect.stringContaining('takes the disk box-disk001.vmdk out of it') }],
    });
  });

  test.each([
    ['gzip', gzipSync('a disk')],
    ['xz', Buffer.from('fd377a585a000000', 'hex')],
    ['zstd', Buffer.from('28b52ffd24000100', 'hex')],
    ['lz4', Buffer.from('04224d186440a7', 'hex')],
    ['bzip2', Buffer.from('425a6839314159265359', 'hex')],
    ['lzma', Buffer.from('5d00008000ffffffffffffffff', 'hex')],
  ])('%s is packed', (subformat, bytes) => {
    expect(detect(bufferSource(Buffer.concat([bytes, Buffer.alloc(64)])))).toMatchObject({
      format: 'compressed',
      subformat,
    });
  });
});

describe('a sound partition table makes a disk', () => {
  test.each<[string, (disk: Buffer) => void]>([
    ['over an old superblock', (disk) => capturedBytes('ext4.raw').copy(disk, 1024, 1024, 2048)],
    ['whose first sector begins like gzip', (disk) => Buffer.from('1f8b08', 'hex').copy(disk)],
    ['whose first sector begins like a program', (disk) => Buffer.from('7f454c460201', 'hex').copy(disk)],
    [
      'that ends with the footer of a dynamic VHD',
      (disk) => capturedBytes('dynamic.vhd').copy(disk, disk.length - 512, 2048),
    ],
    ['that ends like a VHD', (disk) => disk.write('conectix', disk.length - 512)],
  ])('%s', (_what, change) => {
    const disk = capturedBytes('mbr.raw');
    change(disk);
    const found = detect(bufferSource(disk));
    expect(found).toMatchObject({ format: 'raw', table: { kind: 'mbr', partitions: [{ type: 'Linux' }] } });
    expect(codes(found)).toEqual([]);
  });

  test('a table that is not sound is none: a filesystem whose boot sector looks like one', () => {
    const disk = capturedBytes('ext4.raw');
    capturedBytes('mbr.raw').copy(disk, 446, 446, 512);
    le32(0xffff_ffff).copy(disk, 446 + 12);
    expect(detect(bufferSource(disk))).toMatchObject({ format: 'ami', subformat: 'ext4' });
    expect(detectInside(bufferSource(disk), disk.length)).toEqual({ findings: [] });
  });
});

/** The disk of `gpt.raw` (three partitions of 1, 2 and 4 MiB) as it is on sectors of another size. */
function onSectors(sector: number): Buffer {
  const from = capturedBytes('gpt.raw');
  const disk = Buffer.alloc(from.length);
  from.copy(disk, 0, 0, 512);
  le32(from.length / sector - 1).copy(disk, 446 + 12);
  const entries = Buffer.from(from.subarray(1024, 1024 + 128 * 128));
  for (let at = 32; at < entries.length; at += 128) {
    const [first, end] = [entries.readBigUInt64LE(at), entries.readBigUInt64LE(at + 8)];
    if (first === 0n) continue;
    entries.writeBigUInt64LE((first * 512n) / BigInt(sector), at);
    entries.writeBigUInt64LE(((end + 1n) * 512n) / BigInt(sector) - 1n, at + 8);
  }
  entries.copy(disk, 2 * sector);
  const head = Buffer.from(from.subarray(512, 1024));
  le64(BigInt(disk.length / sector - 1)).copy(head, 32);
  le32(crc32(entries)).copy(head, 88);
  return withHeader(disk, head, sector);
}

function withHeader(disk: Buffer, head: Buffer, sector = 512): Buffer {
  head.fill(0, 16, 20);
  le32(crc32(head.subarray(0, 92))).copy(head, 16);
  head.copy(disk, sector);
  return disk;
}

describe('GPT', () => {
  test.each([512, 1024, 2048, 4096])('on sectors of %i bytes', (sectorSize) => {
    const found = detect(bufferSource(onSectors(sectorSize)));
    expect(found.findings).toEqual([]);
    expect(found.table).toMatchObject({
      sectorSize,
      partitions: [{ start: MiB, size: MiB }, { start: 2 * MiB, size: 2 * MiB }, { start: 4 * MiB }],
    });
  });

  test.each<[string, (disk: Buffer) => void, Record<string, string[]>]>([
    ['two of them for sectors of two sizes', twoTables, { error: ['partitions'] }],
    ['one that belongs elsewhere', (disk) => changeHeader(disk, 24, le64(7n)), { error: ['partitions'] }],
    ['a protective MBR that begins elsewhere', (disk) => le32(2048).copy(disk, 446 + 8), { error: ['partitions'] }],
    ['a protective MBR that covers a part', (disk) => le32(2048).copy(disk, 446 + 12), { warning: ['protective-mbr'] }],
    ['a protective MBR of no known size', (disk) => le32(0xffff_ffff).copy(disk, 446 + 12), {}],
    ['a hybrid MBR', (disk) => mbrEntry(disk, 0xef, 4096, 4096), { warning: ['hybrid-mbr'] }],
    ['a hybrid MBR with a partition of its own', (disk) => mbrEntry(disk, 0x83, 4096, 8192), { error: ['partitions'] }],
  ])('%s', (_what, change, expected) => {
    const disk = capturedBytes('gpt.raw');
    change(disk);
    const found = detect(bufferSource(disk));
    const { error = [], warning = [] } = expected;
    expect({ error: codes(found), warning: codes(found, 'warning') }).toEqual({ error, warning });
  });

  test('a hybrid MBR, and a partition that is marked for it, let code in the first sector start', () => {
    const boots = (change: (disk: Buffer) => void) => {
      const disk = capturedBytes('gpt.raw');
      // Without the BIOS boot partition, which is the first one.
      disk.fill(0, 1024, 1024 + 128);
      change(disk);
      disk[0] = 0xeb;
      changeHeader(disk, 88, le32(crc32(disk.subarray(1024, 1024 + 128 * 128))));
      return detect(bufferSource(disk)).table?.boots;
    };
    expect(boots(() => undefined)).toEqual(['uefi']);
    expect(boots((disk) => mbrEntry(disk, 0xef, 4096, 4096))).toEqual(['bios', 'uefi']);
    expect(boots((disk) => (disk[1024 + 2 * 128 + 48] = 4))).toEqual(['bios', 'uefi']);
  });
});

/** Changes the header of a GPT on sectors of 512 bytes, and its checksum. */
function changeHeader(disk: Buffer, at: number, field: Buffer): void {
  const head = Buffer.from(disk.subarray(512, 1024));
  field.copy(head, at);
  withHeader(disk, head);
}

/** Puts the entries out of the way of a second header for sectors of 4096 bytes. */
function twoTables(disk: Buffer): void {
  disk.copy(disk, 64 * 512, 1024, 1024 + 128 * 128);
  changeHeader(disk, 72, le64(64n));
  onSectors(4096).copy(disk, 4096, 4096, 3 * 4096);
}

/** A second entry of an MBR, in sectors. */
function mbrEntry(disk: Buffer, type: number, start: number, size: number): void {
  disk[462 + 4] = type;
  le32(start).copy(disk, 462 + 8);
  le32(size).copy(disk, 462 + 12);
}

describe('the disk inside an image', () => {
  test('may be encrypted with LUKS', () => {
    const start = bufferSource(capturedBytes('t.luks').subarray(0, 131_072));
    expect(detectInside(start, 2 ** 30)).toMatchObject({ findings: [{ level: 'warning', code: 'encrypted' }] });
  });

  test('does not end where the part that was read ends', () => {
    const start = capturedBytes('mbr.raw').subarray(0, 131_072);
    capturedBytes('fixed.vhd').copy(start, start.length - 512, 4 * MiB);
    expect(detectInside(bufferSource(start), 8 * MiB).findings).toEqual([]);
    start.write('koly', start.length - 512);
    expect(detectInside(bufferSource(start), 8 * MiB).findings).toEqual([]);
  });
});

test('a dynamic VHD with zeros behind its footer is whole, one without a footer is not', () => {
  const vhd = capturedBytes('dynamic.vhd');
  expect(detect(bufferSource(Buffer.concat([vhd, Buffer.alloc(2 * MiB)]))).findings).toEqual([]);
  expect(codes(detect(bufferSource(Buffer.concat([vhd.subarray(0, 2048), Buffer.alloc(2 * MiB)]))))).toEqual([
    'truncated',
  ]);
  expect(detect(capturedSource('dynamic.vhd')).findings).toEqual([]);
});
