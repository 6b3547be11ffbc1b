import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { withLock } from '../store/lock.ts';

/**
 * Removes the parts of downloads that broke off, with their notes, and returns them; `size` is in bytes. What a living
 * build downloads at the moment stays. With `dryRun` all stays.
 *
 * @throws VmkilnError INTERRUPTED.
 */
export async function removeStale(
  mediaDir: string,
  signal: AbortSignal,
  dryRun = false,
): Promise<{ path: string; size: number }[]> {
  const names = await readdir(mediaDir).catch(() => []);
  const hashes = new Set(names.flatMap((name) => /^([0-9a-f]{64})\.(?:part|json)$/.exec(name)?.[1] ?? []));
  const removed: { path: string; size: number }[] = [];
  for (const hash of hashes) {
    const busy = new AbortController();
    const options = { signal: AbortSignal.any([signal, busy.signal]), waiting: () => busy.abort() };
    await withLock(mediaDir, `download ${hash}`, options, async () => {
      const path = join(mediaDir, `${hash}.part`);
      const found = await stat(path).catch(() => undefined);
      for (const name of dryRun ? [] : [path, join(mediaDir, `${hash}.json`)]) await rm(name, { force: true });
      if (found) removed.push({ path, size: found.size });
    }).catch((error: unknown) => {
      const taken = busy.signal.aborted && error instanceof VmkilnError && error.code === 'INTERRUPTED';
      if (!taken || signal.aborted) throw error;
    });
  }
  return removed;
}
