/** The last partition of a disk. `start` is in sectors of 512 bytes; logical partitions of an MBR are not looked into. */
export type LastPartition = { table: 'gpt' | 'mbr'; number: number; start: number };

/** Bytes that `lastPartition` needs of the disk's beginning: MBR, GPT header, 128 entries of 128 bytes. */
export const partitionTableSize = 34 * 512;

const protective = 0xee;
const extended = new Set([0x05, 0x0f, 0x85]);

/** Finds the partition that ends last, from the first sectors of a disk; undefined when there is none to grow. */
export function lastPartition(disk: Buffer): LastPartition | undefined {
  if (disk.length < partitionTableSize || disk.readUInt16LE(510) !== 0xaa55) return undefined;
  const primary = [0, 1, 2, 3].map((index) => {
    const at = 446 + index * 16;
    const start = disk.readUInt32LE(at + 8);
    return { number: index + 1, type: disk[at + 4] ?? 0, start, end: start + disk.readUInt32LE(at + 12) };
  });
  if (primary.some(({ type }) => type === protective)) return lastOfGpt(disk);
  const last = primary.filter(({ type }) => type !== 0).toSorted((a, b) => b.end - a.end)[0];
  return last && !extended.has(last.type) ? { table: 'mbr', number: last.number, start: last.start } : undefined;
}

function lastOfGpt(disk: Buffer): LastPartition | undefined {
  if (disk.toString('latin1', 512, 520) !== 'EFI PART') return undefined;
  const [first, count, size] = [disk.readBigUInt64LE(584), disk.readUInt32LE(592), disk.readUInt32LE(596)];
  if (first !== 2n || size < 128 || count * size > disk.length - 1024) return undefined;
  const entries = Array.from({ length: count }, (_, index) => {
    const at = 1024 + index * size;
    const used = disk.subarray(at, at + 16).some((byte) => byte !== 0);
    return { number: index + 1, used, start: disk.readBigUInt64LE(at + 32), end: disk.readBigUInt64LE(at + 40) };
  });
  const last = entries.filter(({ used }) => used).toSorted((a, b) => Number(b.end - a.end))[0];
  return last && { table: 'gpt', number: last.number, start: Number(last.start) };
}

/** The file system that begins with these bytes (2 KiB), if it is one that grows. */
export function growableFilesystem(beginning: Buffer): 'xfs' | 'ext' | undefined {
  if (beginning.toString('latin1', 0, 4) === 'XFSB') return 'xfs';
  return beginning.length >= 1082 && beginning.readUInt16LE(1080) === 0xef53 ? 'ext' : undefined;
}
