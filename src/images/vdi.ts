import { little, error, sizeFindings, warning } from './header.ts';
import type { ImageFinding, Header, Reference, ByteSource } from './header.ts';
import { findBeyondEnd } from './tables.ts';
import { fieldText, guid } from './text.ts';

const signature = 0xbeda107f;
const types: Readonly<Record<number, string>> = { 1: 'dynamic', 2: 'static', 3: 'undo', 4: 'differencing' };
/** Entries of the block map from here on lead nowhere: the block was never written, or discarded. */
const firstFree = 0xffff_fffe;
const noLink = guid(Buffer.alloc(16), 0);

/** Reads the header of a VirtualBox disk, version 1.1 (VDICore.h of VirtualBox, block/vdi.c of QEMU). */
export function parseVdi(source: ByteSource): Header | undefined {
  const head = source.read(0, 512);
  if (head.length < 0x48 || little.u32(head, 0x40) !== signature) return undefined;
  const version = little.u32(head, 0x44);
  const type = little.u32(head, 0x4c);
  const virtualSize = little.u64(head, 0x170);
  const blockSize = little.u32(head, 0x178);
  const blocks = little.u32(head, 0x180);
  const allocated = little.u32(head, 0x184);
  const dataOffset = little.u32(head, 0x158);
  const mapOffset = little.u32(head, 0x154);
  const findings: ImageFinding[] = [...sizeFindings(virtualSize)];
  if (head.length < 0x1c8) findings.push(error('truncated', 'the file ends within its header'));
  if (version !== 0x00010001) {
    findings.push(
      error('version', `VDI version ${version >>> 16}.${version & 0xffff} is not 1.1, the one that QEMU reads`),
    );
  }
  if (types[type] === undefined) findings.push(error('damaged', `its image type ${type} does not exist`));
  if (blockSize !== 2 ** 20) findings.push(error('damaged', `its block size is ${blockSize}; QEMU reads 1048576 only`));
  else if (blocks * blockSize < virtualSize) {
    findings.push(error('damaged', `its ${blocks} blocks do not hold a disk of ${virtualSize} bytes`));
  } else if (dataOffset + allocated * blockSize > source.size) {
    findings.push(error('truncated', `it needs ${allocated} blocks of data, and the file ends before them`));
  } else {
    const disk = Math.ceil(virtualSize / 512) * 512;
    const map = { offset: mapOffset, entries: Math.ceil(disk / blockSize), width: 4, first: 0 };
    findings.push(
      ...findBeyondEnd(source, [map], (bytes, at, number) => {
        const block = bytes.readUInt32LE(at);
        if (block >= firstFree) return 0;
        return dataOffset + block * blockSize + Math.min(blockSize, disk - number * blockSize);
      }),
    );
  }
  if (little.u32(head, 0x168) !== 512) findings.push(error('damaged', 'its sectors are not of 512 bytes'));
  const parent = guid(head, 0x1a8);
  const references: Reference[] = [];
  if (parent !== noLink || type === 3 || type === 4)
    references.push({ kind: 'parent', name: `the disk with the UUID ${parent}` });
  if (type === 3) findings.push(warning('undo', 'it is an undo disk of VirtualBox, which holds changes only'));
  return {
    format: 'vdi',
    subformat: types[type] ?? `type ${type}`,
    virtualSize,
    details: {
      version: `${version >>> 16}.${version & 0xffff}`,
      uuid: guid(head, 0x188),
      description: fieldText(head.subarray(0x54, 0x154), 'latin1'),
      'block size': blockSize,
      'blocks allocated': `${allocated} of ${blocks}`,
    },
    references,
    findings,
  };
}
