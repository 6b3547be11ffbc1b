import { constants, readSync } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { openSource } from './header.ts';
import type { ByteSource } from './header.ts';

/** An image file that is open. `path` is absolute, as the tools get it; `size` and `allocated` are in bytes. */
export type ImageFile = { path: string; size: number; allocated: number; source: ByteSource };

/**
 * Opens an image for reading and passes it to `use`. Only a regular file is an image here: a pipe would block, and a
 * device has no size to compare with its header.
 *
 * @throws VmkilnError USAGE when there is no such file, or it is none; what `use` throws.
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
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new VmkilnError('USAGE', `${image} is not a regular file`, {
        hint: 'copy what is on a device to a file first: qemu-img convert -f raw -O qcow2 DEVICE FILE',
      });
    }
    const source = openSource(stats.size, (offset, length) => {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(handle.fd, bytes, 0, length, offset));
    });
    // An absolute path cannot be taken for a protocol (`nbd:…`, `json:…`) or an option.
    const path = resolve(await realpath(image));
    return await use({ path, size: stats.size, allocated: stats.blocks * 512, source });
  } finally {
    await handle.close();
  }
}
