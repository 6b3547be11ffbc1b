import type { Job as QueueJob } from 'bullmq';
import { VmkilnError } from '../errors.ts';
import { type Job, readJobs } from '../factory/jobs.ts';
import { type LoadedFactory, loadFactory } from '../factory/load.ts';
import { queueAddress, type QueueOptions } from '../factory/queue-address.ts';
import { allQueues, nightQueue } from '../factory/queue-jobs.ts';
import { openQueues, type QueueStore } from '../factory/queue-store.ts';
import { readVariables } from '../recipe/variables.ts';
import { harmless } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { unlessAborted } from '../wait.ts';

/** What every command about a queue is given. */
export type FactoryQueueOptions = QueueOptions & { set: string[]; vars?: string };

/** Milliseconds in which the same is not said again. */
const sayPause = 60_000;

/** The queues of a factory. */
export type Open = { loaded: LoadedFactory; jobs: Job[]; store: QueueStore; hidden: string | undefined };

/** Reads the factory, whose entries say which queues there are, and opens these. */
export async function withQueues<T>(
  file: string,
  options: FactoryQueueOptions,
  { world, say, signal }: CommandContext,
  body: (open: Open) => Promise<T>,
): Promise<T> {
  const address = queueAddress(options, world.env);
  const loaded = await loadFactory(file, await readVariables(options), world.cwd);
  const jobs = await readJobs(loaded, world);
  // A server that is away, or full, is asked again and again.
  const said = new Map<string, number>();
  const report = ({ message }: VmkilnError) => {
    const now = performance.now();
    if (now - (said.get(message) ?? -Infinity) < sayPause) return;
    said.set(message, now);
    say(message);
  };
  const store = await openQueues(address, report, signal);
  try {
    const result = await body({ loaded, jobs, store, hidden: address.secretVariable });
    await store.close();
    return result;
  } catch (error) {
    // A server that does not answer says no farewell.
    throw store.failure(error);
  }
}

/** The same for a command that only asks: it ends as soon as it is told to, whatever the server does. */
export async function askQueues<T>(
  file: string,
  options: FactoryQueueOptions,
  context: CommandContext,
  body: (open: Open) => Promise<T>,
): Promise<T> {
  return withQueues(file, options, context, (open) => unlessAborted(body(open), context.signal));
}

/** Finds a job of a factory by its id. @throws VmkilnError USAGE when there is none */
export async function withJob(
  file: string,
  id: string,
  options: FactoryQueueOptions,
  context: CommandContext,
  body: (job: QueueJob, open: Open) => Promise<void>,
): Promise<void> {
  await askQueues(file, options, context, async (open) => {
    const { loaded, jobs, store } = open;
    for (const name of allQueues(loaded.factory.name, jobs)) {
      const job = await store.queue(name).getJob(id);
      if (job) return body(job, open);
    }
    throw new VmkilnError('USAGE', `${nightQueue(loaded.factory.name)} and its builds have no job ${harmless(id)}`, {
      hint: 'vmkiln factory status lists those that are there',
    });
  });
}
