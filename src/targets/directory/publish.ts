import { access, constants, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isFull, messageOf, VmkilnError } from '../../errors.ts';
import type { Published } from '../../model.ts';
import { diskFull, removeDeadTemporaries, removeTemporaries, syncFolder, writeAtomic } from '../../store/files.ts';
import { makeFolders } from '../../store/paths.ts';
import { withFileLock } from '../../store/file-lock.ts';
import { copySparse } from '../../tools/cp.ts';
import { checksumLine, findPublished, type IndexEntry, readIndex, updateIndex } from './index-file.ts';
import type { DirectorySpec } from './directory.ts';
import { sameFile } from '../same-file.ts';
import { layDocuments } from './documents.ts';
import { firstIn, serialIn } from './order.ts';
import type { ImageToPublish, Looking, TargetContext } from '../target.ts';

/** Seconds a copy may take: a terabyte to a slow disk. */
const copyTimeout = 6 * 3600;

const notWritable =
  'correct its permissions, or choose another folder: `upload` of the recipe, or --out of a command that has it';

/** Whether the folder, or the nearest one above it that is there, can be written, and its index be read. @throws VmkilnError TARGET_FAILED */
export async function check(spec: DirectorySpec, { cwd }: Looking): Promise<void> {
  let folder = resolve(cwd, spec.path);
  await readIndex(folder);
  while (!(await stat(folder).catch(() => undefined))) folder = dirname(folder);
  const usable =
    (await stat(folder)).isDirectory() &&
    (await access(folder, constants.W_OK).then(
      () => true,
      () => false,
    ));
  if (usable) return;
  throw new VmkilnError(
    'TARGET_FAILED',
    `images cannot be published to ${spec.path}: ${folder} is not a folder that can be written`,
    { hint: notWritable },
  );
}

/** What `publish` would do to the folder. */
export async function changes(image: ImageToPublish, spec: DirectorySpec, { cwd }: Looking): Promise<string[]> {
  const folder = resolve(cwd, spec.path);
  const file = fileOf(image);
  const path = join(folder, file);
  if (!(await stat(folder).catch(() => undefined))) return [`create the folder ${folder}`, `add ${path}`];
  await serialIn(folder, file, image);
  const published = await findPublished(folder, file);
  if (published?.sha256 === image.sha256) return [`leave ${path} as it is: it has the same content`];
  const listed = (await readIndex(folder)).find((entry) => entry.file === file);
  const old = listed ? `, of build ${listed.build}` : '';
  return (await stat(path).catch(() => undefined)) ? [`replace ${path}${old}`] : [`add ${path}`];
}

/**
 * Publishes to a folder: the image, a checksum file beside it, and an `index.json` that lists the folder's images.
 * Each appears by rename, the index last, so that it never names a file that is not there.
 *
 * @throws VmkilnError TARGET_FAILED, DISK_FULL, INTERRUPTED.
 */
export async function publish(image: ImageToPublish, spec: DirectorySpec, context: TargetContext): Promise<Published> {
  const folder = resolve(context.cwd, spec.path);
  const file = fileOf(image);
  const path = join(folder, file);
  const { signal } = context;
  const waiting = () => context.progress(`waiting for another build that publishes to ${folder}`);
  const published = (unchanged: boolean, first?: IndexEntry): Published => {
    const { sha256, size } = first ?? image;
    return { target: 'directory', location: path, sha256, size, unchanged, ...(first && { already: first.build }) };
  };
  const leaveTo = (first: IndexEntry) => {
    context.note(
      `${file} of build ${first.build} is published already under the serial ${first.serial}: it stays in ${folder}`,
    );
    return published(true, first);
  };
  try {
    await makeFolders(folder);
    await removeDeadPartials(folder, image.name);
    await serialIn(folder, file, image);
    const first = await firstIn(folder, file, image);
    if (first) return leaveTo(first);
    if (await withFileLock(folder, { signal, waiting }, () => raise(image, folder))) return published(true);
    const temporary = join(folder, `.${image.name}.${image.build}.partial`);
    // Its lock says that the partial file has a living owner.
    return await withFileLock(temporary, { signal, create: true }, async () => {
      try {
        await copy(image, temporary, context);
        const earlier = await withFileLock(folder, { signal, waiting }, () => putInPlace(image, folder, temporary));
        return earlier ? leaveTo(earlier) : published(false);
      } finally {
        await rm(temporary, { force: true });
      }
    });
  } catch (error) {
    throw nameFailure(error, folder);
  }
}

function fileOf(image: ImageToPublish): string {
  if (/^\.|[/\n\\\0]/.test(image.name) || image.name === '') {
    throw new VmkilnError('TARGET_FAILED', `${JSON.stringify(image.name)} cannot be the name of a file`, {
      hint: 'use letters, digits, dots, dashes and underscores',
    });
  }
  return `${image.name}.${image.format}`;
}

