import { error, isText, little, sizeFindings, warning } from './header.ts';
import type { Detail, ImageFinding, Header, Reference, ByteSource } from './header.ts';
import { printable } from './text.ts';
import {
  descriptorFile,
  descriptorLimit,
  descriptorOffset,
  embeddedDescriptor,
  parseDescriptor,
} from './vmdk-descriptor.ts';
import type { Descriptor } from './vmdk-descriptor.ts';
import { grainFindings } from './vmdk-grains.ts';

/** `gdOffset` of an image whose grain directory, and true header, are at its end. */
const atEnd = 0xffff_ffff_ffff_ffff;
const compressed = 1 << 16;
const markers = 1 << 17;

/**
 * Reads a VMDK: a hosted sparse extent with its embedded descriptor (`KDMV`), an ESX sparse extent (`COWD`), or a
 * descriptor that is a file of its own. See VMware's "Virtual Disk Format 5.0" and block/vmdk.c of QEMU.
 */
export function parseVmdk(source: ByteSource): Header | undefined {
  const head = source.read(0, 512);
  if (isText(head, 0, 'KDMV')) return sparse(source, head);
  if (isText(head, 0, 'COWD')) return esxSparse(head);
  const text = descriptorFile(source);
  return text && textFile(text);
}

function sparse(source: ByteSource, head: Buffer): Header {
  const findings: ImageFinding[] = [];
  const version = little.u32(head, 4);
  const flags = little.u32(head, 8);
  const capacity = little.u64(head, 12) * 512;
  const grain = little.u64(head, 20) * 512;
  if (version < 1 || version > 3) findings.push(error('version', `VMDK version ${version} does not exist; 1 to 3 do`));
  const footer = little.u64(head, 56) === atEnd;
  const embedded = readEmbedded(source, head, findings);
  const streamed = embedded?.createType === 'streamOptimized' || (flags & markers) !== 0;
  const references = embeddedReferences(embedded, capacity, findings);
  if (capacity > 0) findings.push(...sizeFindings(capacity));
  if (grain < 512 || grain > 2 ** 31 || !Number.isInteger(Math.log2(grain))) {
    findings.push(error('damaged', `its grains of ${grain} bytes are not a power of two of sectors`));
  }
  if (little.u32(head, 44) < 1 || little.u32(head, 44) > 512) {
    findings.push(error('damaged', `its grain tables have ${little.u32(head, 44)} entries; 1 to 512 are possible`));
  }
  if (!footer && little.u64(head, 56) * 512 >= source.size) {
    findings.push(error('truncated', 'its grain directory lies beyond the end of the file'));
  }
  if (footer) findings.push(...footerFindings(source, capacity));
  // What its tables lead to can be told only when nothing is wrong with the numbers that they follow from.
  if (!findings.some(({ level }) => level === 'error')) {
    findings.push(...grainFindings(source, footer ? source.read(source.size - 1024, 512) : head));
  }
  return {
    format: 'vmdk',
    subformat: printable(embedded?.createType ?? 'sparse extent'),
    virtualSize: capacity,
    details: {
      version,
      ...descriptorDetails(embedded),
      'grain size': grain,
      compressed: (flags & compressed) !== 0,
      'stream markers': (flags & markers) !== 0,
      'grain directory': footer ? 'at the end, with a footer' : 'at the start',
      ...(streamed && { 'end of stream': endOfStream(source) }),
    },
    references,
    findings,
  };
}

function readEmbedded(source: ByteSource, head: Buffer, findings: ImageFinding[]): Descriptor | undefined {
  const offset = little.u64(head, 28) * 512;
  const length = little.u64(head, 36) * 512;
  // An extent of a split image has none: the descriptor is a file of its own, and this one is no image by itself.
  if (offset === 0 || length === 0) {
    findings.push(error('descriptor', 'it has no descriptor: it is one extent of a larger image, or damaged'));
    return undefined;
  }
  if (length > descriptorLimit)
    findings.push(error('descriptor', `its descriptor claims ${length} bytes: 1 MiB is the limit`));
  if (offset + length > source.size)
    findings.push(error('truncated', 'its descriptor lies beyond the end of the file'));
  if (offset !== descriptorOffset) {
    const places = `its header places the descriptor at ${offset}, and QEMU reads it at ${descriptorOffset}`;
    findings.push(error('descriptor', `${places}: its readers would disagree`));
  }
  const bytes = embeddedDescriptor(source, length);
  if (bytes.every((byte) => byte === 0)) {
    findings.push(error('descriptor', 'its descriptor is empty: it is one extent of a larger image, or damaged'));
    return undefined;
  }
  const descriptor = parseDescriptor(bytes);
  findings.push(...descriptorFindings(descriptor));
  if (bytes.some((byte) => byte > 0x7f)) {
    findings.push(
      warning('descriptor', 'its descriptor is not plain ASCII, which checks of the Image service may refuse'),
    );
  }
  return descriptor;
}

