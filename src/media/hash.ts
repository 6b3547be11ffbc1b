import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, VmkilnError } from '../errors.ts';
import { digestFile } from '../store/digest.ts';
import { removeTemporaries, writeAtomic } from '../store/files.ts';
import { identityOf, isSame } from '../store/identity.ts';
import { withLock } from '../store/lock.ts';
import { transferReporter, type Progress } from './progress.ts';

const cacheSchema = z.record(
  z.string(),
  z.object({
    dev: z.string(),
    ino: z.string(),
    size: z.string(),
    mtimeNs: z.string(),
    sample: z.string(),
    sha256: z.string(),
  }),
);
type Cache = z.infer<typeof cacheSchema>;

/** A file changed this recently (milliseconds) may change again without a new mtime: clocks of filesystems are coarse. */
const settleTime = 2500;

/** Places of a file that are looked at before its stored hash is believed, and the bytes at each. */
const samples = 16;
const sampleSize = 256 * 1024;

type HashOptions = { mediaDir: string; signal: AbortSignal; progress: Progress };

/**
 * The SHA-256 (lower-case hex) and size (bytes) of a file, taken from `hashes.json` of the media folder when path,
 * device, inode, size, modification time and a sample of the content are those of last time. The sample is for a file
 * that was overwritten in place and got its old time back. The time of last status change would tell that too, and cannot
 * count: libvirt changes the owner of every medium it uses.
 *
 * @throws VmkilnError INTERRUPTED, or MEDIA_MISSING when the file changes while it is read.
 */
export async function hashFile(path: string, options: HashOptions): Promise<{ sha256: string; size: number }> {
  const { mediaDir, signal } = options;
  const name = basename(path);
  const waiting = () => options.progress(`waiting for another build that reads ${name}`);
  return withLock(mediaDir, `hash ${path}`, { signal, waiting }, async () => {
    const before = await stat(path, { bigint: true });
    const size = Number(before.size);
    const known = await storedHash(path, before, mediaDir);
    if (known !== undefined) return { sha256: known, size };
    const report = transferReporter(`checksum of ${name}`, size, 0, options.progress);
    const sha256 = await digestFile(path, signal, report);
    const after = await stat(path, { bigint: true });
    if (!isSame(identityOf(before), after)) {
      throw new VmkilnError('MEDIA_MISSING', `${path} changed while it was read`, {
        hint: 'wait until whatever writes it has finished',
      });
    }
    if (Date.now() - Number(after.mtimeMs) > settleTime) await keepHash(path, sha256, options);
    return { sha256, size };
  });
}

/**
 * A file whose hash may become known by other reading: `known` is the stored hash, if it is still good. `learn` stores
 * the hash that was computed while the file was read elsewhere, unless the file has changed or gone since; it never
 * fails.
 */
export async function findHash(
  path: string,
  options: HashOptions,
): Promise<{ known: string | undefined; learn: (sha256: string) => Promise<void> }> {
  const before = await stat(path, { bigint: true });
  return {
    known: await storedHash(path, before, options.mediaDir),
    learn: async (sha256) => {
      const after = await stat(path, { bigint: true }).catch(() => undefined);
      const isSettled = after && Date.now() - Number(after.mtimeMs) > settleTime;
      if (isSettled && isSame(identityOf(before), after)) await keepHash(path, sha256, options);
    },
  };
}

async function storedHash(path: string, stats: BigIntStats, mediaDir: string): Promise<string | undefined> {
  const known = (await readCache(mediaDir))[path];
  const isGood = known && isSame(known, stats) && known.sample === (await sampleOf(path, Number(stats.size)));
  return isGood ? known.sha256 : undefined;
}

/** Stores a hash, if that can be done: without it the file is read once more some day. */
async function keepHash(path: string, sha256: string, options: HashOptions): Promise<void> {
  await rememberHash(path, sha256, options).catch((error: unknown) => {
    options.progress(`the checksum of ${basename(path)} is not stored: ${messageOf(error)}`);
  });
}

/** Stores the hash of a file that nobody writes to any more. */
export async function rememberHash(path: string, sha256: string, options: HashOptions): Promise<void> {
  const { mediaDir, signal } = options;
  const stats = await stat(path, { bigint: true });
  const entry = { ...identityOf(stats), sample: await sampleOf(path, Number(stats.size)), sha256 };
  await withLock(mediaDir, 'hashes', { signal }, async () => {
    await removeTemporaries(mediaDir);
    const cache: Cache = { ...(await readCache(mediaDir)), [path]: entry };
    for (const known of Object.keys(cache)) {
      if (!(await stat(known).catch(() => undefined))) delete cache[known];
    }
    await writeAtomic(join(mediaDir, 'hashes.json'), `${JSON.stringify(cache, null, 2)}\n`);
  });
}

/** The stored hashes. A file that is missing or damaged costs time only. */
async function readCache(mediaDir: string): Promise<Cache> {
  try {
    return cacheSchema.parse(JSON.parse(await readFile(join(mediaDir, 'hashes.json'), 'utf8')));
  } catch {
    return {};
  }
}

/** A digest of pieces of a file, spread evenly from its first byte to its last; of a small file that is all of it. */
async function sampleOf(path: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(sampleSize);
  const file = await open(path, 'r');
  try {
    for (let index = 0; index < samples; index += 1) {
      const position = Math.floor((Math.max(0, size - sampleSize) * index) / (samples - 1));
      const { bytesRead } = await file.read(buffer, 0, sampleSize, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
