import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../../errors.ts';
import { digestFile } from '../../store/digest.ts';
import { diskFull, syncFolder, writeAtomic } from '../../store/files.ts';
import { withFileLock } from '../../store/file-lock.ts';
import { copySparse } from '../../tools/cp.ts';
import { exec } from '../../tools/exec.ts';
import { removeDeadPartials } from './publish.ts';
import type { ImageDocument } from '../target.ts';
import { layDocuments } from './documents.ts';
import { checksumLine, type ChannelEntry, type Index, type IndexEntry, isIntact, readWhole } from './index-file.ts';

/** Seconds a copy may take: a terabyte to a slow disk. */
const copyTimeout = 6 * 3600;
/** How long the file of an image stays that has left its last channel, in milliseconds: somebody may be reading it. */
const grace = 24 * 3600_000;

/** All images that the channels of a folder speak of. */
export function channelEntries({ channels }: Index): ChannelEntry[] {
  return Object.values(channels).flatMap(({ image, earlier, left }) => [
    ...(image ? [image] : []),
    ...earlier,
    ...left,
  ]);
}

/** All images that the index of a folder lists, those of its channels too. @throws VmkilnError as `readWhole` does */
export async function allEntries(folder: string): Promise<IndexEntry[]> {
  const index = await readWhole(folder);
  return [...index.images, ...channelEntries(index)];
}

/** What the copy of an image is called that channels have: the next publication of its name does not touch it. */
function fileOfCopy({ name, sha256, format }: IndexEntry): string {
  return `${name}.${sha256.slice(0, 12)}.${format}`;
}

/** Thrown by `settle` when the copy that was read was removed before the lock was there. */
const gone = Symbol('gone');

/**
 * Runs `body` with a copy of a published image, ready to be named in the index by `settle`. A copy that a channel has
 * already is taken, with what is said of the image now. Either is read, so that the copy has the digest that was verified, and a damaged one is made anew.
 * `body` is run again with another copy where the one that was read is removed meanwhile, since its time was over.
 *
 * @throws VmkilnError TARGET_FAILED, CHANNEL_REFUSED, DISK_FULL, INTERRUPTED.
 */
