import { createHash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { interrupted, VmkilnError } from '../errors.ts';
import { removeTemporaries, writeAtomic } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import { transferReporter, type Progress } from './progress.ts';

const cacheSchema = z.record(
  z.string(),
  z.object({ dev: z.string(), ino: z.string(), size: z.string(), mtimeNs: z.string(), sha256: z.string() }),
);
type Cache = z.infer<typeof cacheSchema>;

/** A file changed this recently (milliseconds) may change again without a new mtime: clocks of filesystems are coarse. */
const settleTime = 2500;

type HashOptions = { mediaDir: string; signal: AbortSignal; progress: Progress };

/**
 * The SHA-256 (lower-case hex) and size (bytes) of a file, taken from `hashes.json` of the media folder when path,
 * device, inode, size and modification time are those of last time. The time of last status change does not count,
 * because libvirt changes the owner of every medium it uses.
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
    const known = (await readCache(mediaDir))[path];
    if (known && isSame(known, before)) return { sha256: known.sha256, size };
    const report = transferReporter(`checksum of ${name}`, size, 0, options.progress);
    const hash = createHash('sha256');
    await digestInto(hash, path, signal, report);
    const sha256 = hash.digest('hex');
    const after = await stat(path, { bigint: true });
    if (!isSame(describe(before, sha256), after)) {
      throw new VmkilnError('MEDIA_MISSING', `${path} changed while it was read`, {
        hint: 'wait until whatever writes it has finished',
      });
    }
    if (Date.now() - Number(after.mtimeMs) > settleTime) await rememberHash(path, sha256, options);
    return { sha256, size };
  });
}

/** Feeds a file to a hash; `report` gets the bytes read so far. */
export async function digestInto(
  hash: { update(data: Uint8Array): unknown },
  path: string,
  signal: AbortSignal,
  report: (done: number) => void,
): Promise<number> {
  let done = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
      hash.update(chunk as Buffer);
      done += (chunk as Buffer).length;
      report(done);
    }
  } catch (cause) {
    throw signal.aborted ? interrupted(`reading ${path}`, signal) : cause;
  }
  return done;
}

/** Stores the hash of a file that nobody writes to any more. */
export async function rememberHash(path: string, sha256: string, options: HashOptions): Promise<void> {
  const { mediaDir, signal } = options;
  const entry = describe(await stat(path, { bigint: true }), sha256);
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

function describe(stats: BigIntStats, sha256: string): Cache[string] {
  const { dev, ino, size, mtimeNs } = stats;
  return { dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}`, sha256 };
}

function isSame(known: Cache[string], stats: BigIntStats): boolean {
  const now = describe(stats, known.sha256);
  return (['dev', 'ino', 'size', 'mtimeNs'] as const).every((key) => known[key] === now[key]);
}
