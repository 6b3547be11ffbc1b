import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFull, messageOf, VmkilnError } from '../errors.ts';

/**
 * Makes a folder for temporary files in `parent`, by default where TMPDIR says, which goes whatever `use` does with it.
 *
 * @throws VmkilnError HOST_UNFIT when it cannot be made, DISK_FULL; what `use` throws.
 */
export async function withTemporary<T>(
  prefix: string,
  use: (folder: string) => Promise<T>,
  parent = tmpdir(),
): Promise<T> {
  const folder = await mkdtemp(join(parent, prefix)).catch((cause: unknown) => {
    if (isFull(cause)) throw temporaryFull(parent, cause);
    throw new VmkilnError('HOST_UNFIT', `there can be no temporary files in ${parent}: ${messageOf(cause)}`, {
      hint: 'set TMPDIR to a folder that is there and that you may write into',
      cause,
    });
  });
  try {
    return await use(folder);
  } catch (cause) {
    const full = isFull(cause) || (cause instanceof VmkilnError && cause.code === 'DISK_FULL');
    throw full ? temporaryFull(parent, cause) : cause;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function temporaryFull(parent: string, cause: unknown): VmkilnError {
  return new VmkilnError('DISK_FULL', `no space left for temporary files, which are in ${parent}`, {
    hint: 'free some space there, or set TMPDIR to a folder on another disk',
    cause,
  });
}
