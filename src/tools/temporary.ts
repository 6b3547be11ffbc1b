import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFull, messageOf, VmkilnError } from '../errors.ts';

/** Milliseconds without a change after which a folder is nobody's whose process is not to be seen: it may run in another container. */
const quiet = 600_000;

/**
 * Makes a folder for temporary files in `parent`, by default where TMPDIR says, which goes whatever `use` does with it. What a process that was
 * killed left there under the same prefix goes too.
 *
 * @throws VmkilnError HOST_UNFIT when it cannot be made, DISK_FULL; what `use` throws.
 */
export async function withTemporary<T>(
  prefix: string,
  use: (folder: string) => Promise<T>,
  parent = tmpdir(),
): Promise<T> {
  await removeDead(parent, prefix).catch(() => undefined);
  const folder = await mkdtemp(join(parent, `${prefix}${process.pid}-`)).catch((cause: unknown) => {
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

async function removeDead(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const folder = join(parent, name);
    const paths = [folder, ...(await readdir(folder, { recursive: true })).map((inside) => join(folder, inside))];
    const times = await Promise.all(
      paths.map((path) =>
        stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      ),
    );
    if (Math.max(...times) < Date.now() - quiet) await rm(folder, { recursive: true, force: true });
  }
}

function temporaryFull(parent: string, cause: unknown): VmkilnError {
  return new VmkilnError('DISK_FULL', `no space left for temporary files, which are in ${parent}`, {
    hint: 'free some space there, or set TMPDIR to a folder on another disk',
    cause,
  });
}
