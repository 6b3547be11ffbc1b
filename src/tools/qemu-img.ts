import type { Arg, Command, Host } from '../model.ts';
import { exec } from './exec.ts';

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
export function convert(
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
      '-p',
      '-W',
      '-m',
      { host: String(Math.min(16, Math.max(4, host.cores))) },
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

/** A conversion for another kind of hypervisor or store, in plain words. `options` are those of `-o`. */
export function convertFile(
  from: string,
  fromFormat: string,
  to: string,
  { format, options }: { format: string; options?: string },
): { program: string; args: string[]; timeout: number } {
  const more = options === undefined ? [] : ['-o', options];
  return {
    program: 'qemu-img',
    args: ['convert', '-W', '-m', '4', '-f', fromFormat, '-O', format, ...more, from, to],
    timeout: 4 * 3600,
  };
}

/**
 * The format of an image file, as the Image service calls it.
 *
 * @throws VmkilnError as `exec` does.
 */
export async function imageFormat(path: string, signal: AbortSignal): Promise<string> {
  // -U: a guest may be using it.
  const args = ['info', '-U', '--output=json', path];
  const { stdout } = await exec({ program: 'qemu-img', args, timeout: 60, signal });
  const { format } = JSON.parse(stdout) as { format: string };
  return format === 'vpc' ? 'vhd' : format;
}
