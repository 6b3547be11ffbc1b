import { describeBuild, findBuild, hasFailed, isOf, listBuilds, type BuildRecord } from '../pipeline/builds.ts';
import { allHarmless, jsonText } from '../text.ts';
import { buildsText, buildText } from '../ui/builds-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';

type Options = { recipe?: string; failed?: boolean; limit?: number; json?: boolean };

/** `vmkiln builds`: the builds whose folders are there, or all that is kept of one. */
export async function builds(word: string | undefined, options: Options, { world }: CommandContext): Promise<void> {
  const found = wanted(await listBuilds(world), options);
  const paint = paintFor(process.stdout, world.env);
  const now = Date.now();
  if (word === undefined) {
    process.stdout.write(`${options.json ? jsonText(found) : buildsText(allHarmless(found), now, paint)}\n`);
    return;
  }
  const build = await describeBuild(findBuild(found, word));
  process.stdout.write(`${options.json ? jsonText(build) : buildText(allHarmless(build), now, paint)}\n`);
}

function wanted(all: readonly BuildRecord[], { recipe, failed, limit }: Options): BuildRecord[] {
  return all
    .filter((build) => (recipe === undefined || isOf(build, recipe)) && (!failed || hasFailed(build)))
    .slice(0, limit);
}
