import { big, readLong } from './header.ts';
import type { ByteSource, ImageFinding } from './header.ts';
import { findBeyondEnd, type Table } from './tables.ts';

/** What leads to the clusters of a disk, as the header of its qcow2 has it. Sizes and offsets are in bytes. */
type Map = { level1: number; entries: number; clusterBits: number; virtualSize: number; hasSubclusters: boolean };

/**
 * Finds clusters beyond the end of the file ("Cluster mapping" in docs/interop/qcow2.rst of QEMU). Of a cluster that is
 * in use the file has all, or all its subclusters in use; of the last one what belongs to the disk, and of a compressed
 * one at least the beginning of its last sector.
 */
export function clusterFindings(source: ByteSource, map: Map): ImageFinding[] {
  const { clusterBits, virtualSize, hasSubclusters } = map;
  const cluster = 2 ** clusterBits;
  const disk = Math.ceil(virtualSize / 512) * 512;
  // Of a compressed cluster the number of sectors follows the offset, above these bits of the upper half.
  const sectorsAt = 62 - (clusterBits - 8) - 32;
  return findBeyondEnd(source, level2Tables(source, map), (bytes, at, number) => {
    const [high, low] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
    if ((high | low) === 0 || number * cluster >= disk) return 0;
    if ((high & 0x4000_0000) !== 0) {
      const offset = (high & (2 ** sectorsAt - 1)) * 2 ** 32 + low;
      const more = (high & 0x3fff_ffff) >>> sectorsAt;
      return Math.max(offset, offset - (offset % 512) + more * 512) + 1;
    }
    const offset = offsetOf(high, low);
    if (offset === 0 || (!hasSubclusters && (low & 1) !== 0)) return 0;
    const used = hasSubclusters ? subclusters(bytes.readUInt32BE(at + 12)) * (cluster / 32) : cluster;
    return used === 0 ? 0 : offset + Math.min(used, disk - number * cluster);
  });
}

/** The tables that entries of level 1 lead to, each once: many entries of a hostile image may lead to the same. */
function* level2Tables(
  source: ByteSource,
  { level1, entries, clusterBits, virtualSize, hasSubclusters }: Map,
): Generator<Table> {
  const cluster = 2 ** clusterBits;
  const width = hasSubclusters ? 16 : 8;
  const each = cluster / width;
  const needed = Math.min(entries, Math.ceil(virtualSize / (cluster * each)));
  const bytes = readLong(source, level1, needed * 8);
  const seen = new Set<number>();
  for (let index = 0; index < needed; index += 1) {
    const offset = offsetOf(big.u32(bytes, index * 8), big.u32(bytes, index * 8 + 4));
    if (offset === 0 || seen.has(offset)) continue;
    seen.add(offset);
    yield { offset, entries: each, width, first: index * each };
  }
}

/** Bits 9 to 55 of an entry. */
function offsetOf(high: number, low: number): number {
  // Shifts, since a division for each entry of a large disk would take longer than all else.
  return (high & 0x00ff_ffff) * 2 ** 32 + (low >>> 9) * 512;
}

/** The number of subclusters up to the last one in use. */
function subclusters(bitmap: number): number {
  return 32 - Math.clz32(bitmap);
}
