import { crc32c } from './crc32c.ts';
import { error, isText, little, sizeFindings, warning } from './header.ts';
import type { Detail, ImageFinding, Header, Reference, ByteSource } from './header.ts';
import { blockFindings } from './vhdx-blocks.ts';
import { fieldText, guid } from './text.ts';

const kib = 1024;
/** Region and item GUIDs of [MS-VHDX] 2.2.3.2 and 2.6.2. */
const ids = {
  metadata: '8B7CA206-4790-4B9A-B8FE-575F050F886E',
  bat: '2DC27766-F623-4200-9D64-115E9BFD4A08',
  fileParameters: 'CAA16737-FA36-4D43-B3B6-33F0AA44E76B',
  virtualDiskSize: '2FA54224-CD1B-4876-B211-5DBED83BF4B8',
  logicalSectorSize: '8141BF1D-A96F-4709-BA47-F233A8FAAB5F',
  parentLocator: 'A8D35F2D-B30B-454D-ABF7-D3D84834AB0C',
};
const knownItems: readonly string[] = Object.values(ids);
const noLog = guid(Buffer.alloc(16), 0);
const entryLimit = 2047;

/** Reads a VHDX: the current header, the region table, and the metadata that it leads to ([MS-VHDX]). */
export function parseVhdx(source: ByteSource): Header | undefined {
  const identity = source.read(0, 520);
  if (!isText(identity, 0, 'vhdxfile')) return undefined;
  const findings: ImageFinding[] = [];
  const header = currentHeader(source, findings);
  const regions = regionEntries(source, findings);
  const metadata = metadataItems(source, regions.get(ids.metadata), findings);
  const virtualSize = little.u64(metadata.get(ids.virtualDiskSize) ?? Buffer.alloc(0), 0);
  const parameters = metadata.get(ids.fileParameters) ?? Buffer.alloc(0);
  const flags = little.u32(parameters, 4);
  const blockSize = little.u32(parameters, 0);
  // Without metadata, which is told, there is neither.
  if (metadata.size > 0) {
    findings.push(...sizeFindings(virtualSize));
    if (blockSize < 2 ** 20 || blockSize > 2 ** 28 || !Number.isInteger(Math.log2(blockSize)))
      findings.push(error('damaged', `its block size is ${blockSize}; 1 to 256 MiB are possible`));
  }
  const sectorSize = little.u32(metadata.get(ids.logicalSectorSize) ?? Buffer.alloc(0), 0);
  const bat = regions.get(ids.bat);
  if (bat && !findings.some(({ level }) => level === 'error')) {
    findings.push(...blockFindings(source, { offset: little.u64(bat, 16), virtualSize, blockSize, sectorSize }));
  }
  const logDirty = header !== undefined && guid(header, 48) !== noLog;
  if (logDirty) {
    findings.push(
      warning('log', 'its log has changes that were not written to their places: it was not closed properly'),
    );
  }
  const references: Reference[] = [];
  if ((flags & 2) !== 0 || metadata.has(ids.parentLocator)) {
    references.push({ kind: 'parent', name: parentName(metadata.get(ids.parentLocator) ?? Buffer.alloc(0)) });
  }
  const details: Record<string, Detail> = {
    creator: fieldText(identity.subarray(8, 520), 'utf16le'),
    'block size': blockSize,
    'logical sector size': sectorSize,
    'log to replay': logDirty,
  };
  const subformat = references.length > 0 ? 'differencing' : (flags & 1) !== 0 ? 'fixed' : 'dynamic';
  return { format: 'vhdx', subformat, virtualSize, details, references, findings };
}

/** Of the two headers, the one with a right checksum and the higher sequence number counts. */
function currentHeader(source: ByteSource, findings: ImageFinding[]): Buffer | undefined {
  const headers = [64, 128]
    .map((offset) => source.read(offset * kib, 4 * kib))
    .filter((bytes) => isText(bytes, 0, 'head') && checksumHolds(bytes));
  if (headers.length === 0) findings.push(error('damaged', 'neither of its two headers is intact'));
  return headers.toSorted((a, b) => little.u64(b, 8) - little.u64(a, 8))[0];
}

function checksumHolds(bytes: Buffer): boolean {
  const zeroed = Buffer.from(bytes);
  zeroed.fill(0, 4, 8);
  return crc32c(zeroed) === little.u32(bytes, 4);
}

/** The entries of the region table, by what they lead to. */
function regionEntries(source: ByteSource, findings: ImageFinding[]): Map<string, Buffer> {
  const tables = [192, 256].map((offset) => source.read(offset * kib, 64 * kib));
  const table = tables.find((bytes) => isText(bytes, 0, 'regi') && checksumHolds(bytes));
  if (!table) {
    findings.push(error('damaged', 'neither of its two region tables is intact'));
    return new Map();
  }
  const regions = tableEntries(table, 16, little.u32(table, 8), findings);
  if (!regions.some((entry) => guid(entry, 0) === ids.metadata))
    findings.push(error('damaged', 'its region table leads to no metadata'));
  const bat = regions.find((entry) => guid(entry, 0) === ids.bat);
  if (!bat || little.u64(bat, 16) + little.u32(bat, 24) > source.size) {
    findings.push(error('truncated', 'its block table is missing or lies beyond the end of the file'));
  }
  // Of entries with the same GUID, the first counts.
  return new Map(regions.toReversed().map((entry) => [guid(entry, 0), entry]));
}

function metadataItems(source: ByteSource, region: Buffer | undefined, findings: ImageFinding[]): Map<string, Buffer> {
  const items = new Map<string, Buffer>();
  if (!region) return items;
  const start = little.u64(region, 16);
  const metadata = source.read(start, 64 * kib);
  if (!isText(metadata, 0, 'metadata')) {
    findings.push(error('damaged', 'there is no metadata where its region table says'));
    return items;
  }
  for (const entry of tableEntries(metadata, 32, little.u16(metadata, 10), findings)) {
    const id = guid(entry, 0);
    // 2047 items of 64 KiB would be 128 MiB: only those that are needed are read, and each once.
    if (!knownItems.includes(id)) continue;
    if (items.has(id)) findings.push(error('damaged', `it has two metadata items ${id}`));
    else items.set(id, source.read(start + little.u32(entry, 16), Math.min(little.u32(entry, 20), 64 * kib)));
  }
  return items;
}

/** The 32-byte entries that follow the head of a table. */
function tableEntries(table: Buffer, head: number, count: number, findings: ImageFinding[]): Buffer[] {
  if (count > entryLimit)
    findings.push(error('damaged', `one of its tables claims ${count} entries; 2047 is the limit`));
  const entries = Array.from({ length: Math.min(count, entryLimit) }, (_, index) => head + index * 32);
  return entries.filter((at) => at + 32 <= table.length).map((at) => table.subarray(at, at + 32));
}

/** A parent locator is a list of keys and values in UTF-16; several of them are ways to the same file. */
function parentName(locator: Buffer): string {
  const names = new Map<string, string>();
  for (let index = 0; index < Math.min(little.u16(locator, 18), 16); index += 1) {
    const at = 20 + index * 12;
    const text = (offset: number, length: number) => fieldText(locator.subarray(offset, offset + length), 'utf16le');
    const key = text(little.u32(locator, at), little.u16(locator, at + 8));
    names.set(key, text(little.u32(locator, at + 4), little.u16(locator, at + 10)));
  }
  return names.get('absolute_win32_path') ?? names.get('relative_path') ?? names.get('volume_path') ?? '';
}
