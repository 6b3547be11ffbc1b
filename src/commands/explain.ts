import { findBuild, hasFailed, listBuilds } from '../pipeline/builds.ts';
import { explainRecord } from '../pipeline/explain-build.ts';
import { allHarmless, jsonText } from '../text.ts';
import { explainedText } from '../ui/explained-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln explain`: why a build failed, by default the last one that did. A name means the latest failed build of it.
 *
 * @throws VmkilnError USAGE when there is no such build, or it has not failed.
 */
export async function explain(
  word: string | undefined,
  { json }: { json?: boolean },
  { world }: CommandContext,
): Promise<void> {
  const all = await listBuilds(world);
  // An id is meant as it stands, a name as the latest failed build of it.
  const named = all.find(({ build }) => word !== undefined && (build === word || build.endsWith(`-${word}`)));
  const build = named && !hasFailed(named) ? named : findBuild(all.filter(hasFailed), word);
  const explained = await explainRecord(build);
  const text = json
    ? jsonText({ build: build.build, outcome: build.outcome, ...explained })
    : explainedText(allHarmless(build), allHarmless(explained), paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
}
