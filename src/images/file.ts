import { constants, readSync, type BigIntStats } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { openSource } from './header.ts';
import type { ByteSource } from './header.ts';

/** An image file that is open. `path` is absolute, as the tools get it; `size` and `allocated` are in bytes. */
export type ImageFile = { path: string; size: number; allocated: number; source: ByteSource };

/**
 * Opens an image for reading and passes it to `use`. Only a regular file is an image here: a pipe would block, and a
 * device has no size to compare with its header. Afterwards it is looked at again: other programs read it by its path, and
 * what was found out about it holds only if it is still the same file and nobody has written to it.
 *
 * @throws VmkilnError USAGE when there is no such file, or it is none; INPUT_CHANGED; what `use` throws.
 */
export async function withImage<T>(image: string, use: (file: ImageFile) => Promise<T>): Promise<T> {
  // Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
  const handle = await open(image, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `cannot read ${image}: ${messageOf(cause)}`, {
      hint: 'give the path of an image file',
      cause,
    });
  });
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      throw new VmkilnError('USAGE', `${image} is not a regular file`, {
        hint: 'copy what is on a device to a file first: qemu-img convert -f raw -O qcow2 DEVICE FILE',
      });
    }
    const [size, allocated] = [Number(stats.size), Number(stats.blocks) * 512];
    const source = openSource(size, (offset, length) => {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(handle.fd, bytes, 0, length, offset));
    });
    // An absolute path cannot be taken for a protocol (`nbd:…`, `json:…`) or an option.
    const path = resolve(await realpath(image));
    const lookAgain = async () => {
      const now = await stat(path, { bigint: true }).catch(() => undefined);
      if (!now || !isSame(stats, now)) throw changed(image, stats, now);
    };
    const result = await use({ path, size, allocated, source }).catch(async (cause: unknown) => {
      // That is why a program could not read it.
      if (cause instanceof VmkilnError && cause.code === 'COMMAND_FAILED') await lookAgain();
      throw cause;
    });
    await lookAgain();
    return result;
  } finally {
    await handle.close();
  }
}

function isSame(before: BigIntStats, now: BigIntStats): boolean {
  return (['dev', 'ino', 'size', 'mtimeNs'] as const).every((key) => before[key] === now[key]);
}

function changed(image: string, before: BigIntStats, now: BigIntStats | undefined): VmkilnError {
  const sizes = now && now.size !== before.size ? `: it had ${before.size} bytes, and has ${now.size}` : '';
  const what = now ? `changed while it was read${sizes}` : 'was removed while it was read';
  return new VmkilnError('INPUT_CHANGED', `${image} ${what}`, {
    hint: 'wait until nothing writes to it any more (a download, a running guest), and run the command again',
  });
}