function descriptorFindings({ faults }: Descriptor): ImageFinding[] {
  return faults.map((fault) => error('descriptor', `its descriptor ${fault}`));
}

/**
 * An embedded descriptor that describes its own file names it, by whatever name it once had: one SPARSE extent, a name
 * without a folder. Anything else reaches outside. Without a capacity QEMU opens what the descriptor names, too.
 */
function embeddedReferences(
  descriptor: Descriptor | undefined,
  capacity: number,
  findings: ImageFinding[],
): Reference[] {
  if (!descriptor) return [];
  const { createType, extents } = descriptor;
  const [only] = extents;
  const itself =
    (createType === 'monolithicSparse' || createType === 'streamOptimized') &&
    capacity > 0 &&
    extents.length === 1 &&
    only?.type === 'SPARSE' &&
    !/[/\\]/.test(only.file ?? '');
  if (capacity === 0)
    findings.push(error('descriptor', 'its header has no capacity, so that QEMU opens the named extents'));
  return [...(itself ? [] : extentReferences(descriptor)), ...parentReferences(descriptor)];
}

function extentReferences({ extents }: Descriptor): Reference[] {
  return extents
    .filter(({ type }) => type !== 'ZERO')
    .map(({ file = '' }) => ({ kind: 'extent', name: printable(file) }));
}

function parentReferences({ parents }: Descriptor): Reference[] {
  return parents.map((name) => ({ kind: 'parent', name: printable(name) }));
}

function descriptorDetails(descriptor: Descriptor | undefined): Record<string, Detail> {
  if (!descriptor) return {};
  const { createType, adapterType, virtualHWVersion, extents } = descriptor;
  return {
    ...(createType !== undefined && { createType: printable(createType) }),
    ...(adapterType !== undefined && { adapterType: printable(adapterType) }),
    ...(virtualHWVersion !== undefined && { virtualHWVersion: printable(virtualHWVersion) }),
    extents: extents.map(({ access, size, type, file = '' }) =>
      `${access} ${size / 512} ${type} ${printable(file)}`.trimEnd(),
    ),
  };
}

/** A footer is a copy of the header between its own marker and the end-of-stream marker: the last three sectors. */
function footerFindings(source: ByteSource, capacity: number): ImageFinding[] {
  const end = source.read(source.size - 1536, 1536);
  const complete =
    isText(end, 512, 'KDMV') && little.u32(end, 12) === 3 && end.subarray(1024).every((byte) => byte === 0);
  if (!complete) return [error('truncated', 'its footer is missing: the stream is cut short')];
  const footer = end.subarray(512, 1024);
  const directory = little.u64(footer, 56) * 512;
  const findings = [
    warning('footer', 'it has its grain directory at the end, which checks of the Image service may refuse'),
  ];
  if (little.u64(footer, 12) * 512 !== capacity) {
    findings.push(error('damaged', 'its footer, which QEMU believes, tells another size than its header'));
  }
  if (directory === 0 || directory >= source.size) {
    findings.push(error('damaged', 'the grain directory that its footer names lies outside the file'));
  }
  return findings;
}

function endOfStream(source: ByteSource): boolean {
  const last = source.read(source.size - 512, 512);
  return last.length === 512 && last.every((byte) => byte === 0);
}

/** An extent of ESX (`vmfsSparse`), which describes changes to a disk and has no descriptor of its own. */
function esxSparse(head: Buffer): Header {
  const virtualSize = little.u32(head, 12) * 512;
  return {
    format: 'vmdk',
    subformat: 'vmfsSparse extent',
    virtualSize,
    details: { version: little.u32(head, 4), 'grain size': little.u32(head, 16) * 512 },
    references: [],
    findings: [
      ...sizeFindings(virtualSize),
      error('descriptor', 'it is an extent of ESX without its descriptor: no image by itself'),
    ],
  };
}

function textFile(text: Buffer): Header {
  const descriptor = parseDescriptor(text);
  const references = [...extentReferences(descriptor), ...parentReferences(descriptor)];
  const empty = references.length === 0 ? [error('descriptor', 'it is a descriptor without a disk')] : [];
  return {
    format: 'vmdk',
    subformat: printable(descriptor.createType ?? 'descriptor'),
    virtualSize: descriptor.size,
    details: descriptorDetails(descriptor),
    references,
    findings: [...descriptorFindings(descriptor), ...sizeFindings(descriptor.size), ...empty],
  };
}
