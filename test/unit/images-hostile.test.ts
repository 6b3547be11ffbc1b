import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detect, detectInside } from '../../src/images/detect.ts';
import { bufferSource, type ByteSource } from '../../src/images/header.ts';
import { printable } from '../../src/images/text.ts';
import {
  be32,
  be64,
  capturedBytes,
  capturedNames,
  capturedRuns,
  capturedSource,
  le32,
  le64,
  patched,
  sparseSource,
  watched,
} from '../support/captured-images.ts';

const huge = 0x7fff_ffff_ffff_ffffn;
/** The codes of what makes an image unfit. */
const errors = (source: ByteSource) => [
  ...new Set(detect(source).findings.flatMap(({ level, code }) => (level === 'error' ? [code] : []))),
];
const names = (source: ByteSource) => detect(source).references.map(({ kind, name }) => `${kind}: ${name}`);
const descriptorAt = 512;
const descriptor = (text: string) => patched('mono.vmdk', [descriptorAt, text.padEnd(2048, '\0')]);
const embedded = (type: string, extents: string) =>
  descriptor(`# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType="${type}"\n${extents}\n`);

/** A stream-optimised VMDK whose header refers to its footer, with this capacity in the footer, in sectors. */
const withFooter = (capacity: bigint) => {
  const head = patched('stream.vmdk', [56, le64(0xffff_ffff_ffff_ffffn)]);
  const marker = Buffer.alloc(512);
  marker[0] = 1;
  marker[12] = 3;
  const footer = Buffer.from(capturedSource('stream.vmdk').read(0, 512));
  le64(capacity).copy(footer, 12);
  return bufferSource(Buffer.concat([head.read(0, head.size), marker, footer, Buffer.alloc(512)]));
};

describe('an image that points outside says where to', () => {
  test.each<[string, ByteSource, string[]]>([
    [
      'a backing file by absolute path',
      patched('v2.qcow2', [8, be64(512n)], [16, be32(11)], [512, '/etc/shadow']),
      ['backing file: /etc/shadow'],
    ],
    [
      'a backing file as a JSON description',
      patched('v2.qcow2', [8, be64(512n)], [16, be32(26)], [512, 'json:{"driver":"nbd"} ....']),
      ['backing file: json:{"driver":"nbd"} ....'],
    ],
    ['a data file that hides behind the feature bit alone', patched('ext.qcow2', [72, be64(4n)]), ['data file: ']],
    [
      'a flat extent in a sparse file',
      embedded('monolithicFlat', 'RW 8192 FLAT "/etc/passwd" 0'),
      ['extent: /etc/passwd'],
    ],
    [
      'an extent with a folder behind an innocent createType',
      embedded('monolithicSparse', 'RW 8192 SPARSE "../../secret.vmdk"'),
      ['extent: ../../secret.vmdk'],
    ],
    [
      'a second extent',
      embedded('monolithicSparse', 'RW 4096 SPARSE "a.vmdk"\nRW 4096 FLAT "/dev/sda" 0'),
      ['extent: a.vmdk', 'extent: /dev/sda'],
    ],
    [
      'a parent',
      embedded('monolithicSparse', 'RW 8192 SPARSE "a.vmdk"\nparentFileNameHint="/srv/base.vmdk"'),
      ['parent: /srv/base.vmdk'],
    ],
    [
      'a descriptor that describes itself as its extent (a loop)',
      bufferSource(Buffer.from('# Disk DescriptorFile\nversion=1\ncreateType="custom"\nRW 1 SPARSE "loop.vmdk"\n')),
      ['extent: loop.vmdk'],
    ],
    [
      'a descriptor after comments and blank lines, in capitals',
      bufferSource(Buffer.from('# nothing\n\n  VERSION=1\nCREATETYPE="vmfsRaw"\nrw 1 vmfsraw "/dev/sda"\n')),
      ['extent: /dev/sda'],
    ],
  ])('%s', (_what, source, expected) => {
    expect(names(source)).toEqual(expected);
  });

  test('a differencing VHD names its parent in UTF-16', () => {
    const name = Buffer.from('C:\\base.vhd', 'utf16le').swap16();
    const footer = capturedBytes('dynamic.vhd').readBigUInt64BE(16);
    const bytes = patched('dynamic.vhd', [60, be32(4)], [-512 + 60, be32(4)], [Number(footer) + 64, name]);
    expect(names(bytes)).toEqual(['parent: C:\\base.vhd']);
  });

  test('a differencing VDI names its parent by UUID', () => {
    expect(names(patched('t.vdi', [0x4c, le32(4)], [0x1a8, le32(0x01020304)]))).toEqual([
      'parent: the disk with the UUID 01020304-0000-0000-0000-000000000000',
    ]);
  });
});

