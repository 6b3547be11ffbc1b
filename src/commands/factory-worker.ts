import { hostname } from 'node:os';
import { messageOf } from '../errors.ts';
import { readJobs } from '../factory/jobs.ts';
import { loadFactory } from '../factory/load.ts';
import { type ReadFactory, work } from '../factory/worker.ts';
import { probeAppliance } from '../host/probe.ts';
import { openPaths } from '../pipeline/request.ts';
import { readVariables } from '../recipe/variables.ts';
import { tellNight } from '../report/tell-night.ts';
import { allHarmless } from '../text.ts';
import { nightText } from '../ui/night-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type FactoryQueueOptions, withQueues } from './with-queues.ts';

/** `vmkiln factory worker`: builds what the queue has until it is told to stop, which is its end: status 0; what it has begun it ends. */
export async function worker(
  file: string,
  options: FactoryQueueOptions & { label: string[]; jobs: number; lease: number; nights?: boolean },
  context: CommandContext,
): Promise<void> {
  const { signal, world, say } = context;
  const { accelerator } = await probeAppliance(world, signal, say);
  const labels = [process.arch === 'x64' ? 'x86_64' : process.arch, accelerator, ...options.label];
  await withQueues(file, options, context, async ({ loaded, jobs, store, hidden }) => {
    say(`worker on ${hostname()}, labels ${labels.join(', ')}`);
    const { jobs: builds, lease, nights = false } = options;
    await work(
      loaded,
      jobs,
      { labels, builds, lease, nights },
      {
        ...{ store, signal, say, world, hidden, paths: await openPaths(world) },
        command: [process.execPath, process.argv[1] ?? ''],
        read: rereading(file, options, { loaded, jobs }, context),
        report: async (summary, { factory }) => {
          const told = await tellNight(summary, factory, { report: factory.report, signal, world });
          process.stdout.write(`${nightText(allHarmless(told))}\n`);
        },
      },
    );
  }).catch((error: unknown) => {
    // Told so while it waited for its server.
    if (error !== signal.reason) throw error;
  });
}

/** Reads a factory anew whenever it is asked. One that has become wrong, or another one, is taken as it was before. */
function rereading(
  file: string,
  options: FactoryQueueOptions,
  first: ReadFactory,
  { world, say }: Pick<CommandContext, 'world' | 'say'>,
): () => Promise<ReadFactory> {
  let last = first;
  return async () => {
    try {
      const loaded = await loadFactory(file, await readVariables(options), world.cwd);
      const { name } = first.loaded.factory;
      if (loaded.factory.name === name) last = { loaded, jobs: await readJobs(loaded, world) };
      else say(`${loaded.path} is another factory now: start the worker anew to serve it instead of ${name}`);
    } catch (error) {
      say(`the factory is taken as it was before: ${messageOf(error)}`);
    }
    return last;
  };
}
