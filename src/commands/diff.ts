import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeImage } from '../describe/describe.ts';
import { diffInventories } from '../describe/diff.ts';
import type { Inventory } from '../describe/inventory.ts';
import { loadInventory } from '../describe/load.ts';
import { VmkilnError } from '../errors.ts';
import { probeAppliance } from '../host/probe.ts';
import { findBuild, listBuilds } from '../pipeline/builds.ts';
import { jsonText } from '../text.ts';
import { differenceMarkdown, differenceText } from '../ui/difference-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln diff`: how two images differ. Each is an image, the inventory of one, or a build.
 *
 * @throws VmkilnError USAGE when there is no such image or build, IMAGE_UNFIT, those of the appliance.
 */
export async function diff(
  from: string,
  to: string,
  { json, markdown }: { json?: boolean; markdown?: boolean },
  context: CommandContext,
): Promise<void> {
  if (json && markdown) {
    throw new VmkilnError('USAGE', '--json and --markdown are two forms of the same', { hint: 'give one of them' });
  }
  const [one, other] = [await sourceOf(from, context), await sourceOf(to, context)];
  const found = diffInventories(await inventoryIn(one, context), await inventoryIn(other, context));
  const paint = paintFor(process.stdout, context.world.env);
  if (json) process.stdout.write(`${jsonText(found)}\n`);
  else process.stdout.write(markdown ? differenceMarkdown(found) : differenceText(found, paint));
}

/** The file that a word stands for, an image or an inventory: what is not there is told before anything is read. */
async function sourceOf(word: string, { world }: CommandContext): Promise<string> {
  if (existsSync(word)) return word;
  if (/[/.]/.test(word.replace(/-\d{8}-\d{6}-[0-9a-f]{4}$/, ''))) {
    throw new VmkilnError('USAGE', `there is no file ${word}`, { hint: 'give an image, its inventory, or a build' });
  }
  const build = findBuild(await listBuilds(world), word);
  const path = join(build.folder, 'inventory.json');
  if (existsSync(path)) return path;
  throw new VmkilnError('USAGE', `the build ${build.build} has no inventory`, {
    hint: 'builds of recipes with describe: false have none, nor have those before there were any: name the image',
  });
}

function inventoryIn(path: string, { signal, say, world }: CommandContext): Promise<Inventory> {
  if (path.endsWith('.json')) return loadInventory(path);
  return describeImage(path, () => probeAppliance(world, signal, say), { signal, note: say });
}
