import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { interrupted } from '../errors.ts';

/** The SHA-256 (lower-case hex) of a file. @throws VmkilnError INTERRUPTED */
export async function digestFile(path: string, signal: AbortSignal, report?: (done: number) => void): Promise<string> {
  const hash = createHash('sha256');
  await digestInto(hash, path, signal, report);
  return hash.digest('hex');
}

/** Digests of a file, in lower-case hex. */
export type Digests = { sha256: string; sha512: string };

/** The digests of a file, which is read once. @throws VmkilnError INTERRUPTED */
export async function digestsOf(path: string, signal: AbortSignal): Promise<Digests> {
  const [sha256, sha512] = [createHash('sha256'), createHash('sha512')];
  await digestInto({ update: (data) => [sha256, sha512].map((hash) => hash.update(data)) }, path, signal);
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex') };
}

/** Feeds a file to a hash, and gives its size in bytes; `report` gets the bytes read so far. @throws VmkilnError INTERRUPTED */
export async function digestInto(
  hash: { update(data: Uint8Array): unknown },
  path: string,
  signal: AbortSignal,
  report?: (done: number) => void,
): Promise<number> {
  let done = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
      hash.update(chunk as Buffer);
      done += (chunk as Buffer).length;
      report?.(done);
    }
  } catch (cause) {
    throw signal.aborted ? interrupted(`reading ${path}`, signal) : cause;
  }
  return done;
}
