import type { ByteSource } from './header.ts';
import { fieldText } from './text.ts';

const block = 512;
/** More members than this are not listed, unless a caller wants them. */
const usualLimit = 64;

/** The names of the first files in a tar archive, fit to be shown. Empty when it is none. */
export function tarMembers(source: ByteSource): string[] {
  return tarFiles(source).map(({ name }) => name);
}

/**
 * The first files in a tar archive (pax(1), "ustar Interchange Format"), with where their bytes are. Empty when it is none;
 * names are fit to be shown.
 */
export function tarFiles(source: ByteSource, limit = usualLimit): { name: string; at: number; size: number }[] {
  const files: { name: string; at: number; size: number }[] = [];
  for (let at = 0, blocks = 0; files.length < limit && blocks < 4 * limit; blocks += 1) {
    const head = source.read(at, block);
    if (head.length < block || !checksumHolds(head)) break;
    const size = sizeOf(head);
    const type = String.fromCharCode(head[156] ?? 0);
    // Other types are attributes of the file that follows, links, folders.
    if (type === '0' || type === '\0') files.push({ name: nameOf(head), at: at + block, size });
    at += block + Math.ceil(size / block) * block;
  }
  return files;
}

/** The sum of all bytes, those of the checksum itself as blanks. */
function checksumHolds(head: Buffer): boolean {
  const field = /^[ 0]*([0-7]+)[ \0]/.exec(head.toString('latin1', 148, 156));
  if (!field) return false;
  let sum = 8 * 0x20;
  for (const [index, byte] of head.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum === Number.parseInt(field[1] ?? '', 8);
}

/** Octal digits, or a big-endian number with its highest bit set (GNU tar, for files of 8 GiB and more). */
function sizeOf(head: Buffer): number {
  if (((head[124] ?? 0) & 0x80) !== 0) return Number(head.readBigUInt64BE(128));
  return Number.parseInt(head.toString('latin1', 124, 136), 8) || 0;
}

function nameOf(head: Buffer): string {
  const [name, prefix] = [fieldText(head.subarray(0, 100), 'utf8'), fieldText(head.subarray(345, 500), 'utf8')];
  const isUstar = head.toString('latin1', 257, 263) === 'ustar\0';
  return isUstar && prefix !== '' ? `${prefix}/${name}` : name;
}
