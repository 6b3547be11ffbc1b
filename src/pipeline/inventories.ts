import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describeImage } from '../describe/describe.ts';
import { type Difference, diffInventories } from '../describe/diff.ts';
import type { Inventory } from '../describe/inventory.ts';
import { loadInventory } from '../describe/load.ts';
import { inventoryFile } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import { probeAppliance } from '../host/probe.ts';
import type { World } from '../model.ts';
import { findBuild, listBuilds } from './builds.ts';

/** `note` is told what is going on. */
type Looking = { signal: AbortSignal; world: World; note: (message: string) => void };

/**
 * How two images differ: each word is an image, the inventory of one, or a build. What is not there is told before anything is read.
 *
 * @throws VmkilnError USAGE when there is no such image or build, IMAGE_UNFIT, those of the appliance.
 */
export async function diffImages(from: string, to: string, looking: Looking): Promise<Difference> {
  const [one, other] = [await sourceOf(from, looking.world), await sourceOf(to, looking.world)];
  return diffInventories(await inventoryIn(one, looking), await inventoryIn(other, looking));
}

async function sourceOf(word: string, world: World): Promise<string> {
  const path = resolve(world.cwd, word);
  if (existsSync(path)) return path;
  if (/[/.]/.test(word.replace(/-\d{8}-\d{6}-[0-9a-f]{4}$/, ''))) {
    throw new VmkilnError('USAGE', `there is no file ${word}`, { hint: 'give an image, its inventory, or a build' });
  }
  const build = findBuild(await listBuilds(world), word);
  const inventory = join(build.folder, inventoryFile);
  if (existsSync(inventory)) return inventory;
  throw new VmkilnError('USAGE', `the build ${build.build} has no inventory`, {
    hint: 'builds of recipes with describe: false have none, nor have those before there were any: name the image',
  });
}

function inventoryIn(path: string, { signal, world, note }: Looking): Promise<Inventory> {
  if (path.endsWith('.json')) return loadInventory(path);
  return describeImage(path, () => probeAppliance(world, signal, note), { signal, note });
}
