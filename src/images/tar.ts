import type { ByteSource } from './header.ts';
import { fieldText, printable } from './text.ts';

const block = 512;
/** More members than this are not listed, unless a caller wants them. */
const usualLimit = 64;

/**
 * A member of a tar archive: `type` is its flag (`0` a file, `2` a symbolic link, `5` a folder), `at` where its bytes are.
 * Names are fit to be shown; `mode` has the permission bits alone.
 */
export type TarEntry = {
  name: string;
  type: string;
  mode: number;
  uid: number;
  gid: number;
  link: string;
  at: number;
  size: number;
};

/** The names of the first files in a tar archive, fit to be shown. Empty when it is none. */
export function tarMembers(source: ByteSource): string[] {
  return tarFiles(source).map(({ name }) => name);
}

/** The first files in a tar archive, with where their bytes are. Empty when it is none; names are fit to be shown. */
export function tarFiles(source: ByteSource, limit = usualLimit): { name: string; at: number; size: number }[] {
  const files: { name: string; at: number; size: number }[] = [];
  let others = 0;
  for (const { name, type, at, size } of tarEntries(source)) {
    if (type === '0') files.push({ name, at, size });
    else others += 1;
    if (files.length >= limit || others >= 3 * limit) break;
  }
  return files;
}

/**
 * The members of a tar archive (pax(1), "ustar Interchange Format"), with the long names of GNU tar: a member of type L or K has
 * the name, or what the link leads to, of the one that follows.
 */
export function* tarEntries(source: ByteSource): Generator<TarEntry> {
  let long: { L?: string; K?: string } = {};
  for (let at = 0; ;) {
    const head = source.read(at, block);
    if (head.length < block || !checksumHolds(head)) return;
    const size = sizeOf(head);
    const flag = String.fromCharCode(head[156] ?? 0);
    const start = at + block;
    at = start + Math.ceil(size / block) * block;
    if (flag === 'L' || flag === 'K') {
      const text = source.read(start, Math.min(size, 4096)).toString('utf8');
      long[flag] = printable(text.replace(/\0.*$/s, ''));
      continue;
    }
    yield {
      name: long.L ?? nameOf(head),
      type: flag === '\0' ? '0' : flag,
      mode: octal(head, 100, 108) & 0o7777,
      uid: octal(head, 108, 116),
      gid: octal(head, 116, 124),
      link: long.K ?? fieldText(head.subarray(157, 257), 'utf8'),
      at: start,
      size,
    };
    long = {};
  }
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
  return octal(head, 124, 136);
}

function octal(head: Buffer, from: number, to: number): number {
  return Number.parseInt(head.toString('latin1', from, to), 8) || 0;
}

function nameOf(head: Buffer): string {
  const [name, prefix] = [fieldText(head.subarray(0, 100), 'utf8'), fieldText(head.subarray(345, 500), 'utf8')];
  const isUstar = head.toString('latin1', 257, 263) === 'ustar\0';
  return isUstar && prefix !== '' ? `${prefix}/${name}` : name;
}