describe('a header that lies is found out', () => {
  test.each<[string, ByteSource, string[]]>([
    ['exabytes in qcow2', patched('v2.qcow2', [24, be64(huge)]), ['size', 'damaged']],
    ['no size in qcow2', patched('v2.qcow2', [24, be64(0n)]), ['size']],
    ['cluster_bits 0', patched('v2.qcow2', [20, be32(0)]), ['cluster-size']],
    ['cluster_bits of 4 billion', patched('v2.qcow2', [20, be32(0xffff_ffff)]), ['cluster-size']],
    ['a level 1 table of 32 GiB', patched('v2.qcow2', [36, be32(0xffff_ffff)]), ['damaged']],
    ['a level 1 table beyond the end', patched('v2.qcow2', [40, be64(huge)]), ['truncated']],
    ['a level 1 table over the header', patched('v2.qcow2', [40, be64(0n)]), ['damaged']],
    ['4 billion snapshots', patched('v2.qcow2', [60, be32(0xffff_ffff)]), ['damaged']],
    [
      'a header extension longer than the file',
      patched('ext.qcow2', [72, be64(8n)], [116, be32(0x7fff_ffff)]),
      ['damaged'],
    ],
    ['a header length of 4 GiB', patched('ext.qcow2', [72, be64(8n)], [100, be32(0xffff_ffff)]), ['damaged']],
    ['features that do not exist yet', patched('ext.qcow2', [72, be64(1n << 40n)]), ['unknown-features']],
    ['qcow version 1', patched('v2.qcow2', [4, be32(1)]), ['version']],
    ['a backing name of 4 GiB', patched('v2.qcow2', [8, be64(huge)], [16, be32(0xffff_ffff)]), ['damaged']],
    ['a qcow2 of its magic alone', bufferSource(Buffer.from('QFI\u00fb', 'latin1')), ['truncated']],
    ['exabytes in VDI', patched('t.vdi', [0x170, le64(huge)]), ['size', 'damaged']],
    ['a VDI whose blocks are gone', patched('t.vdi', [0x184, le32(4)]), ['truncated']],
    ['a VDI with blocks of no size', patched('t.vdi', [0x178, le32(0)]), ['damaged']],
    ['exabytes in VHD', patched('fixed.vhd', [-512 + 48, be64(huge)], [-512 + 64, be32(0)]), ['unseen']],
    ['a VHD without its end', bufferSource(capturedBytes('dynamic.vhd').subarray(0, 2048)), ['truncated']],
    ['a VHD with another size at its start', patched('dynamic.vhd', [48, be64(512n)]), ['damaged']],
    [
      'a VHD whose dynamic header is elsewhere',
      patched('dynamic.vhd', [-512 + 16, be64(huge)]),
      ['damaged', 'checksum'],
    ],
    ['a VHDX with both headers overwritten', patched('t.vhdx', [65_536, 'XXXX'], [131_072, 'XXXX']), ['damaged']],
    ['a VHDX with a wrong region table', patched('t.vhdx', [196_608 + 40, 'X'], [262_144 + 40, 'X']), ['damaged']],
    ['an encryption of qcow2 that nobody knows', patched('v2.qcow2', [32, be32(7)]), ['unknown-features']],
    ['an extent of a split VMDK', descriptor(''), ['descriptor']],
    ['a VMDK descriptor beyond the end', patched('mono.vmdk', [28, le64(1n << 40n)]), ['truncated', 'descriptor']],
    ['a VMDK descriptor of exabytes', patched('mono.vmdk', [36, le64(1n << 60n)]), ['descriptor', 'truncated']],
    ['a VMDK without capacity', patched('mono.vmdk', [12, le64(0n)]), ['descriptor']],
    ['exabytes in VMDK', patched('mono.vmdk', [12, le64(1n << 60n)]), ['size']],
    ['grains of no size', patched('mono.vmdk', [20, le64(0n)]), ['damaged']],
    ['a stream with a footer, for comparison', withFooter(8192n), []],
    ['a stream whose footer tells another size', withFooter(2n ** 60n), ['damaged']],
    ['a stream without its footer', patched('stream.vmdk', [56, le64(0xffff_ffff_ffff_ffffn)]), ['truncated']],
    [
      'a foreign line in a descriptor',
      embedded('monolithicSparse', 'RW 8192 SPARSE "a"\nopen /etc/shadow'),
      ['descriptor'],
    ],
    ['an ISO that is cut short', bufferSource(capturedBytes('t.iso').subarray(0, 100_000)), ['truncated']],
    ['an ISO of 8 TiB', patched('t.iso', [32_768 + 80, le32(0xffff_ffff)]), ['truncated']],
    ['a GPT header of four bytes', patched('gpt.raw', [512 + 12, le32(4)]), ['partitions']],
    ['a GPT with 4 billion entries', patched('gpt.raw', [512 + 80, le32(0xffff_ffff)]), ['partitions']],
    ['a GPT whose entries were changed', patched('gpt.raw', [1024 + 16, 'X']), ['partitions']],
    ['a protective MBR without a GPT', patched('gpt.raw', [512, 'X']), ['partitions']],
    ['a partition beyond the end', patched('mbr.raw', [446 + 12, le32(0xffff_ffff)]), ['partitions']],
    [
      'half a sector',
      bufferSource(capturedBytes('mbr.raw').subarray(0, 2 ** 20 + 2 ** 19 + 256)),
      ['partitions', 'size'],
    ],
    ['nothing', bufferSource(Buffer.alloc(0)), ['empty']],
  ])('%s', (_what, source, expected) => {
    const seen = watched(source);
    // A VHD is known by its end only when the checksum holds: what does not is a raw disk with strange last words.
    const wanted = expected[0] === 'unseen' ? [] : expected;
    expect(errors(seen.source)).toEqual(wanted);
    expect(seen.largest()).toBeLessThanOrEqual(2 ** 20);
    expect(seen.reads()).toBeLessThan(3000);
  });
});

