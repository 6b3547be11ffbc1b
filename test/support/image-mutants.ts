import fc from 'fast-check';
import { be32, be64, capturedRuns, le32, le64 } from './captured-images.ts';

/** An image with faults: QEMU's name of its format, its size, and the bytes that are not zero, later ones over earlier. */
export type Mutant = { driver: 'vmdk' | 'qcow2'; size: number; runs: readonly (readonly [number, Buffer])[] };

/** Places outside an image. Each is one that QEMU notices when it opens it: it is not there, or has no such format. */
const places = [
  '/canary',
  'canary.vmdk',
  '../canary',
  'nbd://127.0.0.1:1/canary',
  'json:{"driver":"canary"}',
  'fd:99',
  '',
];
const place = fc.constantFrom(...places);

const mono = `# Disk DescriptorFile
version=1
CID=1a2b3c4d
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 8192 SPARSE "mono.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "8"
ddb.adapterType = "ide"
`;
const flat = mono.replace('monolithicSparse', 'monolithicFlat').replace('SPARSE "mono.vmdk"', 'FLAT "/canary" 0');

/** Texts that mean something to one reader or another, as lines of their own, in a comment, in a value of the disk database. */
const words = fc.oneof(
  place.map((name) => `parentFileNameHint="${name}"`),
  place.map((name) => `parentFileNameHint==${name}"`),
  place.map((name) => `RW 8192 FLAT "${name}" 0`),
  place.map((name) => `RW 8192 SPARSE "${name}"`),
  fc.constantFrom(
    ...['parentFileNameHint=""', 'parentCID=00000001', 'parentCID=1 ', 'PARENTCID=1', 'parentCID', 'CID=x'],
    ...[
      'createType="monolithicFlat"',
      'createType="vmfs"',
      'createType',
      'RW 1 ZERO',
      'ddb.a:b = "1"',
      'version=2',
      'é',
    ],
  ),
);
const fragment = fc
  .tuple(
    fc.constantFrom('', '', '# ', 'ddb.comment = "', '\0', 'x="'),
    words,
    fc.constantFrom('\n', '\n', '\r\n', '"\n', '\0', ''),
  )
  .map((parts) => parts.join(''));
const padding = fc.constantFrom(
  '# x\n'.repeat(60),
  `#${'x'.repeat(600)}\n`,
  '\n'.repeat(20),
  ' \n',
  '\0',
  '\r\n',
  '# '.repeat(5500),
);

/** A descriptor after one edit or two: something put between two lines, or anywhere, or a stretch left out. */
const edit = fc.record({
  where: fc.double({ min: 0, max: 1, noNaN: true }),
  put: fc.oneof(
    { weight: 6, arbitrary: fragment },
    { weight: 1, arbitrary: padding },
    { weight: 1, arbitrary: fc.constant('') },
  ),
  within: fc.nat(9).map((one) => one === 0),
  out: fc.nat(30),
});
const descriptor = fc
  .tuple(fc.constantFrom(mono, mono, mono, flat), fc.array(edit, { maxLength: 2 }))
  .map(([text, edits]) =>
    edits.reduce((before, { where, put, within, out }) => {
      const at = Math.floor(where * before.length);
      const from = within ? at : before.lastIndexOf('\n', at) + 1;
      return before.slice(0, from) + put + before.slice(put === '' ? from + out : from);
    }, text),
  );

type Change = readonly [number, Buffer];
/** Mostly none, or one change of a header, or two. */
const changes = (...kinds: fc.Arbitrary<Change>[]) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.oneof(...kinds), { maxLength: 2 }) },
  );
const field = <T>(at: number, write: (value: T) => Buffer, ...values: T[]): fc.Arbitrary<Change> =>
  fc.constantFrom(...values).map((value) => [at, write(value)]);

