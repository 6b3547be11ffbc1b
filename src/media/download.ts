import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, stat, statfs, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isFull, VmkilnError } from '../errors.ts';
import { digestInto } from '../store/digest.ts';
import { diskFull, syncFolder } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import { checksumMismatch, type ChecksumEntry } from './checksum.ts';
import { hashFile, rememberHash } from './hash.ts';
import { get, lost, redactUrl, withRetries, type HttpOptions } from './http.ts';
import { continues, dropPart, lengthOf, notePart, readPart, type Part } from './part.ts';
import { transferReporter } from './progress.ts';

type DownloadOptions = HttpOptions & {
  mediaDir: string;
  /** Asks the server whether it has a newer file than an earlier download, which is used otherwise. */
  renew?: boolean;
};

/** The digest a file must have, and the checksum file's entries if it came from one. */
export type Expected = { sha256: string; entries: readonly ChecksumEntry[] };

/** A file in the media folder; `size` in bytes. */
type Downloaded = { path: string; sha256: string; size: number };

type Job = { url: URL; name: string; part: Part; options: DownloadOptions };

/** Where the download of a URL is kept: found again by the URL, recognised by a person by its name. */
export function downloadPath(url: URL, mediaDir: string): string {
  return join(mediaDir, `${urlHash(url).slice(0, 12)}-${fileName(url)}`);
}

/** The file name a URL ends with, decoded. */
export function fileName(url: URL): string {
  const last = url.pathname.split('/').findLast((part) => part !== '') ?? 'download';
  let decoded = last;
  try {
    decoded = decodeURIComponent(last);
  } catch {
    // A stray % is a name like any other.
  }
  return decoded.replace(/[^A-Za-z0-9._+-]/g, '_').slice(-120);
}

function urlHash(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  bare.hash = '';
  return createHash('sha256').update(bare.href).digest('hex');
}

/** The earlier download of a URL, if it is there and is the file expected. */
export async function findDownload(
  url: URL,
  expected: Expected | undefined,
  options: DownloadOptions,
): Promise<Downloaded | undefined> {
  const path = downloadPath(url, options.mediaDir);
  if (!(await stat(path).catch(() => undefined))) return undefined;
  const found = { path, ...(await hashFile(path, options)) };
  return expected && expected.sha256 !== found.sha256 ? undefined : found;
}

/**
 * Downloads a URL once: an earlier download is used, one that broke off is resumed, and callers of the same URL wait
 * for each other. A download that is not the file expected is made again if the server has a newer one.
 *
 * @throws VmkilnError MEDIA_DOWNLOAD, MEDIA_CHECKSUM (nothing is kept), DISK_FULL or INTERRUPTED.
 */
export async function download(
  url: URL,
  expected: Expected | undefined,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { mediaDir, signal, progress } = options;
  const hash = urlHash(url);
  const path = downloadPath(url, mediaDir);
  const name = fileName(url);
  const waiting = () => progress(`waiting for another build that downloads ${name}`);
  return withLock(mediaDir, `download ${hash}`, { signal, waiting }, async () => {
    const earlier = await findDownload(url, expected, options);
    if (earlier && !options.renew) return earlier;
    const part = { path: join(mediaDir, `${hash}.part`), note: join(mediaDir, `${hash}.json`) };
    const job = { url, name, part, options };
    const old = await stat(path).catch(() => undefined);
    let received = 0;
    const count = (bytes: number) => (received += bytes);
    const result = await withRetries(
      options,
      () => received,
      () => attempt(job, old?.mtime, count),
    );
    if (result === 'unchanged') {
      if (earlier) return earlier;
      const kept = { path, name, ...(await hashFile(path, options)) };
      throw expected ? await checksumMismatch(kept, expected.sha256, expected.entries) : unexpected(job, 'no file');
    }
    if (expected && expected.sha256 !== result.sha256) {
      const error = await checksumMismatch({ path: part.path, name, ...result }, expected.sha256, expected.entries);
      await dropPart(part);
      throw error;
    }
    if (result.modified) await utimes(part.path, new Date(), result.modified);
    await rename(part.path, path);
    await rm(part.note, { force: true });
    await syncFolder(mediaDir);
    await rememberHash(path, result.sha256, options);
    return { path, sha256: result.sha256, size: result.size };
  });
}

