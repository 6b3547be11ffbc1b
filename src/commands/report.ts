import { resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { findBuild, listBuilds } from '../pipeline/builds.ts';
import { writePage, writePages } from '../report/write.ts';
import { harmless } from '../text.ts';
import { openProgress } from '../ui/progress.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln report`: the page of a build, by default of the latest; or those of all builds with an index. Prints the path.
 *
 * @throws VmkilnError USAGE, DISK_FULL, INTERRUPTED.
 */
export async function report(
  word: string | undefined,
  { all, out }: { all?: boolean; out?: string },
  { signal, world }: CommandContext,
): Promise<void> {
  if (all && word !== undefined) {
    throw new VmkilnError('USAGE', `--all is not for one build: ${word}`, { hint: 'leave out one of the two' });
  }
  const builds = await listBuilds(world);
  const build = findBuild(builds, word);
  const path = resolve(world.cwd, out ?? (all ? 'report' : `${build.build}.html`));
  const progress = openProgress(process.stderr, world.env);
  try {
    if (!all) await writePage(build, builds, path);
    const written = all ? await writePages(builds, path, { signal, progress: progress.show }) : path;
    progress.close();
    process.stdout.write(`${harmless(written, { oneLine: true })}\n`);
  } finally {
    progress.close();
  }
}
