import { error, isText, little, sizeFindings, warning } from './header.ts';
import type { Detail, ImageFinding, Header, Reference, ByteSource } from './header.ts';
import { grainFindings } from './vmdk-grains.ts';
import { isDescriptor, parseDescriptor } from './vmdk-descriptor.ts';
import type { Descriptor } from './vmdk-descriptor.ts';

/** A descriptor, like QEMU's own limit, is shorter than this many bytes. */
const descriptorLimit = 2 ** 20 - 1;
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
  const start = source.read(0, 4096).toString('latin1');
  return isDescriptor(start) ? textFile(source) : undefined;
}

function sparse(source: ByteSource, head: Buffer): Header {
  const findings: ImageFinding[] = [];
  const version = little.u32(head, 4);
  const flags = little.u32(head, 8);
  const capacity = little.u64(head, 12) * 512;
  const grain = little.u64(head, 20) * 512;
  if (version < 1 || version > 3) findings.push(error('version', `VMDK version ${version} does not exist; 1 to 3 do`));
  const footer = little.u64(head, 56) === atEnd;
  const embedded = embeddedDescriptor(source, head, findings);
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
    subformat: embedded?.createType ?? 'sparse extent',
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

function embeddedDescriptor(source: ByteSource, head: Buffer, findings: ImageFinding[]): Descriptor | undefined {
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
  if (offset !== 512) {
    findings.push(warning('descriptor', 'its descriptor is not where the Image service looks for it, at 512'));
  }
  const bytes = source.read(offset, Math.min(length, descriptorLimit));
  const descriptor = parseDescriptor(bytes.toString('latin1'));
  findings.push(...descriptorFindings(descriptor));
  return descriptor;
}

function descriptorFindings({ createType, strange, extents, parentCID }: Descriptor): ImageFinding[] {
  const findings: ImageFinding[] = [];
  if (createType === undefined) findings.push(error('descriptor', 'its descriptor has no createType'));
  if (extents.length === 0) findings.push(error('descriptor', 'its descriptor names no extents'));
  if (strange.length > 0) {
    findings.push(error('descriptor', `its descriptor has a line that belongs to none: ${JSON.stringify(strange[0])}`));
  }
  if (parentCID === undefined) findings.push(warning('descriptor', 'its descriptor has no parentCID'));
  return findings;
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
  return [...(itself ? [] : extentReferences(descriptor)), ...parentReference(descriptor)];
}

function extentReferences({ extents }: Descriptor): Reference[] {
  return extents.flatMap(({ type, file }) => (type === 'ZERO' ? [] : [{ kind: 'extent' as const, name: file ?? '' }]));
}

function parentReference({ parentCID, parentFileNameHint }: Descriptor): Reference[] {
  const none = parentCID === undefined || /^f{8}$/i.test(parentCID);
  return none && parentFileNameHint === undefined ? [] : [{ kind: 'parent', name: parentFileNameHint ?? '' }];
}

function descriptorDetails(descriptor: Descriptor | undefined): Record<string, Detail> {
  if (!descriptor) return {};
  const { createType, adapterType, virtualHWVersion, extents } = descriptor;
  return {
    ...(createType !== undefined && { createType }),
    ...(adapterType !== undefined && { adapterType }),
    ...(virtualHWVersion !== undefined && { virtualHWVersion }),
    extents: extents.map(
      ({ access, size, type, file }) => `${access} ${size / 512} ${type}${file === undefined ? '' : ` ${file}`}`,
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

function textFile(source: ByteSource): Header {
  const descriptor = parseDescriptor(source.read(0, descriptorLimit).toString('latin1'));
  const virtualSize = descriptor.extents.reduce((sum, { size }) => sum + size, 0);
  return {
    format: 'vmdk',
    subformat: descriptor.createType ?? 'descriptor',
    virtualSize,
    details: descriptorDetails(descriptor),
    references: [...extentReferences(descriptor), ...parentReference(descriptor)],
    findings: [...descriptorFindings(descriptor), ...sizeFindings(virtualSize)],
  };
}
