import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, open, readdir, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isFull, VmkilnError } from '../errors.ts';
import { formatBytes } from '../text.ts';

/** The number is the pid of the writer. */
const temporaryName = /^\.vmkiln-(\d+)-[0-9a-f]{16}\.tmp$/;

/**
 * Refuses a place that no file may take: that of a device, a pipe, a folder, or a link to one of them.
 *
 * @throws VmkilnError USAGE.
 */
export async function checkForFile(path: string): Promise<void> {
  const link = await lstat(path).catch(() => undefined);
  const there = link?.isSymbolicLink() ? await stat(path).catch(() => undefined) : link;
  // What /dev/stdout leads to may well be a file.
  const isStream = link?.isSymbolicLink() && (await readlink(path)).startsWith('/proc/');
  if (!isStream && (!there || there.isFile())) return;
  throw new VmkilnError('USAGE', `${path} is ${there?.isDirectory() ? 'a folder' : 'no regular file'}`, {
    hint: 'name a file: it is made whole under another name, and then moved to its place',
  });
}

/**
 * Writes a whole file so that a reader, or a power cut, finds the old text or the new one and never a part.
 *
 * @param mode permissions of the file, whatever the umask.
 * @throws VmkilnError USAGE when something is there that is no file, DISK_FULL; other errors of the filesystem as they are.
 */
export async function writeAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await checkForFile(path);
  const folder = dirname(path);
  const temporary = join(folder, `.vmkiln-${process.pid}-${randomBytes(8).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(data);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw isFull(error) ? diskFull(folder, error) : error;
  }
}

/** Makes the names in a folder (after a rename, a removal) survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what `writeAtomic` left in a folder when it was killed. Call it under the lock that every writer there takes. */
export async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (temporaryName.test(name)) await rm(join(folder, name), { force: true });
  }
}

/** The allocated bytes of every file and folder below a folder, by path: what a sparse file really takes. */
export async function fileSizes(folder: string): Promise<Map<string, number>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      return found ? [[path, found.blocks * 512] as const] : [];
    }),
  );
  return new Map(sizes.flat());
}

/** The bytes that new files take and that others have grown by; what became smaller gives nothing back. */
export function grownBytes(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  return [...after].reduce((sum, [path, bytes]) => sum + Math.max(0, bytes - (before.get(path) ?? 0)), 0);
}

/** Removes what `writeAtomic` left in a folder when it was killed. Those of living writers stay, so no lock is needed. */
export async function removeDeadTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = temporaryName.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(folder, name), { force: true });
  }
}

/** Whether there is room for another MiB in a folder: a file of that size is written there, and removed. */
export async function takesData(folder: string): Promise<boolean> {
  const path = join(folder, '.vmkiln-room');
  try {
    await writeFile(path, Buffer.alloc(2 ** 20, 1), { flag: 'wx', flush: true });
    return true;
  } catch (error) {
    return !isFull(error);
  } finally {
    await rm(path, { force: true });
  }
}

/** The error for a folder without room. `needed` and `free` are in bytes. */
export function diskFull(folder: string, cause?: unknown, room?: { needed: number; free: number }): VmkilnError {
  const numbers = room ? `: ${formatBytes(room.needed, 'up')} needed, ${formatBytes(room.free, 'down')} free` : '';
  return new VmkilnError('DISK_FULL', `no space left in ${folder}${numbers}`, {
    hint: 'free some space there, or choose a folder on another disk (`vmkiln clean --cache` removes checkpoints)',
    cause,
  });
}