/** A sparse VMDK: its descriptor where QEMU reads it, perhaps another one elsewhere, and a header that may lie. */
const sparse = fc
  .record({
    name: fc.constantFrom('mono.vmdk', 'stream.vmdk'),
    text: descriptor,
    elsewhere: fc.nat(20).map((one) => [2, 21, 64][one]),
    header: changes(
      field(28, le64, 0n, 2n, 21n, 64n, 2n ** 60n),
      field(36, le64, 0n, 1n, 2n, 40n, 2n ** 60n),
      field(12, le64, 0n, 1n, 2n ** 60n),
      field(56, le64, 0n, 2n ** 64n - 1n),
      field(4, le32, 0, 2, 3, 4),
    ),
  })
  .map(({ name, text, elsewhere, header }): Mutant => {
    const { size, runs } = capturedRuns(name);
    const other: Change[] =
      elsewhere === undefined
        ? []
        : [
            [elsewhere * 512, Buffer.from(mono)],
            [28, le64(BigInt(elsewhere))],
          ];
    const written = Buffer.alloc(20 * 512);
    written.write(text);
    return { driver: 'vmdk', size, runs: [...runs, [512, written], ...other, ...header] };
  });

const textFile = fc
  .tuple(fc.constantFrom('', '', '# x\n'.repeat(80), ' \n', '\n', 'x\n'), descriptor, fc.constantFrom(0, 4096))
  .map(([before, text, more]): Mutant => {
    const bytes = Buffer.from(before + text);
    return { driver: 'vmdk', size: bytes.length + more, runs: [[0, bytes]] };
  });

/** Extensions of a qcow2 header: type, length, data; at times a length that lies. */
const extensions = fc
  .tuple(
    fc.constantFrom(104, 104, 72, 112),
    fc.array(
      fc.tuple(
        fc.constantFrom(0x44415441, 0x44415441, 0xe2792aca, 0x6803f857, 0x12345678),
        place,
        fc.constantFrom(0, 0, 1, 2 ** 31),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([at, list]): Change => {
    const pieces = list.map(([type, name, lie]) => {
      const padded = Buffer.alloc(Math.ceil(name.length / 8) * 8);
      padded.write(name);
      return Buffer.concat([be32(type), be32(name.length + lie), padded]);
    });
    return [at, Buffer.concat([...pieces, Buffer.alloc(8)])];
  });

const backing = fc
  .tuple(fc.constantFrom(600n, 600n, 0n, 8n, 104n, 70_000n, 2n ** 63n), place, fc.constantFrom(0, 0, 1, 1100, 2 ** 31))
  .map(([at, name, more]): Change[] => [
    [8, Buffer.concat([be64(at), be32(name.length + more)])],
    ...(at > 0n && at < 100_000n ? [[Number(at), Buffer.from(name)] as const] : []),
  ]);

const qcow2 = fc
  .record({
    name: fc.constantFrom(
      'v2.qcow2',
      'snap.qcow2',
      'ext.qcow2',
      'ext.qcow2',
      'ext.qcow2',
      'backing.qcow2',
      'data.qcow2',
    ),
    points: fc.option(backing, { freq: 1 }),
    header: changes(
      extensions,
      field(4, be32, 1, 2, 3, 4),
      field(20, be32, 8, 9, 12, 21, 22),
      field(32, be32, 1, 2),
      field(72, be64, 0n, 4n, 5n, 8n, 12n, 16n, 4n << 56n, 1n << 40n),
      field(100, be32, 72, 96, 104, 112, 512, 2 ** 31),
    ),
  })
  .map(({ name, points, header }): Mutant => {
    const { size, runs } = capturedRuns(name);
    // Without its subclusters and zstd, a plain image of version 3.
    const plain: Change[] =
      name === 'ext.qcow2'
        ? [
            [72, Buffer.alloc(8)],
            [104, Buffer.alloc(1)],
          ]
        : [];
    return { driver: 'qcow2', size, runs: [...runs, ...plain, ...(points ?? []), ...header] };
  });

/** As many mutants, always the same ones for a seed. */
export function mutants(count: number, seed: number): Mutant[] {
  const any = fc.oneof(
    { weight: 3, arbitrary: sparse },
    { weight: 1, arbitrary: textFile },
    { weight: 3, arbitrary: qcow2 },
  );
  return fc.sample(any, { numRuns: count, seed });
}
