import { constants, readSync, type BigIntStats } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { type Identity, identityOf, isSame } from '../store/identity.ts';
import { openSource } from './header.ts';
import type { ByteSource } from './header.ts';

/** An image file that is open. `size` and `allocated` are in bytes. */
export type ImageFile = {
  /** As it was given: the last part of a path. A link may have another name than what it leads to. */
  name: string;
  /** Absolute, without links. */
  path: string;
  /** A path of this very file, whatever takes its place in its folder: for programs that this process starts (proc(5)). */
  open: string;
  size: number;
  allocated: number;
  identity: Identity;
  source: ByteSource;
};

/**
 * Opens an image for reading and passes it to `use`. Only a regular file is an image here: a pipe would block, and a
 * device has no size to compare with its header. Afterwards it is looked at again: what was found out about it holds only if
 * it is still the same file and nobody has written to it.
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
  const opened = `/proc/${process.pid}/fd/${handle.fd}`;
  // An absolute path cannot be taken for a protocol (`nbd:…`, `json:…`) or an option.
  const path = resolve(await realpath(image).catch(() => image));
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      const isDevice = stats.isBlockDevice() || stats.isCharacterDevice();
      throw new VmkilnError('USAGE', `${image} is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}`, {
        hint: isDevice
          ? 'copy what is on a device to a file first: qemu-img convert -f raw -O qcow2 DEVICE FILE'
          : 'give the path of an image file',
      });
    }
    const [size, allocated] = [Number(stats.size), Number(stats.blocks) * 512];
    const source = openSource(size, (offset, length) => {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(handle.fd, bytes, 0, length, offset));
    });
    const identity = identityOf(stats);
    const lookAgain = async () => {
      const there = await stat(image, { bigint: true }).catch(() => undefined);
      if (there && isSame(identity, there) && isSame(identity, await handle.stat({ bigint: true }))) return;
      throw changed(image, size, there);
    };
    const file = { name: basename(image), path, open: opened, size, allocated, identity, source };
    const result = await use(file).catch(async (cause: unknown) => {
      // That is why a program could not read it.
      if (cause instanceof VmkilnError && cause.code === 'COMMAND_FAILED') await lookAgain();
      throw cause;
    });
    await lookAgain();
    return result;
  } catch (error) {
    // Programs tell of the path that they were given.
    if (error instanceof Error) error.message = error.message.replaceAll(opened, path);
    throw error;
  } finally {
    await handle.close();
  }
}

function changed(image: string, size: number, now: BigIntStats | undefined): VmkilnError {
  const sizes = now && Number(now.size) !== size ? `: it had ${size} bytes, and has ${now.size}` : '';
  const what = now ? `changed while it was read${sizes}` : 'was removed while it was read';
  return new VmkilnError('INPUT_CHANGED', `${image} ${what}`, {
    hint: 'wait until nothing writes to it any more (a download, a running guest), and run the command again',
  });
}
