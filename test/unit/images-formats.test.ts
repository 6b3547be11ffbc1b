import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { detect } from '../../src/images/detect.ts';
import { bufferSource } from '../../src/images/header.ts';
import { parseDescriptor } from '../../src/images/vmdk-descriptor.ts';
import { capturedBytes, capturedSource } from '../support/captured-images.ts';

const MiB = 2 ** 20;

test.each([
  ['v2.qcow2', 'qcow2', 'compat 0.10', 4 * MiB],
  ['snap.qcow2', 'qcow2', 'compat 1.1', 4 * MiB],
  ['mono.vmdk', 'vmdk', 'monolithicSparse', 4 * MiB],
  ['stream.vmdk', 'vmdk', 'streamOptimized', 4 * MiB],
  ['flat.vmdk', 'vmdk', 'monolithicFlat', 4 * MiB],
  ['split.vmdk', 'vmdk', 'twoGbMaxExtentSparse', 4 * MiB],
  ['dynamic.vhd', 'vhd', 'dynamic', 4 * MiB],
  ['fixed.vhd', 'vhd', 'fixed', 4 * MiB],
  ['t.vhdx', 'vhdx', 'dynamic', 4 * MiB],
  ['fixed.vhdx', 'vhdx', 'fixed', 4 * MiB],
  ['t.vdi', 'vdi', 'dynamic', 4 * MiB],
  ['static.vdi', 'vdi', 'static', 4 * MiB],
  ['t.iso', 'iso', 'iso9660', 376_832],
  ['gpt.raw', 'raw', undefined, 8 * MiB],
  ['mbr.raw', 'raw', undefined, 8 * MiB],
  ['ext4.raw', 'ami', 'ext4', 4 * MiB],
])('%s is %s, %s', (name, format, subformat, virtualSize) => {
  const found = detect(capturedSource(name));
  expect(found).toMatchObject({ format, virtualSize });
  expect(found.subformat).toBe(subformat);
  const errors = found.findings.filter(({ level }) => level === 'error');
  expect(errors).toEqual([]);
});

describe('qcow2', () => {
  test('features by name, compression, header extensions', () => {
    expect(detect(capturedSource('ext.qcow2'))).toMatchObject({
      details: {
        'incompatible features': ['compression type', 'extended_l2'],
        'compression type': 'zstd',
        'cluster size': 65_536,
        'header extensions': ['feature name table'],
      },
      findings: [{ level: 'error', code: 'extended-l2' }, { code: 'zstd' }],
    });
  });

  test('backing file with its format, data file, snapshots', () => {
    const backing = detect(capturedSource('backing.qcow2'));
    expect(backing.references).toEqual([{ kind: 'backing file', name: 't.raw' }]);
    expect(backing.details['backing file format']).toBe('raw');
    const data = detect(capturedSource('data.qcow2'));
    expect(data.references).toEqual([{ kind: 'data file', name: 't-data.raw' }]);
    expect(data.details['autoclear features']).toEqual(['raw external data']);
    expect(detect(capturedSource('snap.qcow2'))).toMatchObject({
      details: { snapshots: 1 },
      findings: [{ level: 'warning', code: 'snapshots' }],
    });
  });
});

describe('vmdk', () => {
  test('the stream-optimised descriptor of the guide: createType, adapterType, extent', () => {
    const text = `# Disk DescriptorFile
version=1
CID=d5a0bce5
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RDONLY 209714 SPARSE "generated-stream.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "buslogic"
ddb.geometry.cylinders = "102"
ddb.virtualHWVersion = "4"
`;
    expect(parseDescriptor(Buffer.from(text))).toEqual({
      createType: 'streamOptimized',
      adapterType: 'buslogic',
      virtualHWVersion: '4',
      extents: [{ access: 'RDONLY', size: 209_714 * 512, type: 'SPARSE', file: 'generated-stream.vmdk' }],
      size: 209_714 * 512,
      parents: [],
      faults: [],
    });
  });

  test('an embedded descriptor names its own file; a descriptor of its own names others', () => {
    const stream = detect(capturedSource('stream.vmdk'));
    expect(stream.references).toEqual([]);
    expect(stream.details).toMatchObject({ adapterType: 'buslogic', compressed: true, 'end of stream': true });
    expect(detect(capturedSource('flat.vmdk')).references).toEqual([{ kind: 'extent', name: 't-flat-flat.vmdk' }]);
    expect(detect(capturedSource('child.vmdk')).references).toEqual([{ kind: 'parent', name: 't-mono.vmdk' }]);
  });

  test('a single extent of a split image is no image', () => {
    expect(detect(capturedSource('split-s001.vmdk')).findings).toContainEqual(
      expect.objectContaining({ level: 'error', code: 'descriptor' }),
    );
  });
});

test('a GPT tells its partitions, and that both firmwares could start from it only with code in the first sector', () => {
  const { table } = detect(capturedSource('gpt.raw'));
  expect(table).toMatchObject({
    kind: 'gpt',
    sectorSize: 512,
    boots: ['uefi'],
    partitions: [
      { number: 1, type: 'BIOS boot', start: MiB, size: MiB },
      { number: 2, type: 'EFI system', name: 'EFI', start: 2 * MiB, size: 2 * MiB },
      { number: 3, type: 'Linux', start: 4 * MiB },
    ],
    findings: [],
  });
  const withCode = capturedBytes('gpt.raw');
  withCode[0] = 0xeb;
  expect(detect(bufferSource(withCode)).table?.boots).toEqual(['bios', 'uefi']);
  expect(detect(capturedSource('mbr.raw')).table).toMatchObject({
    kind: 'mbr',
    partitions: [{ number: 1, start: MiB, type: 'Linux', active: true }],
  });
});

test('an ISO: volume id, and that nothing boots from it', () => {
  expect(detect(capturedSource('t.iso'))).toMatchObject({
    details: { 'volume id': 'FIXTURE', joliet: true, 'boots with': [] },
    findings: [{ code: 'not-bootable' }],
  });
});

test('kernels and RAM disks by their magic', () => {
  const kernel = Buffer.alloc(2048);
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  kernel.write('HdrS', 0x202);
  kernel.writeUInt16LE(0x020f, 0x206);
  kernel.writeUInt16LE(0x200, 0x20e);
  kernel.write('3.10.0-1160.el7.x86_64 (mockbuild)', 0x400);
  expect(detect(bufferSource(kernel))).toMatchObject({
    format: 'aki',
    subformat: 'bzImage',
    details: { 'kernel version': '3.10.0-1160.el7.x86_64 (mockbuild)', 'boot protocol': '2.15' },
  });
  const cpio = Buffer.from('070701000000000000');
  expect(detect(bufferSource(cpio))).toMatchObject({ format: 'ari', subformat: 'cpio' });
  expect(detect(bufferSource(gzipSync(cpio)))).toMatchObject({ format: 'ari', subformat: 'cpio.gz' });
  expect(detect(bufferSource(gzipSync('a disk')))).toMatchObject({ format: 'compressed', subformat: 'gzip' });
  const xz = Buffer.from('fd377a585a000000', 'hex');
  expect(detect(bufferSource(xz))).toMatchObject({ format: 'compressed', subformat: 'xz' });
});

test.each([
  ['t.luks', 'LUKS'],
  ['t.qed', 'QED'],
])('%s is a format that QEMU would guess and no Image service takes', (name, subformat) => {
  expect(detect(capturedSource(name))).toMatchObject({
    format: 'other',
    subformat,
    findings: [{ level: 'error', code: 'format' }],
  });
});
