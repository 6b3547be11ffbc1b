import { resolve } from 'node:path';
import type { Difference } from '../describe/diff.ts';
import type { Inventory } from '../describe/inventory.ts';
import type { Verdict } from '../verify/verdict.ts';
import { contextOf, type Options, words } from './options.ts';

/** Gets what is going on, in words. */
type Followed = Options & { onProgress?: (message: string) => void };

/**
 * What is in an image, without booting it: `docs/formats.md`.
 *
 * @throws VmkilnError USAGE when there is no such file, IMAGE_UNFIT, INTERRUPTED, those of libguestfs's appliance.
 */
export async function describe(image: string, options: Followed = {}): Promise<Inventory> {
  const [{ describeImage }, { probeAppliance }] = await Promise.all([
    import('../describe/describe.ts'),
    import('../host/probe.ts'),
  ]);
  const { signal, world, note } = lookingOf(options);
  return describeImage(resolve(world.cwd, image), () => probeAppliance(world, signal, note), { signal, note });
}

/**
 * How the image `to` differs from `from`. Each is the path of an image, or of the inventory of one, or a build.
 *
 * @throws VmkilnError as `describe` does.
 */
export async function diff(from: string, to: string, options: Followed = {}): Promise<Difference> {
  return (await import('../pipeline/inventories.ts')).diffImages(from, to, lookingOf(options));
}

/**
 * Boots two clones of an image, and says what is wrong with it: a check that fails is a result and no error. The image is only read.
 *
 * @throws VmkilnError USAGE, RECIPE_INVALID, IMAGE_UNFIT, HOST_UNFIT, TOOL_MISSING, INTERRUPTED
 */
export async function verify(
  image: string,
  options: Followed & {
    /** Path of the recipe that says what the image has to be like; by default it is what any cloud image of Linux is. */
    recipe?: string;
    /** Values of its variables, and a YAML file of them. */
    set?: Readonly<Record<string, string>>;
    vars?: string;
    /** Paths of YAML files with more checks. */
    checks?: readonly string[];
    /** Whether the clones may reach other hosts; by default as the recipe says. */
    network?: boolean;
  } = {},
): Promise<Verdict> {
  const { verifyFile } = await import('../pipeline/verify-image.ts');
  const looking = lookingOf(options);
  const path = (name: string) => resolve(looking.world.cwd, name);
  const { recipe, set, vars, checks = [], network } = options;
  const terms = {
    ...{ set: words(set), check: checks.map(path), network },
    ...(recipe !== undefined && { recipe: path(recipe) }),
    ...(vars !== undefined && { vars: path(vars) }),
  };
  return verifyFile(path(image), terms, looking);
}

function lookingOf(options: Followed) {
  const { signal, world } = contextOf(options);
  return { signal, world, note: options.onProgress ?? (() => undefined) };
}
