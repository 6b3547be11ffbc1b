import { error, warning } from './header.ts';
import type { ByteSource, ImageFinding } from './header.ts';

/** A table of an image: `entries` of `width` bytes each, from `offset` on. `first` is the number of its first entry. */
export type Table = { offset: number; entries: number; width: number; first: number };

/** An entry at a place of some bytes: where in the file ends what it leads to, in bytes; 0 when that is nowhere. */
type EndOf = (bytes: Buffer, at: number, number: number) => number;

/** Tables are read up to this many bytes: those of a qcow2 of 8 TiB, every cluster of it in use. */
const readable = 2 ** 30;

/**
 * Finds what tables promise and the file does not have. QEMU reads zeros beyond the end of a file, so an image that is
 * cut short would be a disk with holes in it, and no error. Ends with the first entry that is wrong.
 */
export function findBeyondEnd(source: ByteSource, tables: Iterable<Table>, endOf: EndOf): ImageFinding[] {
  let done = 0;
  for (const { offset, entries, width, first } of tables) {
    if (offset + entries * width > source.size) {
      return [error('truncated', `one of its tables, at ${offset}, lies beyond the end of the file`)];
    }
    for (let entry = 0; entry < entries;) {
      const bytes = source.read(offset + entry * width, (entries - entry) * width);
      // A file may lose its end while it is read.
      if (bytes.length < width) return [error('truncated', 'the file ended while its tables were read')];
      for (let at = 0; at + width <= bytes.length; at += width, entry += 1) {
        const end = endOf(bytes, at, first + entry);
        if (end > source.size) return [error('truncated', lost(end, source.size))];
      }
      done += bytes.length;
      if (done > readable) return [warning('tables', 'its tables are larger than 1 GiB: not all of them were read')];
    }
  }
  return [];
}

function lost(end: number, size: number): string {
  return `it has data up to byte ${end} at least, and the file ends at ${size}: it is cut short`;
}
