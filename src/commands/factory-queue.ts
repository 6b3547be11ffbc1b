import type { Job as QueueJob } from 'bullmq';
import { VmkilnError } from '../errors.ts';
import { chosen } from '../factory/jobs.ts';
import {
  allQueues,
  type BuildData,
  buildId,
  buildQueue,
  type NightData,
  nightOfBuild,
  nightQueue,
  recordOf,
} from '../factory/queue-jobs.ts';
import { putNight, reconcile } from '../factory/queue-nights.ts';
import type { Event } from '../model.ts';
import { allHarmless, jsonText } from '../text.ts';
import { type CommandContext, openUi } from '../ui/ui.ts';
import { wait } from '../wait.ts';
import { askQueues, type FactoryQueueOptions, type Open, withJob } from './with-queues.ts';

/** `vmkiln factory enqueue`: puts a night into the queue, of all that has changed or of what is named; or the schedules alone. */
export async function enqueue(
  file: string,
  images: readonly string[],
  options: FactoryQueueOptions & { schedules?: boolean },
  context: CommandContext,
): Promise<void> {
  await askQueues(file, options, context, async ({ loaded, jobs, store }) => {
    await reconcile(loaded, jobs, store);
    if (options.schedules) return;
    const names = chosen(jobs, images).map(({ name }) => name);
    const asked = images.length > 0;
    const night = await putNight(loaded, asked ? { images: names, asked } : {}, store);
    process.stdout.write(`${night}\n`);
    const workers = await store.queue(nightQueue(loaded.factory.name)).getWorkersCount();
    if (workers === 0) context.say('no worker decides nights: start one with --nights, on one host');
  });
}

const states = ['active', 'waiting', 'prioritized', 'delayed', 'failed', 'completed'] as const;