test('of the thousands of metadata items that a VHDX may claim, only those that are needed are read, and once', () => {
  const bytes = capturedBytes('t.vhdx');
  const at = bytes.indexOf('metadata', 2 ** 20);
  const items = Buffer.alloc(2000 * 32, 1);
  for (let index = 0; index < 2000; index += 1) items.writeUInt32LE(index, index * 32);
  const seen = watched(patched('t.vhdx', [at + 10, le32(2005).subarray(0, 2)], [at + 32 + 5 * 32, items]));
  expect(detect(seen.source).findings).toEqual([]);
  expect(seen.reads()).toBeLessThan(50);
  const twice = patched('t.vhdx', [at + 64, bytes.subarray(at + 32, at + 64)]);
  expect(errors(twice)).toContain('damaged');
});

describe('a file of several formats at once is refused', () => {
  const qcow2 = capturedBytes('v2.qcow2');
  test.each<[string, Buffer, string]>([
    ['qcow2 and ISO', Buffer.concat([qcow2.subarray(0, 32_768), capturedBytes('t.iso').subarray(32_768)]), 'qcow2'],
    ['qcow2 and VHD at its end', Buffer.concat([qcow2, capturedBytes('fixed.vhd').subarray(-512)]), 'qcow2'],
    [
      'VDI and VMDK',
      Buffer.concat([
        Buffer.from('# Disk DescriptorFile\nversion=1\nRW 1 FLAT "/etc/passwd"\n'.padEnd(64)),
        capturedBytes('t.vdi').subarray(64),
      ]),
      'vmdk',
    ],
    ['ISO and LUKS', Buffer.concat([Buffer.from('4c554b53babe', 'hex'), capturedBytes('t.iso').subarray(6)]), 'iso'],
  ])('%s', (_what, bytes, first) => {
    const found = detect(bufferSource(bytes));
    expect(found.format).toBe(first);
    expect(found.findings[0]).toMatchObject({ level: 'error', code: 'several-formats' });
  });

  test('a bootable ISO with a partition table for USB sticks is one thing', () => {
    const bytes = capturedBytes('t.iso');
    capturedBytes('mbr.raw').copy(bytes, 0, 0, 512);
    const found = detect(bufferSource(bytes));
    expect(found).toMatchObject({ format: 'iso', details: { hybrid: 'mbr for USB sticks' } });
    expect(errors(bufferSource(bytes))).toEqual([]);
  });

  test('a header inside the disk is found: as raw, the disk would be taken for that', () => {
    for (const name of ['v2.qcow2', 'mono.vmdk', 'flat.vmdk', 't.vdi', 't.qed', 'dynamic.vhd']) {
      const start = bufferSource(capturedBytes(name).subarray(0, 131_072));
      expect(detectInside(start, 2 ** 30).findings[0]).toMatchObject({ level: 'error', code: 'nested' });
    }
    const disk = bufferSource(capturedBytes('gpt.raw').subarray(0, 131_072));
    expect(detectInside(disk, 8 * 2 ** 20).findings).toEqual([]);
  });
});

