import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isFull, messageOf, VmkilnError } from '../errors.ts';
import { type Progress, transferReporter } from '../media/progress.ts';
import { digestInto } from '../store/digest.ts';
import { checkForFile, diskFull, syncFolder } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import type { Image } from './image-api.ts';
import type { CloudSession } from './keystone.ts';
import { receiveData } from './receive-data.ts';
import { digestAsThere } from './there-digest.ts';

type Saving = { force: boolean; signal: AbortSignal; progress: Progress; note: (message: string) => void };
type WithSize = Image & { size: number };

/** A file that holds the data of an image now; `size` in bytes, `algorithm` that of the digest it was verified by. */
export type Saved = { file: string; size: number; algorithm: string | null; unchanged: boolean };

/**
 * Saves the data of an image in a file. It comes into a part beside it, named after the image, which a later call goes on
 * with; the file itself appears when it is whole and its digest is that of the service.
 *
 * @throws VmkilnError USAGE when there is another file already, DISK_FULL, CLOUD_FAILED, INTERRUPTED (the part stays).
 */
export async function saveImage(session: CloudSession, image: WithSize, path: string, saving: Saving): Promise<Saved> {
  const { signal, progress } = saving;
  const folder = dirname(path);
  const there = await stat(folder).catch(() => undefined);
  if (!there?.isDirectory()) throw usage(`there is no folder ${folder}`, 'make it, or choose another');
  const waiting = () => progress(`waiting for somebody else who saves ${path}`);
  return withLock(folder, `save ${basename(path)}`, { signal, waiting }, async () => {
    if (await isThere(image, path, saving)) return saved(image, path, true);
    const part = `${path}.${image.id}.part`;
    try {
      await bring(session, image, part, saving);
    } catch (error) {
      if (!(error instanceof Restart)) throw error;
      saving.note(`what was there of ${path} is not the beginning of ${image.id}: starting again`);
      await bring(session, image, part, saving);
    }
    await rename(part, path);
    await syncFolder(folder);
    return saved(image, path, false);
  });
}

function saved(image: WithSize, file: string, unchanged: boolean): Saved {
  return { file, size: image.size, algorithm: digestAsThere(image)?.algorithm ?? null, unchanged };
}

/** Whether the file is there with this very data. @throws VmkilnError USAGE for something else in its place */
async function isThere(image: WithSize, path: string, { force, signal, progress }: Saving): Promise<boolean> {
  await checkForFile(path);
  const old = await stat(path).catch(() => undefined);
  if (old === undefined) return false;
  const digest = digestAsThere(image);
  if (old.size === image.size && digest) {
    await digestInto(digest.hash, path, signal, transferReporter(`reading ${path}`, old.size, 0, progress));
    if (digest.isRight()) return true;
  }
  if (force) return false;
  throw usage(`${path} is there already, with other data`, 'choose another file, or add --force');
}

/** What a part began with was of something else. */
class Restart extends Error {}

/** Brings a part to its end, and makes sure of it; what is wrong goes. */
async function bring(session: CloudSession, image: WithSize, part: string, saving: Saving): Promise<void> {
  const { signal, progress, note } = saving;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const file = await open(part, flags, 0o644).catch((cause: unknown) => {
    throw usage(`${part} cannot be written: ${messageOf(cause)}`, 'choose another folder', cause);
  });
  let from = 0;
  const digest = digestAsThere(image);
  try {
    from = await startOf(file, image);
    if (from > 0 && digest) {
      const report = transferReporter(`reading the part of ${image.id} that is there`, from, 0, progress);
      await digestInto(digest.hash, part, signal, report);
    }
    const report = transferReporter(`downloading ${image.id}`, image.size, from, progress);
    let done = from;
    for await (const chunk of receiveData(session, image, { from, signal, note })) {
      digest?.hash.update(chunk);
      await file.writeFile(chunk);
      report((done += chunk.length));
    }
    await file.sync();
  } catch (error) {
    throw isFull(error) ? diskFull(dirname(part), error) : error;
  } finally {
    await file.close();
  }
  if (digest === undefined) return note(`${image.id} has no checksum there: only its size was compared`);
  if (digest.isRight()) return undefined;
  await rm(part, { force: true });
  throw from > 0 ? new Restart() : digest.wrong();
}

/** How much of a part is there already, in bytes. */
async function startOf(file: FileHandle, { size }: WithSize): Promise<number> {
  const stats = await file.stat();
  if (stats.size <= size) return stats.size;
  await file.truncate(0);
  return 0;
}

function usage(message: string, hint: string, cause?: unknown): VmkilnError {
  return new VmkilnError('USAGE', message, { hint, ...(cause !== undefined && { cause }) });
}
