import { error, little } from './header.ts';
import type { ByteSource, ImageFinding } from './header.ts';
import { findBeyondEnd, type Table } from './tables.ts';

const zeroGrains = 4;
const markers = 1 << 17;
const deflate = 1;
/** Bytes of the marker before a compressed grain: the number of its first sector, and the length of its data. */
const markerSize = 12;
/** Bytes of a grain directory that are read at once. */
const piece = 2 ** 20;

/**
 * Finds grains beyond the end of the file. `header` is that of the sparse extent, or its footer, which counts when there
 * is one (VMware's "Virtual Disk Format 5.0"; `vmdk_open_vmdk4` and `get_cluster_offset` in block/vmdk.c of QEMU). Of a
 * compressed grain the length stands in the file: that of the last one is looked at.
 */
export function grainFindings(source: ByteSource, header: Buffer): ImageFinding[] {
  const flags = little.u32(header, 8);
  const capacity = little.u64(header, 12) * 512;
  const grain = little.u64(header, 20) * 512;
  const compressed = little.u16(header, 77) === deflate;
  const directory = little.u64(header, 56) * 512;
  const entries = Math.ceil(capacity / (little.u32(header, 44) * grain));
  if (directory + entries * 4 > source.size) {
    return [error('truncated', 'its grain directory lies beyond the end of the file')];
  }
  let last = 0;
  const findings = findBeyondEnd(
    source,
    grainTables(source, directory, entries, little.u32(header, 44)),
    (bytes, at, number) => {
      const sector = bytes.readUInt32LE(at);
      if (sector === 0 || (sector === 1 && (flags & zeroGrains) !== 0) || number * grain >= capacity) return 0;
      const offset = sector * 512;
      last = Math.max(last, offset);
      return offset + (compressed ? markerSize + 1 : Math.min(grain, capacity - number * grain));
    },
  );
  if (findings.length > 0 || !compressed || (flags & markers) === 0 || last === 0) return findings;
  const end = last + markerSize + little.u32(source.read(last, markerSize), 8);
  return end <= source.size ? [] : [error('truncated', `its last grain ends at ${end}, beyond the end of the file`)];
}

/** The grain tables that the entries of the grain directory lead to, each once. */
function* grainTables(source: ByteSource, directory: number, count: number, entries: number): Generator<Table> {
  const seen = new Set<number>();
  for (let from = 0; from < count * 4; from += piece) {
    const bytes = source.read(directory + from, Math.min(piece, count * 4 - from));
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const offset = bytes.readUInt32LE(at) * 512;
      if (offset === 0 || seen.has(offset)) continue;
      seen.add(offset);
      yield { offset, entries, width: 4, first: ((from + at) / 4) * entries };
    }
  }
}
