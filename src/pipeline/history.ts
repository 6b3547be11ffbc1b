import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inventoryFile } from '../describe/names.ts';
import type { Manifest } from './events.ts';

/** The most manifests that are read, and the most of them that are of the same name: every build pays for this. */
const mostRead = 10;
export const mostOwn = 7;

// Read synchronously: some ten small files take about a millisecond so, and several through the thread pool.

/**
 * The manifests of the latest builds, those of the same image name first and each group with the latest first. Builds
 * that have none, because they still run or were killed, are left out.
 */
export function latestManifests(builds: string, name: string): Manifest[] {
  const found = namesIn(builds).flatMap((id) => {
    const [, image, time] = /^(.+)-(\d{8}-\d{6})-[0-9a-f]{4}$/.exec(id) ?? [];
    return image !== undefined && time !== undefined ? [{ id, time, own: image === name }] : [];
  });
  const latest = found.toSorted((a, b) => (a.time < b.time ? 1 : -1));
  const own = latest.filter((build) => build.own).slice(0, mostOwn);
  const others = latest.filter((build) => !build.own).slice(0, mostRead - own.length);
  const manifests = [...own, ...others].map(({ id }) => readManifest(join(builds, id)));
  return manifests.filter((manifest) => manifest !== undefined);
}

/** The latest build of an image that was published and described: its id and its folder. */
export function lastPublished(builds: string, name: string): { build: string; folder: string } | undefined {
  const manifests = latestManifests(builds, name).filter((each) => each.name === name && hasPublished(each));
  const found = manifests.map(({ build }) => ({ build, folder: join(builds, build) }));
  return found.find(({ folder }) => existsSync(join(folder, inventoryFile)));
}

/** Whether an image of its own is anywhere: that of another build may have been published in its place. */
function hasPublished({ published }: Manifest): boolean {
  return published.some(({ already }) => already === undefined);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readManifest(folder: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    return Array.isArray(manifest.stages) ? manifest : undefined;
  } catch {
    return undefined;
  }
}
