import { isText, little, readLong } from './header.ts';
import type { ByteSource } from './header.ts';
import { fieldText } from './text.ts';

/** A file or folder of an ISO. `position` and `size` are in bytes; `extents` are its pieces, in order. */
export type IsoEntry = { name: string; isFolder: boolean; size: number; extents: readonly Extent[] };
export type Extent = { position: number; length: number };

/** An opened volume. */
export type IsoVolume = {
  root: IsoEntry;
  /** The first entry of a folder whose name is wanted. */
  find: (folder: IsoEntry, isWanted: (name: string) => boolean) => IsoEntry | undefined;
};

/** Bytes of a sector of a disc. */
export const discSector = 2048;
/** More than this many bytes of one folder are no folder. */
const largestFolder = 16 * 1024 ** 2;
const descriptorLimit = 48;

/** The sectors from 16 on, as long as they are descriptors: of ISO 9660 (ECMA-119), and of UDF (ECMA-167) after them. */
export function volumeDescriptors(source: ByteSource): Buffer[] {
  const found: Buffer[] = [];
  for (let number = 16; number < 16 + descriptorLimit; number += 1) {
    const bytes = source.read(number * discSector, discSector);
    if (!/^(CD001|BEA01|NSR0[23]|TEA01|BOOT2)$/.test(bytes.toString('latin1', 1, 6))) break;
    found.push(bytes);
  }
  return found;
}

/** What the primary volume descriptor says (ECMA-119, 8.4). `size`, that of the volume, and `blockSize` are in bytes. */
export type PrimaryVolume = { blockSize: number; size: number; id: string; application: string };

/** The primary volume, if one of the descriptors is that of ISO 9660. */
export function primaryVolume(descriptors: readonly Buffer[]): PrimaryVolume | undefined {
  const bytes = descriptors.find((each) => isOf9660(each) && each[0] === 1);
  if (!bytes) return undefined;
  const blockSize = little.u16(bytes, 128);
  return {
    blockSize,
    size: little.u32(bytes, 80) * blockSize,
    id: fieldText(bytes.subarray(40, 72), 'latin1'),
    application: fieldText(bytes.subarray(574, 702), 'latin1'),
  };
}

/** Whether one of the descriptors is of a supplementary volume, as Joliet has. */
export function hasSupplementary(descriptors: readonly Buffer[]): boolean {
  return descriptors.some((bytes) => isOf9660(bytes) && bytes[0] === 2);
}

function isOf9660(descriptor: Buffer): boolean {
  return isText(descriptor, 1, 'CD001');
}

/**
 * The ISO 9660 volume, with Joliet's long names where it has them. Undefined when there is none, or its descriptors have
 * no end.
 *
 * @throws RangeError when it is cut short in the middle of a structure.
 */
export function openIso9660(source: ByteSource): IsoVolume | undefined {
  const descriptors = volumeDescriptors(source);
  const end = descriptors.findIndex((bytes) => bytes[0] === 255 && isOf9660(bytes));
  const own = descriptors.slice(0, Math.max(0, end));
  if (!own.every(isOf9660)) return undefined;
  const primary = own.find((bytes) => bytes[0] === 1);
  const joliet = own.find((bytes) => bytes[0] === 2 && /^%\/[@CE]$/.test(bytes.toString('latin1', 88, 91)));
  const volume = joliet ?? primary;
  const root = volume && readRecord(volume.subarray(156, 190), joliet !== undefined);
  if (!root) return undefined;
  const find = (folder: IsoEntry, isWanted: (name: string) => boolean) =>
    readRecords(readFolder(source, folder), joliet !== undefined).find(({ name }) => isWanted(name));
  return { root, find };
}

/** The bytes of a folder, from all its pieces. Nothing of one that is too large, or claims to be. */
export function readFolder(source: ByteSource, folder: IsoEntry): Buffer {
  if (folder.size > largestFolder) return Buffer.alloc(0);
  const pieces: Buffer[] = [];
  let left = folder.size;
  for (const { position, length } of folder.extents) {
    if (left <= 0) break;
    pieces.push(readLong(source, position, Math.min(length, left)));
    left -= Math.min(length, left);
  }
  return Buffer.concat(pieces);
}

function readRecords(data: Buffer, isJoliet: boolean): IsoEntry[] {
  const entries: (IsoEntry & { extents: Extent[] })[] = [];
  for (let at = 0; at < data.length;) {
    const length = data[at] ?? 0;
    // A record never crosses a sector: what is left of one is filled with zeros.
    if (length < 34) at = (Math.floor(at / discSector) + 1) * discSector;
    else {
      const record = data.subarray(at, at + length);
      const before = entries.at(-1);
      const entry = readRecord(record, isJoliet);
      // A file of more than 4 GiB is a row of records of the same name.
      if (entry && before && before.name === entry.name) {
        before.size += entry.size;
        before.extents.push(...entry.extents);
      } else if (entry && entry.name !== '\0' && entry.name !== '\u0001') entries.push(entry);
      at += length;
    }
  }
  return entries;
}

function readRecord(record: Buffer, isJoliet: boolean): (IsoEntry & { extents: Extent[] }) | undefined {
  const nameLength = record[32] ?? 0;
  if (record.length < 33 + nameLength) return undefined;
  const [position, size] = [record.readUInt32LE(2) * discSector, record.readUInt32LE(10)];
  const bytes = record.subarray(33, 33 + nameLength);
  const name =
    isJoliet && nameLength > 1
      ? Buffer.from(bytes.subarray(0, nameLength & ~1))
          .swap16()
          .toString('utf16le')
      : bytes.toString('latin1');
  return {
    name: name.replace(/\.?;\d+$/, ''),
    isFolder: ((record[25] ?? 0) & 2) !== 0,
    size,
    extents: [{ position, length: size }],
  };
}
