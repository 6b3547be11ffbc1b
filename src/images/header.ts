/** The disk formats that are told apart. `vhd` is what QEMU calls vpc; `gzip` and its like hide what is inside. */
export type Format =
  | 'raw'
  | 'qcow2'
  | 'vmdk'
  | 'vhd'
  | 'vhdx'
  | 'vdi'
  | 'iso'
  | 'ami'
  | 'aki'
  | 'ari'
  | 'compressed'
  | 'other';

/**
 * Something a person should know before trusting an image. An `error` makes it unfit: it is damaged, contradicts itself
 * or reaches outside. `code` is stable, `message` is not.
 */
export type ImageFinding = { level: 'error' | 'warning'; code: string; message: string };

/** A file that an image wants to be read together with it. It is named, and never opened. */
export type Reference = { kind: 'backing file' | 'data file' | 'extent' | 'parent'; name: string };

export type Detail = string | number | boolean | readonly string[];

/** What the header of an image says of it. Sizes are in bytes. `details` have the names of the format's own specification. */
export type Header = {
  format: Format;
  /** The variant within the format: `streamOptimized`, `dynamic`. */
  subformat?: string;
  /** The size of the disk that a guest sees. */
  virtualSize?: number;
  details: Readonly<Record<string, Detail>>;
  references: readonly Reference[];
  findings: readonly ImageFinding[];
};

/** Reads the header of one format; undefined when the file is not of that format. Never throws, whatever the bytes. */
export type Parser = (source: ByteSource) => Header | undefined;

/** An image to read from: `read` returns what there is between `offset` and `offset + length`, at most 1 MiB. */
export type ByteSource = { size: number; read: (offset: number, length: number) => Buffer };

/** What one read returns at most, in bytes: no length that a file states is ever allocated as it is. */
const readLimit = 2 ** 20;

/**
 * A source over anything that can be read at a position. Offsets that lie outside, or are no whole numbers, give
 * nothing, so a parser can pass on what a header says.
 */
export function openSource(size: number, readAt: (offset: number, length: number) => Buffer): ByteSource {
  return {
    size,
    read: (offset, length) => {
      if (!Number.isSafeInteger(offset) || offset < 0 || offset >= size || !(length > 0)) return Buffer.alloc(0);
      return readAt(offset, Math.min(Math.floor(length), readLimit, size - offset));
    },
  };
}

/** What there is between `offset` and `offset + length`, in as many reads as that takes. The caller bounds the length. */
export function readLong(source: ByteSource, offset: number, length: number): Buffer {
  const pieces: Buffer[] = [];
  for (let done = 0; done < length;) {
    const piece = source.read(offset + done, length - done);
    if (piece.length === 0) break;
    pieces.push(piece);
    done += piece.length;
  }
  return Buffer.concat(pieces);
}

/** A source over bytes in memory. */
export function bufferSource(bytes: Buffer): ByteSource {
  return openSource(bytes.length, (offset, length) => bytes.subarray(offset, offset + length));
}

/** A 64-bit number as a JavaScript one. Above 2^53 it is not exact, which only sizes that lie reach. */
type ByteOrder = { u16: FieldReader; u32: FieldReader; u64: FieldReader };
type FieldReader = (bytes: Buffer, at: number) => number;

/** Reads big-endian fields; what lies beyond the end of the bytes is 0. */
export const big: ByteOrder = {
  u16: (bytes, at) => (at >= 0 && at + 2 <= bytes.length ? bytes.readUInt16BE(at) : 0),
  u32: (bytes, at) => (at >= 0 && at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0),
  u64: (bytes, at) => (at >= 0 && at + 8 <= bytes.length ? Number(bytes.readBigUInt64BE(at)) : 0),
};

/** Reads little-endian fields; what lies beyond the end of the bytes is 0. */
export const little: ByteOrder = {
  u16: (bytes, at) => (at >= 0 && at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0),
  u32: (bytes, at) => (at >= 0 && at + 4 <= bytes.length ? bytes.readUInt32LE(at) : 0),
  u64: (bytes, at) => (at >= 0 && at + 8 <= bytes.length ? Number(bytes.readBigUInt64LE(at)) : 0),
};

/** Whether bytes at a place are these ASCII characters. */
export function isText(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('latin1', at, at + text.length) === text;
}

export function error(code: string, message: string): ImageFinding {
  return { level: 'error', code, message };
}

export function warning(code: string, message: string): ImageFinding {
  return { level: 'warning', code, message };
}

/** Whether a finding keeps other programs from an image. What only the Image service refuses does not: a conversion mends it. */
export function isHarmful({ level, code }: ImageFinding): boolean {
  return level === 'error' && code !== 'extended-l2';
}

/** Larger than any disk a cloud offers; sizes beyond it come from a damaged or a hostile header. */
const sizeLimit = 2 ** 50;

/** Finds a disk size that cannot be right. `size` is in bytes. */
export function sizeFindings(size: number): ImageFinding[] {
  if (size === 0) return [error('size', 'the header gives the disk a size of 0')];
  if (size > sizeLimit) {
    return [error('size', `the header says that the disk has ${size} bytes, more than 1 PiB: that cannot be right`)];
  }
  return size % 512 === 0 ? [] : [warning('size', `the size of the disk, ${size} bytes, is not a multiple of 512`)];
}
