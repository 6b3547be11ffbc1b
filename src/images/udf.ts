import { error } from './header.ts';
import type { ByteSource, ImageFinding } from './header.ts';
import { discSector, readFolder } from './iso9660.ts';
import type { Extent, IsoEntry, IsoVolume } from './iso9660.ts';

/** Identifiers of descriptor tags (ECMA-167, OSTA UDF 1.02). */
const tags = {
  anchor: 2,
  partition: 5,
  logicalVolume: 6,
  fileSet: 256,
  fileIdentifier: 257,
  file: 261,
  extendedFile: 266,
};

/**
 * The UDF volume of an ISO such as Microsoft's, whose ISO 9660 part holds no more than a note. Only what such media
 * have: one partition without indirection. Undefined when there is none.
 *
 * @throws RangeError when it is cut short in the middle of a structure.
 */
export function openUdf(source: ByteSource): IsoVolume | undefined {
  const descriptors = volumeDescriptorSequence(source);
  const partition = descriptors?.find((bytes) => tagOf(bytes) === tags.partition);
  const volume = descriptors?.find((bytes) => tagOf(bytes) === tags.logicalVolume);
  if (!partition || !volume) return undefined;
  const start = partition.readUInt32LE(188);
  const place = (block: number) => (start + block) * discSector;
  const fileSet = source.read(place(volume.readUInt32LE(252)), discSector);
  if (tagOf(fileSet) !== tags.fileSet) return undefined;
  const entry = (name: string, block: number) => readEntry(source, place, name, block);
  const root = entry('', fileSet.readUInt32LE(404));
  if (!root) return undefined;
  const find = (folder: IsoEntry, isWanted: (name: string) => boolean) => {
    // A folder of millions of names would be millions of reads: only the entry that is wanted is looked at.
    for (const { name, block } of identifiers(readFolder(source, folder)))
      if (isWanted(name)) return entry(name, block);
    return undefined;
  };
  return { root, find };
}

/**
 * Finds what the volume structure promises and the file does not have: the structure itself, or the end of its partition.
 * Nothing is found of a volume whose anchor is elsewhere than on discs.
 */
export function udfFindings(source: ByteSource): ImageFinding[] {
  const descriptors = source.size < 257 * discSector ? [] : volumeDescriptorSequence(source);
  const partition = descriptors?.find((bytes) => tagOf(bytes) === tags.partition);
  if (descriptors && !partition) return [error('truncated', 'the file ends within the volume structure of its UDF')];
  const end = partition ? (partition.readUInt32LE(188) + partition.readUInt32LE(192)) * discSector : 0;
  if (end <= source.size) return [];
  return [error('truncated', `its UDF partition ends at ${end}, and the file at ${source.size}`)];
}

/** The sectors of the main volume descriptor sequence, which the anchor in sector 256 leads to; undefined without one. */
function volumeDescriptorSequence(source: ByteSource): Buffer[] | undefined {
  const anchor = source.read(256 * discSector, discSector);
  if (tagOf(anchor) !== tags.anchor) return undefined;
  const length = Math.min(anchor.readUInt32LE(16), 64 * discSector);
  const bytes = source.read(anchor.readUInt32LE(20) * discSector, length);
  return Array.from({ length: Math.floor(bytes.length / discSector) }, (_, index) =>
    bytes.subarray(index * discSector, (index + 1) * discSector),
  );
}

function tagOf(data: Buffer): number {
  return data.length < 16 ? 0 : data.readUInt16LE(0);
}

function readEntry(
  source: ByteSource,
  place: (block: number) => number,
  name: string,
  block: number,
): IsoEntry | undefined {
  const data = source.read(place(block), discSector);
  const tag = tagOf(data);
  if (tag !== tags.file && tag !== tags.extendedFile) return undefined;
  const lengths = tag === tags.file ? 168 : 208;
  const first = lengths + 8 + data.readUInt32LE(lengths);
  const end = Math.min(first + data.readUInt32LE(lengths + 4), discSector);
  const size = Number(data.readBigUInt64LE(56));
  const form = data.readUInt16LE(34) & 7;
  const extents: Extent[] = [];
  if (form === 3) extents.push({ position: place(block) + first, length: end - first });
  const width = form === 0 ? 8 : 16;
  for (let at = form < 2 ? first : end; at + width <= end; at += width) {
    // The two highest bits say whether the extent is recorded.
    const length = data.readUInt32LE(at) & 0x3fffffff;
    if (length === 0) break;
    extents.push({ position: place(data.readUInt32LE(at + 4)), length });
  }
  return { name, isFolder: data[27] === 4, size, extents };
}

/** The names in a folder, without those that are deleted and the folder above. */
function* identifiers(data: Buffer): Generator<{ name: string; block: number }> {
  for (let at = 0; at + 38 <= data.length && tagOf(data.subarray(at)) === tags.fileIdentifier;) {
    const [characteristics = 0, nameLength = 0] = [data[at + 18], data[at + 19]];
    const nameAt = at + 38 + data.readUInt16LE(at + 36);
    const name = data.subarray(nameAt, nameAt + nameLength);
    if ((characteristics & 0b1100) === 0) yield { name: readName(name), block: data.readUInt32LE(at + 24) };
    at = nameAt + nameLength;
    at += (4 - (at % 4)) % 4;
  }
}

/** OSTA compressed Unicode: one or two bytes a character. */
function readName(bytes: Buffer): string {
  const text = bytes.subarray(1);
  if (bytes[0] !== 16) return text.toString('latin1');
  return Buffer.from(text.subarray(0, text.length & ~1))
    .swap16()
    .toString('utf16le');
}