/** Copies the image's data (never its name: users boot these files) and brings them to the disk. */
async function copy(image: ImageToPublish, temporary: string, context: TargetContext): Promise<void> {
  const source = await sameFile(image);
  const folder = dirname(temporary);
  const { bavail, bsize } = await statfs(folder);
  const [needed, free] = [Number(source.blocks) * 512, bavail * bsize];
  if (needed > free) throw diskFull(folder, undefined, { needed, free });
  const message = `copying ${fileOf(image)}`;
  context.progress(message, 0);
  const watch = setInterval(() => {
    void stat(temporary).then(
      ({ size }) => context.progress(message, Math.min(1, size / image.size)),
      () => undefined,
    );
  }, 500);
  try {
    await context.exec(copySparse(image.path, temporary, copyTimeout));
    await sameFile(image);
  } catch (error) {
    // The tool's own advice is about the state folder, not about this one.
    throw error instanceof VmkilnError && error.code === 'DISK_FULL' ? diskFull(folder, error) : error;
  } finally {
    clearInterval(watch);
  }
  const file = await open(temporary, 'r');
  try {
    const { size } = await file.stat();
    if (size !== image.size) {
      throw new VmkilnError('TARGET_FAILED', `the copy of ${image.path} has ${size} bytes, not ${image.size}`, {
        hint: 'check the filesystem of the target',
      });
    }
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Under the folder's lock: whether the same image is there already. Its serial is the higher one then. */
async function raise(image: ImageToPublish, folder: string): Promise<boolean> {
  const file = fileOf(image);
  const published = await findPublished(folder, file);
  if (published?.sha256 !== image.sha256) return false;
  const serial = await serialIn(folder, file, image);
  const documents = image.documents ? await layDocuments(folder, file, image.documents) : published.documents;
  if (serial !== published.serial || !isDeepStrictEqual(documents, published.documents)) {
    await updateIndex(folder, { ...published, serial, documents });
  }
  return true;
}

/**
 * Under the folder's lock. A kill between any two steps leaves a state that the next publish sees as changed.
 *
 * @returns the image that stays there, if the same publication has come in before.
 */
async function putInPlace(image: ImageToPublish, folder: string, temporary: string): Promise<IndexEntry | undefined> {
  const file = fileOf(image);
  const sum = join(folder, `${file}.sha256`);
  const { name, format, size, sha256, build, rehearsal } = image;
  await removeTemporaries(folder);
  // Another one may have come in while this one was copied.
  const first = await firstIn(folder, file, image);
  if (first) return first;
  const serial = await serialIn(folder, file, image);
  const createdAt = (await stat(temporary)).mtime.toISOString();
  await rm(sum, { force: true });
  await rename(temporary, join(folder, file));
  await syncFolder(folder);
  await writeAtomic(sum, checksumLine(sha256, file));
  const documents = await layDocuments(folder, file, image.documents);
  await updateIndex(folder, { name, file, format, size, sha256, build, createdAt, rehearsal, serial, documents });
  return undefined;
}

/** Removes what a build that is gone was copying into a folder. */
export async function removePartials(folder: string, build: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('.') && name.endsWith(`.${build}.partial`)) await rm(join(folder, name), { force: true });
  }
  await removeDeadTemporaries(folder);
}

/** Removes the partial copies of this image whose owner is gone: nobody holds their lock. */
export async function removeDeadPartials(folder: string, name: string): Promise<void> {
  for (const candidate of await readdir(folder)) {
    if (!candidate.startsWith(`.${name}.`) || !candidate.endsWith('.partial')) continue;
    const held = new AbortController();
    const options = { signal: held.signal, waiting: () => held.abort() };
    const path = join(folder, candidate);
    await withFileLock(path, options, () => rm(path, { force: true })).catch((error: unknown) => {
      // Its owner is alive, or has put it in its place a moment ago.
      if (!held.signal.aborted && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
}

function nameFailure(error: unknown, folder: string): unknown {
  if (isFull(error)) return diskFull(folder, error);
  if (error instanceof VmkilnError && error.code !== 'COMMAND_FAILED') return error;
  const code = (error as NodeJS.ErrnoException).code;
  const hint =
    code === 'EEXIST' || code === 'ENOTDIR'
      ? 'there is a file of that name where a folder belongs: choose another folder with --out'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? notWritable
        : 'check the folder, and choose another one with --out if need be';
  return new VmkilnError('TARGET_FAILED', `cannot publish to ${folder}: ${messageOf(error)}`, { hint, cause: error });
}
