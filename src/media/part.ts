import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { Response } from 'undici';

/**
 * What is known of a part: how the server names the version it is from, its whole size in bytes, and the boot of this
 * host in which it was written: a power cut may have kept the size of a file and lost its content.
 */
type PartNote = { validator: string; total: number | undefined; boot: string };

/** A download that is not whole: the file and the note beside it. */
export type Part = { path: string; note: string };

/** The part that is there, if it can be resumed. */
export async function readPart(part: Part): Promise<{ size: number; note: PartNote } | undefined> {
  try {
    const note = JSON.parse(await readFile(part.note, 'utf8')) as PartNote;
    const { size } = await stat(part.path);
    const isUsable = size > 0 && typeof note.validator === 'string' && note.boot === (await bootId());
    return isUsable ? { size, note } : undefined;
  } catch {
    return undefined;
  }
}

/** Notes what a new part will be; one that the server does not name stays without a note and is never resumed. */
export async function notePart(part: Part, response: Response, total: number | undefined): Promise<void> {
  const validator = validatorOf(response);
  await rm(part.note, { force: true });
  if (!validator) return;
  await writeFile(part.note, JSON.stringify({ validator, total, boot: await bootId() } satisfies PartNote));
}

export async function dropPart(part: Part): Promise<void> {
  await rm(part.path, { force: true });
  await rm(part.note, { force: true });
}

/** RFC 9110, 13.1.5: If-Range takes a strong entity tag or a date. An encoded answer is never resumed. */
function validatorOf(response: Response): string | undefined {
  if (isEncoded(response)) return undefined;
  const tag = response.headers.get('etag');
  return tag !== null && tag.startsWith('"') ? tag : (response.headers.get('last-modified') ?? undefined);
}

/** Whether an answer goes on where the part ends, in the same version: some servers ignore If-Range. */
export function continues(response: Response, part: { size: number; note: PartNote }): boolean {
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  const version = validatorOf(response);
  const isSameVersion = version === undefined || version === part.note.validator;
  return response.status === 206 && Number(start) === part.size && isSameVersion;
}

/** Bytes that will come; unknown for an answer that is decoded on the way. */
export function lengthOf(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  return length === null || isEncoded(response) ? undefined : Number(length);
}

function isEncoded(response: Response): boolean {
  return (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
}

function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8');
}
