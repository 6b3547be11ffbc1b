/** Reads `length` bytes at `position` of an ISO, or fewer at its end. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

/** A file or folder of an ISO. `position` and `size` are in bytes; `extents` are its pieces, in order. */
export type IsoEntry = { name: string; isFolder: boolean; size: number; extents: readonly Extent[] };
export type Extent = { position: number; length: number };

/** An opened volume: its root folder and what a folder holds. */
export type IsoVolume = { root: IsoEntry; list: (folder: IsoEntry) => Promise<IsoEntry[]> };

const sector = 2048;
/** More than this many bytes of one folder are no folder. */
const largestFolder = 16 * 1024 ** 2;

/** The ISO 9660 volume (ECMA-119), with Joliet's long names where it has them. Undefined when there is none. */
export async function openIso9660(read: ReadAt): Promise<IsoVolume | undefined> {
  let primary: Buffer | undefined;
  let joliet: Buffer | undefined;
  for (let number = 16; number < 64; number += 1) {
    const descriptor = await read(number * sector, sector);
    if (descriptor.length < sector || descriptor.toString('latin1', 1, 6) !== 'CD001') return undefined;
    const type = descriptor[0];
    if (type === 255) break;
    if (type === 1) primary ??= descriptor;
    if (type === 2 && /^%\/[@CE]$/.test(descriptor.toString('latin1', 88, 91))) joliet ??= descriptor;
  }
  const volume = joliet ?? primary;
  const root = volume && readRecord(volume.subarray(156, 190), joliet !== undefined);
  if (!root) return undefined;
  const list = async (folder: IsoEntry) => {
    const entries: IsoEntry[] = [];
    for (const { position, length } of folder.extents) {
      if (length > largestFolder) continue;
      entries.push(...readFolder(await read(position, length), joliet !== undefined));
    }
    return entries;
  };
  return { root, list };
}

function readFolder(data: Buffer, isJoliet: boolean): IsoEntry[] {
  const entries: IsoEntry[] = [];
  for (let at = 0; at < data.length;) {
    const length = data[at] ?? 0;
    // A record never crosses a sector: what is left of one is filled with zeros.
    if (length < 34) at = (Math.floor(at / sector) + 1) * sector;
    else {
      const record = data.subarray(at, at + length);
      const before = entries.at(-1);
      const entry = readRecord(record, isJoliet);
      // A file of more than 4 GiB is a row of records of the same name.
      if (entry && before && before.name === entry.name) {
        entries[entries.length - 1] = {
          ...before,
          size: before.size + entry.size,
          extents: [...before.extents, ...entry.extents],
        };
      } else if (entry && entry.name !== '\0' && entry.name !== '\u0001') entries.push(entry);
      at += length;
    }
  }
  return entries;
}

function readRecord(record: Buffer, isJoliet: boolean): IsoEntry | undefined {
  const nameLength = record[32] ?? 0;
  if (record.length < 33 + nameLength) return undefined;
  const [position, size] = [record.readUInt32LE(2) * sector, record.readUInt32LE(10)];
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
