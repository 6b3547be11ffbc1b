import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmkilnError, messageOf } from '../errors.ts';
import type { Media, MediaFile } from '../model.ts';
import { makeFolders } from '../store/paths.ts';
import { checksumMismatch, parseChecksums, pickChecksum } from './checksum.ts';
import { download, downloadPath, fileName, findDownload, type Expected } from './download.ts';
import { hashFile } from './hash.ts';
import { get, lost, redactUrl, withRetries, type HttpOptions } from './http.ts';
import { checkLocalFile } from './local.ts';

/**
 * A medium as a recipe names it: a path, a file:// or http(s):// URL. `sha256` is the digest in hex, or the path or URL
 * of a checksum file; empty counts as absent. Relative paths count from the current folder.
 */
export type WantedMedium = { source: string; sha256?: string | undefined };

export type MediaOptions = HttpOptions & {
  /** Folder of downloads and hashes; created when missing. */
  mediaDir: string;
  /** False for a plan: nothing is fetched, and what is not there stays unknown. */
  download: boolean;
};

/** A checksum file larger than this many bytes is not one. */
const checksumFileLimit = 4 * 2 ** 20;

/**
 * Finds the media of a recipe, downloads what is remote, and verifies what has a checksum. Without `download` a digest
 * given by the URL of a checksum file is not verified.
 *
 * @throws VmkilnError MEDIA_MISSING, MEDIA_CHECKSUM, MEDIA_DOWNLOAD, DISK_FULL or INTERRUPTED.
 */
export async function resolveMedia(
  wanted: Readonly<Record<string, WantedMedium>>,
  options: MediaOptions,
): Promise<Media> {
  await makeFolders(options.mediaDir);
  const media: Record<string, MediaFile> = {};
  for (const [role, medium] of Object.entries(wanted)) media[role] = await resolveMedium(medium, options);
  return media;
}

async function resolveMedium({ source, sha256 }: WantedMedium, options: MediaOptions): Promise<MediaFile> {
  const place = locate(source);
  if (typeof place !== 'string') {
    const expected = await readExpected(sha256, fileName(place), options);
    const file = await (options.download ? download : findDownload)(place, expected, options);
    const path = downloadPath(place, options.mediaDir);
    return { source: redactUrl(place), path, sha256: file?.sha256, size: file?.size };
  }
  await checkLocalFile(place);
  const name = basename(place);
  const expected = await readExpected(sha256, name, options);
  const file = { path: place, ...(await hashFile(place, options)) };
  if (expected && expected.sha256 !== file.sha256) {
    throw await checksumMismatch({ ...file, name }, expected.sha256, expected.entries);
  }
  return { source, ...file };
}

/** The absolute path of a medium that is a local file; undefined for one that is downloaded. @throws VmkilnError MEDIA_MISSING */
export function localPath(source: string): string | undefined {
  const place = locate(source);
  return typeof place === 'string' ? place : undefined;
}

/** A URL to download, or the absolute path of a local file. @throws VmkilnError MEDIA_MISSING */
export function locate(source: string): URL | string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined) return resolve(source);
  try {
    if (scheme === 'file') return fileURLToPath(source);
    if (scheme === 'http' || scheme === 'https') return new URL(source);
  } catch (cause) {
    // The text may hold a password, and so may the cause.
    const why = (cause as NodeJS.ErrnoException).code === 'ERR_INVALID_URL' ? 'not a valid URL' : messageOf(cause);
    throw new VmkilnError('MEDIA_MISSING', `a medium's ${scheme} address cannot be used: ${why}`, {
      hint: 'write it as https://HOST/PATH, with special characters percent-encoded, or as file:///PATH',
    });
  }
  throw new VmkilnError('MEDIA_MISSING', `a medium cannot be fetched by ${scheme}`, {
    hint: 'name a path, or a URL that starts with https:// or http://',
  });
}

/** The digest that a medium of this file name must have, by what the recipe says of it. @throws VmkilnError as `resolveMedia` does */
export async function readExpected(
  sha256: string | undefined,
  name: string,
  options: Omit<MediaOptions, 'mediaDir'>,
): Promise<Expected | undefined> {
  const given = sha256?.trim().replace(/^sha256:/i, '') ?? '';
  if (given === '') return undefined;
  if (/^[0-9a-f]{64}$/i.test(given)) return { sha256: given.toLowerCase(), entries: [] };
  const place = locate(given);
  if (typeof place !== 'string' && !options.download) return undefined;
  const shown = typeof place === 'string' ? place : redactUrl(place);
  const bytes = typeof place === 'string' ? await readSmall(place) : await fetchBytes(place, options);
  const entries = parseChecksums(bytes);
  return { sha256: pickChecksum(entries, name, shown), entries };
}

async function readSmall(path: string): Promise<Uint8Array> {
  await checkLocalFile(path);
  if ((await stat(path)).size > checksumFileLimit) throw tooLarge(path);
  return readFile(path);
}

function tooLarge(shown: string): VmkilnError {
  return new VmkilnError('MEDIA_CHECKSUM', `${shown} is too large for a checksum file`, {
    hint: 'name the list of checksums, not the medium itself',
  });
}

/** Fetches a small file. */
function fetchBytes(url: URL, options: HttpOptions): Promise<Uint8Array> {
  options.progress(`fetching the checksums ${fileName(url)}`);
  const attempt = () =>
    get(url, {}, options, async (response, body) => {
      if (!response.ok) throw lost(`${redactUrl(url)}: an answer without a text (HTTP ${response.status})`);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > checksumFileLimit) throw tooLarge(redactUrl(url));
      }
      return Buffer.concat(chunks);
    });
  return withRetries(options, () => 0, attempt);
}