/** `vmkiln factory status`: the jobs that are there, and where they are built. */
export async function status(
  file: string,
  options: FactoryQueueOptions & { json?: boolean },
  context: CommandContext,
): Promise<void> {
  await askQueues(file, options, context, async ({ loaded, jobs, store }) => {
    const queues = await Promise.all(
      allQueues(loaded.factory.name, jobs).map(async (name) => {
        const queue = store.queue(name);
        const [paused, workers, ...lists] = await Promise.all([
          queue.isPaused(),
          queue.getWorkersCount(),
          ...states.map(async (state) => (await queue.getJobs([state], 0, 99)).map((job) => statusOf(job, state))),
        ]);
        return { queue: name, paused, workers, jobs: lists.flat() };
      }),
    );
    if (options.json) return void process.stdout.write(`${jsonText({ version: 1, queues })}\n`);
    const lines = allHarmless(queues).flatMap(({ queue, paused, workers, jobs: all }) => [
      `${queue}: ${workers} workers${paused ? ', drained' : ''}`,
      ...all.map(({ id, state, host, reason }) => `  ${[state, id, host, reason].filter(Boolean).join('  ')}`),
    ]);
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}

function statusOf(job: QueueJob, state: (typeof states)[number]) {
  const { host, build, folder, bundle } = recordOf(job) ?? {};
  return {
    id: job.id ?? '',
    name: job.name,
    state,
    host,
    build,
    folder,
    bundle,
    ...(state === 'failed' && { reason: job.failedReason }),
  };
}

/** `vmkiln factory cancel`: takes a job out of the queue; one that is built is ended by its worker. @throws VmkilnError USAGE when it has ended */
export async function cancel(
  file: string,
  id: string,
  options: FactoryQueueOptions,
  context: CommandContext,
): Promise<void> {
  await withJob(file, id, options, context, async (job, { store, loaded, jobs }) => {
    if (id.startsWith('repeat:') && !(await job.isActive())) {
      throw new VmkilnError('USAGE', `${id} is the next night of a schedule`, {
        hint: 'take `schedule` out of the factory, and say `vmkiln factory enqueue FACTORY --schedules`',
      });
    }
    const became = await cancelJob(job);
    if (became !== 'removed' && became !== 'told') {
      throw new VmkilnError('USAGE', `${id} has ended: it is ${became}`, {
        hint: 'vmkiln factory status lists what waits and what is built',
      });
    }
    let isBuilt = became === 'told';
    for (const build of await buildsOf(job, { store, loaded, jobs })) {
      if ((await cancelJob(build)) === 'told') isBuilt = true;
    }
    if (isBuilt) context.say('what is under way is ended by its worker when that next renews the lease');
  });
}

/** What a night has put into the queue: it goes with it, and comes back with it. Of a build nothing. */
async function buildsOf(
  { id, name: kind, data }: QueueJob,
  { store, loaded, jobs }: Pick<Open, 'store' | 'loaded' | 'jobs'>,
): Promise<QueueJob[]> {
  if (kind !== 'night') return [];
  const { images, id: night = id ?? '', of = night } = data as NightData;
  const named = jobs.filter(({ name }) => images?.includes(name) ?? true);
  const builds = named.map(({ name, entry }) =>
    store.queue(buildQueue(loaded.factory.name, entry.labels)).getJob(buildId(of, name)),
  );
  return (await Promise.all(builds)).filter((build) => build !== undefined);
}

/** Takes a job out of the queue, or lets its worker know. @returns which of the two, or the state of a job that has ended */
async function cancelJob(job: QueueJob): Promise<string> {
  const state = await job.getState();
  if (['completed', 'failed', 'unknown'].includes(state)) return state;
  if (state !== 'active') {
    try {
      await job.remove();
      return 'removed';
    } catch (error) {
      // A worker was quicker.
      if (!(await job.isActive())) throw error;
    }
  }
  await job.updateData({ ...(job.data as BuildData), cancelled: true });
  return 'told';
}

/** `vmkiln factory retry`: puts a job that failed back into the queue, and a build into a night of its own, which says what becomes of it. @throws VmkilnError USAGE when it did not */
export async function retry(
  file: string,
  id: string,
  options: FactoryQueueOptions,
  context: CommandContext,
): Promise<void> {
  await withJob(file, id, options, context, async (job, { store, loaded, jobs }) => {
    if ((await job.getState()) !== 'failed') {
      throw new VmkilnError('USAGE', `${id} has not failed: it is ${await job.getState()}`, {
        hint: 'vmkiln factory enqueue FACTORY IMAGE builds an image once more',
      });
    }
    for (const build of await buildsOf(job, { store, loaded, jobs })) {
      const wasCancelled = (build.data as BuildData).cancelled && (await build.getState()) === 'failed';
      if (wasCancelled) await putBack(build);
    }
    await putBack(job);
    const { image } = job.data as BuildData;
    if (job.name === 'build') {
      await putNight(loaded, { images: [image], asked: true, of: nightOfBuild(id, image) }, store);
    }
  });
}

/** Back into the queue. The end of the night that a build was of does not count any more. */
async function putBack(job: QueueJob): Promise<void> {
  const { cancelled: _, until: _until, ...data } = job.data as BuildData;
  await job.updateData(data);
  await job.retry('failed');
}

/** Milliseconds between two looks at a log that grows. */
const pause = 1000;

/** `vmkiln factory logs`: the events of a build that a worker makes, as `vmkiln logs` prints them on its host. */
export async function logs(
  file: string,
  id: string,
  options: FactoryQueueOptions & { follow?: boolean; json?: boolean },
  context: CommandContext,
): Promise<void> {
  const { signal, world } = context;
  await withJob(file, id, options, context, async (job, { store }) => {
    const out = {
      recipes: [(job.data as BuildData).image ?? id],
      stdout: process.stdout,
      stderr: process.stdout,
      env: world.env,
    };
    const ui = await openUi(options.json ? 'json' : 'plain', out);
    const queue = store.queue(job.queueName);
    for (let seen = 0, isOver = false; !isOver;) {
      isOver = !options.follow || ['completed', 'failed', 'unknown'].includes(await job.getState());
      const { logs: lines, count } = await queue.getJobLogs(id, seen);
      for (const line of lines) ui.emit(JSON.parse(line) as Event, 0);
      seen = count;
      if (!isOver) await wait(pause, 'following a log', signal);
    }
    await ui.close();
  });
}

/**
 * `vmkiln factory drain`: no job of this factory begins any more, on no host; waits for the builds under way. A night may wait for builds that do not
 * begin: it goes on when the queue does.
 */
export async function drain(
  file: string,
  options: FactoryQueueOptions & { resume?: boolean },
  context: CommandContext,
): Promise<void> {
  await askQueues(file, options, context, async ({ loaded, jobs, store }) => {
    const queues = allQueues(loaded.factory.name, jobs).map((name) => store.queue(name));
    for (const queue of queues) await (options.resume ? queue.resume() : queue.pause());
    if (options.resume) return;
    const builds = queues.filter(({ name }) => name !== nightQueue(loaded.factory.name));
    const active = async () =>
      (await Promise.all(builds.map((queue) => queue.getActiveCount()))).reduce((a, b) => a + b, 0);
    for (let left = await active(), told = 0; left > 0; left = await active()) {
      if (left !== told)
        context.say(`waiting for ${left === 1 ? 'a build that is' : `${left} builds that are`} under way`);
      told = left;
      await wait(pause, 'draining a queue', context.signal);
    }
  });
}
