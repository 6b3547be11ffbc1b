import { resolve } from 'node:path';
import type { NightSummary } from '../factory/summary.ts';
import { contextOf, type Options, words } from './options.ts';

/**
 * One night of a factory: builds what is due and has changed, publishes, promotes, cleans up, writes the page and sends the messages. What
 * fails is in the summary, and no error; a call that is stopped resolves with what it has.
 *
 * @param factory path of factory.yaml.
 * @returns the summary (`docs/formats.md`), or undefined when another night of this factory was under way.
 * @throws VmkilnError FACTORY_INVALID, VARIABLE_INVALID, USAGE, before anything is built; INTERRUPTED while it waits.
 */
export async function nightly(
  factory: string,
  options: Options & {
    /** Names of images: these alone, due or not. */
    images?: readonly string[];
    /** Values of the factory's variables, and a YAML file of them. */
    set?: Readonly<Record<string, string>>;
    vars?: string;
    /** Build nothing: say what would be built, and why. */
    dryRun?: boolean;
    /** Whether to wait for the end of another night of this factory. */
    wait?: boolean;
    /** Folder for the page, in place of the factory's own. */
    report?: string;
    onProgress?: (message: string) => void;
  } = {},
): Promise<NightSummary | undefined> {
  const [{ loadFactory }, { chosen, readJobs }, { runNight }, { readVariables }, { tellNight }] = await Promise.all([
    import('../factory/load.ts'),
    import('../factory/jobs.ts'),
    import('../factory/night.ts'),
    import('../recipe/variables.ts'),
    import('../report/tell-night.ts'),
  ]);
  const { emit, signal, world } = contextOf(options);
  const { images = [], set, vars, dryRun = false, wait = false, onProgress = () => undefined } = options;
  const path = (name: string) => resolve(world.cwd, name);
  const variables = await readVariables({ set: words(set), ...(vars !== undefined && { vars: path(vars) }) });
  const loaded = await loadFactory(factory, variables, world.cwd);
  const jobs = chosen(await readJobs(loaded, world), images);
  const summary = await runNight(
    loaded,
    jobs,
    { dryRun, asked: images.length > 0, ifRunning: wait ? 'wait' : 'leave' },
    { signal, world, emit: (event) => emit(event), ended: () => undefined, say: onProgress },
  );
  if (!summary || dryRun) return summary;
  const report = options.report === undefined ? loaded.factory.report : path(options.report);
  return tellNight(summary, loaded.factory, { report, signal, world });
}