export async function withCopy<T>(
  folder: string,
  index: Index,
  image: IndexEntry,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
  body: (settle: (now: Index) => Promise<IndexEntry>) => Promise<T>,
): Promise<T> {
  const kept = channelEntries(index).find(({ sha256 }) => sha256 === image.sha256);
  if (kept && (await isIntact(folder, kept))) {
    progress(`reading ${kept.file}`);
    if ((await digestFile(join(folder, kept.file), signal)) === kept.sha256) {
      const settleKept = async (now: Index) => {
        if (!(await isIntact(folder, kept))) throw gone;
        return { ...plain(kept), documents: await describeAnew(folder, now, image, kept) };
      };
      try {
        return await body(settleKept);
      } catch (error) {
        if (error !== gone) throw error;
      }
    }
  }
  await removeDeadPartials(folder, image.name);
  const temporary = join(folder, `.${image.name}.channel-${process.pid}.partial`);
  return withFileLock(temporary, { signal, create: true }, async () => {
    try {
      const documents = await readDocuments(folder, image);
      progress(`copying ${image.file}`);
      await copy(folder, image, temporary, signal);
      return await body((now) => settle(folder, image, temporary, { documents, now }));
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/**
 * Puts what is said of an image now beside the copy that is kept of it: it may have been signed since. What a channel asked a signature of stays.
 *
 * @returns what lies beside the copy, for all that have it.
 */
async function describeAnew(
  folder: string,
  now: Index,
  image: IndexEntry,
  kept: IndexEntry,
): Promise<IndexEntry['documents']> {
  const have = channelEntries(now).filter(({ file }) => file === kept.file);
  const isSigned = have.some(({ signedBy }) => signedBy !== undefined);
  if (image.documents === undefined || image.file === kept.file || isSigned) return have[0]?.documents;
  return layDocuments(folder, kept.file, await readDocuments(folder, image));
}

/** The index, with what lies beside a copy now for all channels that have it. Pure. */
export function describedAs(index: Index, { file, documents }: IndexEntry): Index {
  const described = (entry: ChannelEntry) => (entry.file === file ? { ...entry, documents } : entry);
  const channels = Object.entries(index.channels).map(([name, { image, earlier, left, ...rest }]) => [
    name,
    { ...rest, image: image && described(image), earlier: earlier.map(described), left: left.map(described) },
  ]);
  return { ...index, channels: Object.fromEntries(channels) as Index['channels'] };
}

/** Copies an image, and brings the copy to the disk, read-only. */
async function copy(folder: string, image: IndexEntry, temporary: string, signal: AbortSignal): Promise<void> {
  try {
    await exec({ ...copySparse(join(folder, image.file), temporary, copyTimeout), signal });
  } catch (error) {
    // The tool's own advice is about the state folder, not about this one.
    if (error instanceof VmkilnError && error.code === 'DISK_FULL') throw diskFull(folder, error);
    throw (await isIntact(folder, image)) ? error : await whyChanged(folder, image);
  }
  if ((await digestFile(temporary, signal)) !== image.sha256) throw await whyChanged(folder, image);
  const file = await open(temporary, 'r');
  try {
    await file.chmod(0o444);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Why a file is not what the index said of it when somebody began to promote it. */
export async function whyChanged(
  folder: string,
  { file, sha256 }: Pick<IndexEntry, 'file' | 'sha256'>,
): Promise<VmkilnError> {
  const now = (await allEntries(folder)).find((each) => each.file === file);
  if (now && now.sha256 === sha256) {
    return new VmkilnError('TARGET_FAILED', `${join(folder, file)} is not what it was when it was published`, {
      hint: 'it was written to since, for instance by a guest that booted from it: publish it again',
    });
  }
  return new VmkilnError(
    'CHANNEL_REFUSED',
    now
      ? `another image was published as ${file} while this one was promoted`
      : `${file} was removed while it was promoted`,
    { hint: now ? 'look at that one, and promote it' : 'vmkiln channels shows what is there' },
  );
}

/** Under the folder's lock. What a kill leaves before the index is written is written over by the next promotion. */
async function settle(
  folder: string,
  image: IndexEntry,
  temporary: string,
  { documents, now }: { documents: readonly ImageDocument[]; now: Index },
): Promise<IndexEntry> {
  const file = fileOfCopy(image);
  // Other channels may have the copy whose place this one takes, since it was damaged or made meanwhile, and know it by its time.
  const there = channelEntries(now).find((each) => each.file === file);
  if (there) await utimes(temporary, new Date(there.createdAt), new Date(there.createdAt));
  const createdAt = (await stat(temporary)).mtime.toISOString();
  await rename(temporary, join(folder, file));
  try {
    await syncFolder(folder);
    await writeAtomic(join(folder, `${file}.sha256`), checksumLine(image.sha256, file));
    const laid = await layDocuments(folder, file, documents);
    return { ...plain(image), file, createdAt, documents: laid };
  } catch (error) {
    await removeUnnamed(folder, file);
    throw error;
  }
}

/** Under the folder's lock: removes the copy of a promotion that failed after all, on a full disk for instance, unless the index names it. */
export async function removeUnnamed(folder: string, file: string): Promise<void> {
  if ((await allEntries(folder)).some((entry) => entry.file === file)) return;
  for (const name of await readdir(folder))
    if (name === file || name.startsWith(`${file}.`)) await rm(join(folder, name), { force: true });
}

/** An entry without what a channel says of it. */
function plain(entry: IndexEntry & Partial<ChannelEntry>): IndexEntry {
  const { generation: _, since: _since, signedBy: _signedBy, leftAt: _leftAt, ...rest } = entry;
  return rest;
}

/** The texts about an image, as the index names them. @throws VmkilnError TARGET_FAILED for one that is gone, or was changed */
async function readDocuments(folder: string, image: IndexEntry): Promise<ImageDocument[]> {
  const { file, documents = {} } = image;
  const all = Object.entries(documents).filter(
    ([, each]) => each.file.startsWith(`${file}.`) && !each.file.includes('/'),
  );
  return Promise.all(
    all.map(async ([kind, { file: name, sha256 }]) => {
      const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
      if (text !== undefined && createHash('sha256').update(text).digest('hex') === sha256)
        return { kind, suffix: name.slice(file.length), text, sha256 };
      if (!(await isIntact(folder, image))) throw await whyChanged(folder, image);
      const what = text === undefined ? 'is gone' : 'is not what it was when it was published';
      throw new VmkilnError('TARGET_FAILED', `${join(folder, name)} ${what}`, {
        hint: `publish ${file} again, with what is said of it`,
      });
    }),
  );
}

/** Takes those out of the index that left their channel long ago, and removes the files of those that no channel has any more. */
export async function forgetLeft(folder: string, index: Index, now: number): Promise<Index> {
  const isOver = ({ leftAt }: ChannelEntry) => leftAt !== undefined && now - Date.parse(leftAt) > grace;
  const channels = Object.fromEntries(
    Object.entries(index.channels).map(([name, channel]) => [
      name,
      { ...channel, left: channel.left.filter((each) => !isOver(each)) },
    ]),
  );
  const rest = { ...index, channels };
  const named = new Set([...channelEntries(rest), ...index.images].map(({ file }) => file));
  for (const entry of channelEntries(index)) {
    // The index may be anybody's by now: nothing but such copies goes.
    if (named.has(entry.file) || entry.file !== fileOfCopy(entry) || entry.file.includes('/')) continue;
    const beside = Object.values(entry.documents ?? {}).map(({ file }) => file);
    for (const file of [
      entry.file,
      `${entry.file}.sha256`,
      ...beside.filter((each) => each.startsWith(`${entry.file}.`) && !each.includes('/')),
    ]) {
      await rm(join(folder, file), { force: true });
    }
  }
  return rest;
}