type Whole = { sha256: string; size: number; modified: Date | undefined };

/** One connection: brings the part to its full size, or as far as it goes. */
async function attempt(
  job: Job,
  since: Date | undefined,
  count: (bytes: number) => void,
): Promise<Whole | 'unchanged'> {
  const { url, name, options } = job;
  const { signal, progress, mediaDir } = options;
  const had = await readPart(job.part);
  const hash = createHash('sha256');
  if (had) {
    await digestInto(
      hash,
      job.part.path,
      signal,
      transferReporter(`reading the part of ${name} that is there`, had.size, 0, progress),
    );
    if (had.size === had.note.total) return { sha256: hash.digest('hex'), size: had.size, modified: undefined };
  }
  const headers: Record<string, string> = had
    ? { range: `bytes=${had.size}-`, 'if-range': had.note.validator }
    : since
      ? { 'if-modified-since': since.toUTCString() }
      : {};
  return get(url, headers, options, async (response, body) => {
    const { status } = response;
    if (status === 304) return 'unchanged';
    const goesOn = had !== undefined && continues(response, had);
    if (status === 416 || (status === 206 && !goesOn)) {
      await dropPart(job.part);
      throw lost(`${redactUrl(url)}: the server has another version of the file now`);
    }
    if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) throw unexpected(job, 'a web page');
    const from = goesOn ? had.size : 0;
    const length = lengthOf(response);
    const total = length === undefined ? undefined : from + length;
    await checkRoom(mediaDir, length, goesOn ? 0 : (had?.size ?? 0));
    const file = await open(job.part.path, goesOn ? 'a' : 'w', 0o644);
    const sum = goesOn ? hash : createHash('sha256');
    try {
      if (!goesOn) await notePart(job.part, response, total);
      const size = await receive(job, { body, file, sum, from, total, count });
      await file.chmod(0o644);
      await file.sync();
      const modified = new Date(response.headers.get('last-modified') ?? NaN);
      return { sha256: sum.digest('hex'), size, modified: Number.isNaN(modified.getTime()) ? undefined : modified };
    } catch (error) {
      // What is not the medium is not kept; what is cut off is.
      if (error instanceof VmkilnError && error.code === 'MEDIA_DOWNLOAD') await dropPart(job.part);
      throw error;
    } finally {
      await file.close();
    }
  });
}

/** Writes what comes, and returns the size of the file it makes. */
async function receive(
  job: Job,
  to: {
    body: AsyncIterable<Uint8Array>;
    file: FileHandle;
    sum: Hash;
    from: number;
    total: number | undefined;
    count: (bytes: number) => void;
  },
): Promise<number> {
  const report = transferReporter(`downloading ${job.name}`, to.total, to.from, job.options.progress);
  let size = to.from;
  for await (const chunk of to.body) {
    if (size === 0 && isPage(chunk)) throw unexpected(job, 'a web page');
    to.sum.update(chunk);
    await to.file.writeFile(chunk).catch((error: unknown) => {
      throw isFull(error) ? diskFull(job.options.mediaDir, error) : error;
    });
    size += chunk.length;
    to.count(chunk.length);
    report(size);
  }
  if (size === 0) throw unexpected(job, 'nothing');
  if (to.total !== undefined && size < to.total) throw lost(`${redactUrl(job.url)}: the connection ended early`);
  return size;
}

/** Whether an answer starts like HTML: many vendors send their login page with status 200. */
function isPage(chunk: Uint8Array): boolean {
  return /^\s*(<!doctype html|<html)/i.test(
    Buffer.from(chunk.subarray(0, 200)).toString('latin1').replace('\u00ef\u00bb\u00bf', ''),
  );
}

function unexpected(job: Job, what: string): VmkilnError {
  return new VmkilnError('MEDIA_DOWNLOAD', `${redactUrl(job.url)} sent ${what} instead of a medium`, {
    hint: 'a login page, or a page about the download? Fetch the file in a browser and write its path into the recipe',
  });
}

/** @param reclaimed bytes that will be free once the old part is overwritten */
async function checkRoom(folder: string, needed: number | undefined, reclaimed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize + reclaimed;
  if (needed !== undefined && needed > free) throw diskFull(folder, undefined, { needed, free });
}
