import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '../model.ts';
import { removeStale } from '../media/stale.ts';
import { type Layer, pinsLock, removeLayers } from '../store/checkpoints.ts';
import { withLock } from '../store/lock.ts';
import { buildsLock, type Owner, readOwners } from '../store/owner.ts';
import type { Paths } from '../store/paths.ts';
import { readRecord } from './builds.ts';
import { folderSize, reapDead } from './reap.ts';
import { openPaths } from './request.ts';
import { chooseBuilds, type Retention } from './retention.ts';

/** What to remove besides the leftovers of dead builds. */
export type CleanOptions = {
  /** Checkpoints that no running build uses, and parts of downloads that nobody continues. */
  cache: boolean;
  /** Least recently used checkpoints, until the store takes at most so many bytes. */
  keepBytes?: number;
  /** The folders of finished builds. */
  builds: boolean;
  /** Those of them that stay. What `--on-error keep` kept stays then, too. */
  retention?: Retention;
  /** Remove nothing, and tell what would be. */
  dryRun?: boolean;
  world: World;
  signal: AbortSignal;
  emit: (message: string) => void;
};

/** What was removed, or would be, in sentences, and what stays. */
export type CleanResult = { removed: string[]; freedBytes: number; kept: { what: string; why: string }[] };

/** A cleaning under way. `remove` is how its sentences begin. */
type Cleaning = CleanOptions & { paths: Paths; dryRun: boolean; remove: string; result: CleanResult };

/** Removes what dead builds left behind, and on request checkpoints and old builds. Running builds are left alone. */
export async function clean(options: CleanOptions): Promise<CleanResult> {
  const paths = await openPaths(options.world);
  const dryRun = options.dryRun ?? false;
  const result: CleanResult = { removed: [], freedBytes: 0, kept: [] };
  const cleaning = { ...options, paths, dryRun, remove: dryRun ? 'would remove' : 'removed', result };
  const gone = await cleanLeftovers(cleaning);
  await cleanCache(cleaning, gone);
  await cleanBuilds(cleaning, gone);
  return result;
}

/** Returns the builds that have left nothing any more. */
async function cleanLeftovers({
  paths,
  retention,
  dryRun,
  world,
  signal,
  emit,
  result,
}: Cleaning): Promise<Set<string>> {
  const kept = retention === undefined;
  const before = await folderSize(paths.work);
  const dead = (await readOwners(paths)).filter(({ owner, alive }) => !alive && (kept || !owner.kept));
  if (dryRun) {
    for (const { owner } of dead) {
      result.freedBytes += await folderSize(join(paths.work, owner.build));
      result.removed.push(wouldReap(owner));
    }
  } else {
    result.removed.push(...(await reapDead(paths, { kept, env: world.env, signal })));
    result.freedBytes += Math.max(0, before - (await folderSize(paths.work)));
  }
  for (const sentence of result.removed) emit(sentence);
  return new Set(dead.map(({ owner }) => owner.build));
}

function wouldReap({ build, kept }: Owner): string {
  return kept ? `would remove what ${build} was told to keep` : `would clean up after ${build}, which was cut short`;
}

async function cleanCache(cleaning: Cleaning, gone: ReadonlySet<string>): Promise<void> {
  const { paths, cache, dryRun, remove, signal, result } = cleaning;
  const keepBytes = cache ? 0 : cleaning.keepBytes;
  if (keepBytes !== undefined) {
    // A build pins a layer under the same lock before it looks for it: none is removed in between.
    const layers = await withLock(paths.checkpoints, pinsLock, { signal }, async () => {
      const owners = (await readOwners(paths)).filter(({ owner }) => !dryRun || !gone.has(owner.build));
      const inUse = owners.flatMap(({ owner }) => owner.uses);
      return removeLayers(paths.checkpoints, new Set(inUse), keepBytes, dryRun);
    });
    for (const { path, bytes, used, layer } of layers) {
      result.freedBytes += bytes;
      const what = layer ? layerText(layer, used) : `${path}, which no checkpoint names`;
      result.removed.push(`${remove} ${what}`);
    }
  }
  if (!cache) return;
  for (const { path, size } of await removeStale(paths.media, signal, dryRun)) {
    result.freedBytes += size;
    result.removed.push(`${remove} ${path}`);
  }
}

async function cleanBuilds(cleaning: Cleaning, gone: ReadonlySet<string>): Promise<void> {
  const { paths, builds, retention = {}, dryRun, remove, signal, result } = cleaning;
  const { owners, finished } = await withLock(paths.builds, buildsLock, { signal }, async () => {
    const found = (await readOwners(paths)).filter(({ owner }) => !dryRun || !gone.has(owner.build));
    const owned = new Set(found.map(({ owner }) => owner.build));
    return { owners: found, finished: (await readdir(paths.builds)).filter((build) => !owned.has(build)) };
  });
  for (const { owner, alive } of owners) {
    result.kept.push({ what: owner.build, why: whyKept(alive, owner) });
  }
  if (!builds) return;
  const records = await Promise.all(finished.map((id) => readRecord(paths, id)));
  const ended = records.map((record, index) => {
    const build = finished[index] ?? '';
    // Predictions read manifests alone: one that its events stand for does not count.
    const hasManifest = existsSync(join(paths.builds, build, 'manifest.json'));
    const { name = '', startedAt = '', stages = [] } = record ?? {};
    return { build, name, startedAt, stages: hasManifest ? stages : [] };
  });
  const choice = chooseBuilds(ended, retention, Date.now());
  for (const build of choice.remove) {
    result.freedBytes += await folderSize(join(paths.builds, build));
    if (!dryRun) await rm(join(paths.builds, build), { recursive: true, force: true });
    result.removed.push(`${remove} build ${build}`);
  }
  for (const build of choice.toManifest) {
    const folder = join(paths.builds, build);
    const others = (await readdir(folder)).filter((name) => name !== 'manifest.json').map((name) => join(folder, name));
    if (others.length === 0) continue;
    const before = await folderSize(folder);
    for (const path of dryRun ? [] : others) await rm(path, { recursive: true, force: true });
    // A dry run counts the manifest too, which is one block.
    result.freedBytes += dryRun ? before : before - (await folderSize(folder));
    result.removed.push(`${remove} build ${build}, but for its manifest, which predictions go by`);
  }
}

function whyKept(alive: boolean, { kept }: Owner): string {
  if (alive) return 'it is running';
  return kept ? 'it was told to stay after its failure' : 'it could not be cleaned up';
}

function layerText({ stage, build }: Layer, used: number): string {
  const time = new Date(used).toISOString().slice(0, 16).replace('T', ' ');
  return `the ${stage} checkpoint of ${build}, last used ${time} UTC`;
}
