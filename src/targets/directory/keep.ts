import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../../errors.ts';
import { digestFile } from '../../store/digest.ts';
import { syncFolder, writeAtomic } from '../../store/files.ts';
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

/**
 * Runs `body` with a copy of a published image, ready to be named in the index by `settle`. A copy that a channel has
 * already is taken. Either is read, so that the copy has the digest that was verified, and a damaged one is made anew.
 *
 * @throws VmkilnError TARGET_FAILED, DISK_FULL, INTERRUPTED.
 */
export async function withCopy<T>(
  folder: string,
  index: Index,
  image: IndexEntry,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
  body: (settle: () => Promise<IndexEntry>) => Promise<T>,
): Promise<T> {
  const kept = channelEntries(index).find(({ sha256 }) => sha256 === image.sha256);
  if (kept && (await isIntact(folder, kept))) {
    progress(`reading ${kept.file}`);
    if ((await digestFile(join(folder, kept.file), signal)) === kept.sha256) return body(async () => plain(kept));
  }
  await removeDeadPartials(folder, image.name);
  const temporary = join(folder, `.${image.name}.channel-${process.pid}.partial`);
  return withFileLock(temporary, { signal, create: true }, async () => {
    try {
      const documents = await readDocuments(folder, image);
      progress(`copying ${image.file}`);
      await exec({ ...copySparse(join(folder, image.file), temporary, copyTimeout), signal });
      if ((await digestFile(temporary, signal)) !== image.sha256) throw changed(image.file);
      const file = await open(temporary, 'r');
      try {
        await file.chmod(0o444);
        await file.sync();
      } finally {
        await file.close();
      }
      return await body(() => settle(folder, image, temporary, { documents, kept }));
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

function changed(file: string): VmkilnError {
  return new VmkilnError('TARGET_FAILED', `${file} is not what it was when it was published`, {
    hint: 'it was written to since, for instance by a guest that booted from it: publish it again',
  });
}

/** Under the folder's lock. What a kill leaves before the index is written is written over by the next promotion. */
async function settle(
  folder: string,
  image: IndexEntry,
  temporary: string,
  { documents, kept }: { documents: readonly ImageDocument[]; kept: IndexEntry | undefined },
): Promise<IndexEntry> {
  const file = fileOfCopy(image);
  // Other channels may have the copy whose place this one takes, and know it by its time.
  if (kept?.file === file) await utimes(temporary, new Date(kept.createdAt), new Date(kept.createdAt));
  const createdAt = (await stat(temporary)).mtime.toISOString();
  await rename(temporary, join(folder, file));
  await syncFolder(folder);
  await writeAtomic(join(folder, `${file}.sha256`), checksumLine(image.sha256, file));
  const laid = await layDocuments(folder, file, documents);
  return { ...plain(image), file, createdAt, documents: laid };
}

/** An entry without what a channel says of it. */
function plain(entry: IndexEntry & Partial<ChannelEntry>): IndexEntry {
  const { generation: _, since: _since, signedBy: _signedBy, leftAt: _leftAt, ...rest } = entry;
  return rest;
}

/** The texts about an image, as the index names them. */
async function readDocuments(folder: string, { file, documents = {} }: IndexEntry): Promise<ImageDocument[]> {
  const all = Object.entries(documents).filter(
    ([, each]) => each.file.startsWith(`${file}.`) && !each.file.includes('/'),
  );
  return Promise.all(
    all.map(async ([kind, { file: name, sha256 }]) => {
      return { kind, suffix: name.slice(file.length), text: await readFile(join(folder, name), 'utf8'), sha256 };
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
