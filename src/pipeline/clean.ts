import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '../model.ts';
import { removeStale } from '../media/stale.ts';
import { type Layer, pinsLock, removeLayers } from '../store/checkpoints.ts';
import { withLock } from '../store/lock.ts';
import { buildsLock, readOwners } from '../store/owner.ts';
import { folderSize, reapDead } from './reap.ts';
import { openPaths } from './request.ts';

/** What to remove besides the leftovers of dead builds. */
export type CleanOptions = {
  /** Checkpoints that no running build uses, and parts of downloads that nobody continues. */
  cache: boolean;
  /** Least recently used checkpoints, until the store takes at most so many bytes. */
  keepBytes?: number;
  /** The folders of finished builds. */
  builds: boolean;
  world: World;
  signal: AbortSignal;
  emit: (message: string) => void;
};

/** What was removed, in sentences, and what stays. */
export type CleanResult = { removed: string[]; freedBytes: number; kept: { what: string; why: string }[] };

/** Removes what dead builds left behind, and on request checkpoints and old builds. Running builds are left alone. */
export async function clean(options: CleanOptions): Promise<CleanResult> {
  const paths = await openPaths(options.world);
  const before = await folderSize(paths.work);
  const removed = await reapDead(paths, { kept: true, env: options.world.env, signal: options.signal });
  let freedBytes = Math.max(0, before - (await folderSize(paths.work)));
  for (const sentence of removed) options.emit(sentence);
  const keepBytes = options.cache ? 0 : options.keepBytes;
  if (keepBytes !== undefined) {
    // A build pins a layer under the same lock before it looks for it: none is removed in between.
    const layers = await withLock(paths.checkpoints, pinsLock, { signal: options.signal }, async () => {
      const inUse = (await readOwners(paths)).flatMap(({ owner }) => owner.uses);
      return removeLayers(paths.checkpoints, new Set(inUse), keepBytes);
    });
    for (const { path, bytes, used, layer } of layers) {
      freedBytes += bytes;
      removed.push(layer ? removedLayer(layer, used) : `removed ${path}, which no checkpoint names`);
    }
  }
  if (options.cache) {
    for (const { path, size } of await removeStale(paths.media, options.signal)) {
      freedBytes += size;
      removed.push(`removed ${path}`);
    }
  }
  const { owners, finished } = await withLock(paths.builds, buildsLock, { signal: options.signal }, async () => {
    const found = await readOwners(paths);
    const owned = new Set(found.map(({ owner }) => owner.build));
    return { owners: found, finished: (await readdir(paths.builds)).filter((build) => !owned.has(build)) };
  });
  const kept = owners.map(({ owner }) => ({ what: owner.build, why: 'it is running' }));
  for (const build of options.builds ? finished : []) {
    const folder = join(paths.builds, build);
    freedBytes += await folderSize(folder);
    await rm(folder, { recursive: true, force: true });
    removed.push(`removed build ${build}`);
  }
  return { removed, freedBytes, kept };
}

function removedLayer({ stage, build }: Layer, used: number): string {
  const time = new Date(used).toISOString().slice(0, 16).replace('T', ' ');
  return `removed the ${stage} checkpoint of ${build}, last used ${time} UTC`;
}