describe('whatever the bytes', () => {
  const calm = (source: ByteSource) => {
    const seen = watched(source);
    const found = detect(seen.source);
    detectInside(seen.source, source.size);
    expect(seen.largest()).toBeLessThanOrEqual(2 ** 20);
    expect(seen.reads()).toBeLessThan(6000);
    const text = JSON.stringify(found);
    expect(text.length).toBeLessThan(2 ** 20);
    // What a terminal would obey never gets out.
    // oxlint-disable-next-line no-control-regex
    expect(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(text)).toBe(false);
  };

  test('random bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => calm(bufferSource(Buffer.from(bytes)))));
  });

  test('random bytes behind each magic never throw', () => {
    const magics = [
      'QFI\u00fb\0\0\0\u0003',
      'KDMV\u0001\0\0\0',
      'vhdxfile',
      'conectix',
      '# Disk DescriptorFile\n',
      '\u001f\u008b',
      'COWD',
    ];
    const bytes = fc.tuple(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 2048 }));
    fc.assert(
      fc.property(bytes, ([magic, rest]) => calm(bufferSource(Buffer.concat([Buffer.from(magic, 'latin1'), rest])))),
    );
  });

  test.each(capturedNames)('%s with some bytes changed, or cut short, never throws', (name) => {
    const { size, runs } = capturedRuns(name);
    const used = runs.flatMap(([offset, bytes]) => Array.from(bytes, (_, index) => offset + index));
    const change = fc.tuple(
      fc.tuple(fc.constantFrom(...used), fc.integer({ min: -8, max: 8 })).map(([at, by]) => Math.max(0, at + by)),
      fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    );
    const end = fc.oneof(fc.constant(size), fc.nat(size));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), end, (changes, length) => {
        calm(sparseSource(length, [...runs, ...changes]));
      }),
    );
  });

  test('a text from an image is one line that a terminal does not obey', () => {
    expect(printable('a\u001b[2Jb\u202ec\u0000\n')).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{0}\\u{a}');
    expect(printable('x'.repeat(5000)).length).toBe(1025);
    const name = patched('v2.qcow2', [8, be64(512n)], [16, be32(9)], [512, '\u001b]0;pwn\u0007']);
    expect(names(name)[0]).toBe('backing file: \\u{1b}]0;pwn\\u{7}');
    expect(capturedSource('v2.qcow2').read(-1, 10).length).toBe(0);
  });
});

test('what is told of an image is told once', () => {
  const told = (source: ByteSource) => detect(source).findings.map(({ message }) => message);
  expect(told(bufferSource(Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1')))).toHaveLength(1);
  expect(told(descriptor(''))).toHaveLength(1);
  expect(names(embedded('twoGbMaxExtentFlat', 'RW 2 FLAT "a.raw" 0\n'.repeat(50)))).toEqual(['extent: a.raw']);
  // A header that ends early may name a file all the same: QEMU takes the rest for zeros.
  const head = [Buffer.from('QFI\u00fb', 'latin1'), be32(2), be64(24n), be32(4), be32(9), Buffer.from('/etc')];
  const short = bufferSource(Buffer.concat(head));
  expect([told(short).length, names(short)]).toEqual([1, ['backing file: /etc']]);
});
