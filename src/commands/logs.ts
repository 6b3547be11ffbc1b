import { findBuild, listBuilds } from '../pipeline/builds.ts';
import { followEvents, readEvents } from '../pipeline/event-file.ts';
import { openPaths } from '../pipeline/request.ts';
import { readOwners } from '../store/owner.ts';
import { openUi, type CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln logs`: the events of a build as the plain display prints them, by default of the latest. `follow` goes on until the
 * build has ended.
 *
 * @throws VmkilnError USAGE, INTERRUPTED.
 */
export async function logs(
  word: string | undefined,
  { follow, json }: { follow?: boolean; json?: boolean },
  { signal, world }: CommandContext,
): Promise<void> {
  const { build, folder, recipe } = findBuild(await listBuilds(world), word);
  const paths = await openPaths(world);
  const out = { recipes: [recipe], stdout: process.stdout, stderr: process.stdout, env: world.env };
  const ui = await openUi(json ? 'json' : 'plain', out);
  const isRunning = async () =>
    (await readOwners(paths)).some(({ owner, alive }) => owner.build === build && alive && !owner.kept);
  if (!follow) for (const event of await readEvents(folder)) ui.emit(event, 0);
  else for await (const event of followEvents(folder, { isRunning, signal })) ui.emit(event, 0);
  await ui.close();
  signal.throwIfAborted();
}
