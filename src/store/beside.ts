import { link, lstat, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFull, messageOf, VmkilnError } from '../errors.ts';
import { checkForFile, diskFull, syncFolder, takesData } from './files.ts';
import { isAlive, ownIdentity } from './process.ts';

/**
 * Makes files that appear whole or not at all: `make` writes them, by their last names, into a folder beside them; then
 * they are synced and moved to their places, in order. The folder goes, whatever happens; one that a killed process of
 * this host left goes with the next call. `paths` are in one folder.
 *
 * @param replace whether files that are there already may be replaced.
 * @throws VmkilnError USAGE when there is such a file, something that is no file, or no such folder; DISK_FULL; what `make`
 *   throws.
 */
export async function makeBeside<T>(
  paths: readonly string[],
  replace: boolean,
  make: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = dirname(paths[0] ?? '.');
  for (const path of paths) await checkPlace(path, replace);
  await removeDead(folder);
  const { pid, startTime } = ownIdentity();
  const temporary = await mkdtemp(join(folder, `.vmkiln-${hostname()}-${pid}-${startTime}-`)).catch(
    (cause: unknown) => {
      throw isFull(cause) ? diskFull(folder, cause) : unwritable(folder, cause);
    },
  );
  const ended = new AbortController();
  try {
    void syncMeanwhile(
      paths.map((path) => join(temporary, basename(path))),
      ended.signal,
    );
    const result = await make(temporary);
    for (const path of paths) await sync(join(temporary, basename(path)));
    for (const path of paths) await move(join(temporary, basename(path)), path, replace);
    await syncFolder(folder);
    return result;
  } catch (cause) {
    throw (await isForWantOfSpace(cause, temporary)) ? diskFull(folder, cause) : cause;
  } finally {
    ended.abort();
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Every second, sends to the disk what there is of files that are being made: the last sync has little left to do. */
async function syncMeanwhile(paths: readonly string[], ended: AbortSignal): Promise<void> {
  while (await sleep(1000, true, { signal: ended, ref: false }).catch(() => false)) {
    for (const path of paths) await sync(path).catch(() => undefined);
  }
}

/** The folder may be shared with other hosts, whose processes cannot be seen. */
async function removeDead(folder: string): Promise<void> {
  const { bootId } = ownIdentity();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, host, pid, startTime = ''] = /^\.vmkiln-(.+)-(\d+)-(\d+)-\w{6}$/.exec(name) ?? [];
    if (host !== hostname() || isAlive({ pid: Number(pid), startTime, bootId })) continue;
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function checkPlace(path: string, replace: boolean): Promise<void> {
  await checkForFile(path);
  const there = await lstat(path).catch(() => undefined);
  if (there && !replace) throw taken(path);
}

/**
 * Whether a failure came from a full disk. Not every program says so: for a streamed VMDK, qemu-img finds that an argument
 * is invalid.
 */
async function isForWantOfSpace(cause: unknown, folder: string): Promise<boolean> {
  if (isFull(cause)) return true;
  if (!(cause instanceof VmkilnError)) return false;
  return cause.code === 'DISK_FULL' || (cause.code === 'COMMAND_FAILED' && !(await takesData(folder)));
}

/** A rename would replace a file that came in the meantime; a link does not. */
async function move(from: string, to: string, replace: boolean): Promise<void> {
  if (replace) return rename(from, to);
  await link(from, to).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') throw taken(to);
    // A filesystem without links, such as that of a USB stick.
    return rename(from, to);
  });
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

function taken(path: string): VmkilnError {
  return new VmkilnError('USAGE', `${path} is there already`, { hint: 'choose another with --out, or add --force' });
}

function unwritable(folder: string, cause: unknown): VmkilnError {
  return new VmkilnError('USAGE', `cannot write into ${folder}: ${messageOf(cause)}`, {
    hint:
      folder === tmpdir()
        ? 'set TMPDIR to a folder that is there and that you may write into'
        : 'choose a file in another folder with --out',
    cause,
  });
}
