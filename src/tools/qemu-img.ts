import type { Arg, Command, Host } from '../model.ts';
import type { Call } from './exec.ts';

/** A new, empty qcow2 of `size` bytes. */
export function createDisk(path: Arg, size: number): Command {
  return { program: 'qemu-img', args: ['create', '-q', '-f', 'qcow2', path, String(size)], timeout: 60 };
}

/**
 * A qcow2 that holds only what changes on top of `backing`: the layer below stays as it is. `size` in bytes makes the
 * disk larger than that of the layer below.
 */
export function createOverlay(path: Arg, backing: Arg, size?: number): Command {
  return {
    program: 'qemu-img',
    args: [
      ...['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, path],
      ...(size === undefined ? [] : [String(size)]),
    ],
    timeout: 60,
  };
}

/**
 * A flat copy without backing file. `-W` lets `-m` coroutines write out of order, which is what makes compression
 * use more than one core; the file's bytes then differ between runs, its contents do not.
 */
export function flattenDisk(
  from: Arg,
  to: Arg,
  output: { format: 'qcow2' | 'raw'; compression: 'zlib' | 'zstd' | 'none' },
  host: Host,
): Command {
  const compressed = output.format === 'qcow2' && output.compression !== 'none';
  return {
    program: 'qemu-img',
    args: [
      'convert',
      { sure: '-f' },
      { sure: 'qcow2' },
      '-p',
      '-W',
      '-m',
      { host: String(Math.min(16, Math.max(8, host.cores))) },
      '-O',
      output.format,
      ...(compressed ? ['-c'] : []),
      ...(compressed && output.compression === 'zstd' ? ['-o', 'compression_type=zstd'] : []),
      from,
      to,
    ],
    timeout: 4 * 3600,
  };
}

/** The fraction done, from a line of `qemu-img convert -p`: "    (12.50/100%)". */
export function convertProgress(line: string): number | undefined {
  const match = /\(([\d.]+)\/100%\)/.exec(line);
  return match ? Number(match[1]) / 100 : undefined;
}

/** Bytes of address space for qemu-img with an image that nobody vouches for: what a conversion takes, and tables of 1 GiB. */
const addressSpace = 4 * 2 ** 30;
const day = 24 * 3600;

/** For work on a whole disk, of `size` bytes: what the slowest of machines takes for it, and no more than a day. */
function wholeDisk(size: number): Pick<Call, 'timeout' | 'confined'> {
  const timeout = Math.min(day, 600 + size / 2 ** 20);
  return { timeout, confined: { addressSpace, processorTime: timeout } };
}

/** QEMU's name of a disk format; the others are the same. */
function qemuFormat(format: string): string {
  if (format === 'vhd') return 'vpc';
  return format === 'iso' || format === 'ami' ? 'raw' : format;
}

/**
 * Copies part of the disk in an image to a raw file, within limits of memory and CPU time, and without a backing file.
 * Bytes, in whole sectors of 512.
 */
export function diskRange(image: string, format: string, range: { start: number; length: number }, to: string): Call {
  // In one read where that is possible: a hostile image can make each of them unpack a large part of it again.
  const block = range.start % range.length === 0 ? range.length : 512;
  const skip = range.start / block;
  const from = imageOptions(image, format);
  // dd of qemu-img counts `count` from the beginning of the disk, whatever it skips.
  const words = [`bs=${block}`, `skip=${skip}`, `count=${skip + range.length / block}`, `if=${from}`, `of=${to}`];
  return {
    program: 'qemu-img',
    args: ['dd', '-O', 'raw', ...words],
    timeout: 60,
    confined: { addressSpace: 2 * 2 ** 30, processorTime: 30 },
  };
}

/**
 * An image as QEMU's pseudo-protocol `json:` names it, in place of a file name: nothing is left to guess, and no backing
 * file is opened, whatever the image says, unless `backing` allows it. `range`, in bytes, takes a part of the disk as a
 * disk of its own.
 */
export function imageOptions(
  path: string,
  format: string,
  { range, backing = false }: { range?: { start: number; size: number }; backing?: boolean } = {},
): string {
  const driver = qemuFormat(format);
  const image = {
    driver,
    // Otherwise the size follows from the geometry, which rounds, when QEMU does not know who wrote the VHD.
    ...(driver === 'vpc' && { force_size_calc: 'current_size' }),
    ...(!backing && { backing: null }),
    file: { driver: 'file', filename: path },
  };
  const part = range && { driver: 'raw', offset: range.start, size: range.size, file: image };
  return `json:${JSON.stringify(part ?? image)}`;
}

/**
 * An overlay for tools that cannot be told about backing files themselves. `image` is named as `imageOptions` does; `size` in bytes
 * makes the disk larger than the image's.
 */
export function coverImage(image: string, format: string, overlay: string, size?: number): Call {
  const grown = size === undefined ? [] : [String(size)];
  return {
    program: 'qemu-img',
    args: ['create', '-q', '-f', 'qcow2', '-F', qemuFormat(format), '-b', image, overlay, ...grown],
    timeout: 60,
  };
}

/**
 * Writes what `from` (see `imageOptions`), a disk of `size` bytes, holds into a new image. It prints its progress. Out of order only into a qcow2:
 * a streamed VMDK is read from its start to its end.
 */
export function writeImage(
  from: string,
  to: string,
  output: { format: string; options: readonly string[]; compressed: boolean },
  size: number,
): Call {
  return {
    program: 'qemu-img',
    args: [
      ...[
        'convert',
        '-p',
        ...(output.format === 'qcow2' ? ['-W', '-m', '8'] : []),
        from,
        '-O',
        qemuFormat(output.format),
      ],
      ...(output.compressed ? ['-c'] : []),
      ...(output.options.length > 0 ? ['-o', output.options.join(',')] : []),
      to,
    ],
    ...wholeDisk(size),
  };
}

/** Compares the contents of two disks of `size` bytes (see `imageOptions`): status 0 when they are equal, 1 when not. */
export function compareImages(one: string, other: string, size: number): Call {
  return { program: 'qemu-img', args: ['compare', '-p', one, other], ...wholeDisk(size) };
}
