import type { Job as QueueJob, Worker } from 'bullmq';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Paths } from '../store/paths.ts';
import { gate } from './gate.ts';
import { type Job, readJobs } from './jobs.ts';
import { watchLease } from './lease.ts';
import type { LoadedFactory } from './load.ts';
import { notNow, renewMedia, statementsBy, toldBy } from './make-build.ts';
import { prune, runNight } from './night.ts';
import { type Builder, buildByChild } from './queue-build.ts';
import { type BuildData, type BuildRecord, nightQueue, recordOf, servedQueues } from './queue-jobs.ts';
import { makeByWorkers } from './queue-make.ts';
import { begin, reconcile } from './queue-nights.ts';
import { patience, type QueueStore } from './queue-store.ts';
import type { NightSummary } from './summary.ts';

/** How a worker works. `lease` is in seconds; `builds` are so many at the same time; with `nights` it decides what is built, too. */
export type WorkerOptions = { labels: readonly string[]; builds: number; lease: number; nights: boolean };

/** What a worker works with. */
export type WorkerContext = Pick<Builder, 'command' | 'hidden' | 'world'> & {
  store: QueueStore;
  paths: Paths;
  /** Told to stop, it takes nothing more, and ends what it has begun. */
  signal: AbortSignal;
  say: (message: string) => void;
  /** Tells of a night. */
  report: (summary: NightSummary) => Promise<void>;
};

/** A build that is lost with its worker so often is parked: it may be what its workers die of. */
const mostLosses = 3;
/** A night builds nothing itself. */
const mostNightLosses = 100;

/** Takes fitting builds of a factory from the queue, and its nights, until `signal` aborts. @throws VmkilnError QUEUE_FAILED */
export async function work(
  loaded: LoadedFactory,
  jobs: readonly Job[],
  { labels, builds, lease, nights }: WorkerOptions,
  context: WorkerContext,
): Promise<void> {
  const { store, signal, say } = context;
  const { factory } = loaded;
  await reconcile(loaded, jobs, store);
  const leases = { lockDuration: lease * 1000, lockRenewTime: lease * 250, stalledInterval: lease * 1000 };
  const common = { ...leases, autorun: false, name: hostname() };
  let [deciding, inside] = [0, 0];
  const decider: Worker | undefined = nights
    ? store.worker(
        nightQueue(factory.name),
        async (job, token) => {
          deciding += 1;
          try {
            await decide(loaded, job, token, { ...context, worker: decider, lease });
          } finally {
            deciding -= 1;
          }
        },
        { ...common, maxStalledCount: mostNightLosses },
      )
    : undefined;
  const enter = gate(builds);
  // Who has its hands full takes nothing from the other queues: a job that waits here could be built elsewhere.
  const balance = () => {
    for (const each of builders) {
      if (inside < builds) each.resume();
      else void each.pause(true);
    }
  };
  const builders: Worker[] = servedQueues(factory.name, jobs, labels).map((name) => {
    const worker: Worker = store.worker(
      name,
      async (job) => {
        inside += 1;
        balance();
        try {
          return await carryOut(job, worker, enter, { ...context, lease, loaded, entries: jobs });
        } finally {
          inside -= 1;
          if (!signal.aborted) balance();
        }
      },
      { ...common, maxStalledCount: mostLosses, concurrency: builds },
    );
    return worker;
  });
  const all = [...(decider ? [decider] : []), ...builders];
  say(`takes builds from ${builders.map(({ name }) => name).join(', ') || 'no queue: its labels fit no entry'}`);
  if (nights) say(`decides the nights of ${factory.name}`);
  const running = all.map((worker) => worker.run().catch((error: unknown) => say(store.failure(error).message)));
  await new Promise<void>((stop) => {
    if (signal.aborted) stop();
    signal.addEventListener('abort', () => stop(), { once: true });
  });
  const closed = Promise.all([...all.map((worker) => worker.close()), ...running]);
  if (!(await hasEnded(closed, () => deciding + inside > 0))) {
    say('the server of the queue does not answer: what it was not told, another worker finds in the target');
  }
}

/**
 * Whether workers end once what they have begun has ended. BullMQ waits without end for a server that is away, and for a connection that is being
 * made anew at that moment, of which ioredis never says that it has ended.
 */
async function hasEnded(closed: Promise<unknown>, isBusy: () => boolean): Promise<boolean> {
  const step = 500;
  const isClosed = closed.then(() => true);
  for (let idle = 0; idle < patience; idle = isBusy() ? 0 : idle + step) {
    if (await Promise.race([isClosed, sleep(step, false)])) return true;
  }
  return false;
}

/**
 * A night: as on one host, but that workers build. One that has to stop is put back, and goes on from there: what is in the queue stays there, and
 * what has ended is remembered.
 */
async function decide(
  loaded: LoadedFactory,
  job: QueueJob,
  token: string | undefined,
  { store, worker, lease, world, signal, say, report }: WorkerContext & { worker: Worker | undefined; lease: number },
): Promise<void> {
  const { UnrecoverableError, WaitingError } = await import('bullmq');
  const { id, startedAt, images, asked = false, of: night = id } = await begin(loaded, job);
  const watched = watchLease(worker, job.id ?? '', lease, () => undefined);
  try {
    const entries = (await readJobs(loaded, world)).filter(({ name }) => images?.includes(name) ?? true);
    say(`night ${id} begins`);
    const make = makeByWorkers(loaded, { night, startedAt }, store, say);
    const summary = await runNight(
      loaded,
      entries,
      { dryRun: false, asked, ifRunning: 'wait' },
      {
        ...{ id, make, world, say, emit: () => undefined },
        signal: AbortSignal.any([signal, watched.signal]),
        ended: ({ name, outcome }) => say(`${id}: ${name} ${outcome}`),
      },
    );
    watched.signal.throwIfAborted();
    if (signal.aborted) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    if (summary) await report(summary);
  } catch (error) {
    // What is wrong with the factory is so at the next try too.
    const isWrong = error instanceof VmkilnError && error.code !== 'INTERRUPTED' && !watched.signal.aborted;
    throw isWrong ? new UnrecoverableError(error.message) : error;
  } finally {
    watched.end();
  }
}

type CarryOut = Omit<WorkerContext, 'report'> & { lease: number; loaded: LoadedFactory; entries: readonly Job[] };

/** One build. It ends with its lease, and is put back then; one that failed by itself is parked. */
async function carryOut(
  job: QueueJob,
  worker: Worker,
  enter: ReturnType<typeof gate>,
  { store, paths, lease, loaded, entries, command, hidden, world, say, signal: stop }: CarryOut,
): Promise<BuildRecord> {
  const { UnrecoverableError } = await import('bullmq');
  const { image, serial, from, renewMedia: renews, until } = job.data as BuildData;
  const entry = entries.find(({ name }) => name === image);
  if (!entry) throw new UnrecoverableError(`the factory on ${hostname()} makes no image ${image}`);
  // Its last worker had finished it, and could not say so any more.
  const before = recordOf(job);
  if (before?.told && !before.failure) return before;
  const cancelled = new AbortController();
  const look = async () => {
    const now = await store.queue(job.queueName).getJob(job.id ?? '');
    if ((now?.data as BuildData | undefined)?.cancelled) {
      cancelled.abort(new VmkilnError('INTERRUPTED', 'it was cancelled by `vmkiln factory cancel`'));
    }
  };
  const quietly = (telling: Promise<unknown>) => telling.catch((error: unknown) => say(store.failure(error).message));
  // One after the other: on PostgreSQL two lines of a log at once get the same number, and one is lost.
  let told: Promise<unknown> = Promise.resolve();
  const watched = watchLease(worker, job.id ?? '', lease, () => void quietly(look()));
  const signal = AbortSignal.any([watched.signal, cancelled.signal]);
  const pruning = (what: 'checkpoints' | 'all') => prune(loaded, { world, signal: stop }, what);
  try {
    let known: BuildRecord = { host: hostname(), published: [] };
    const record = await enter(async () => {
      const postponed = await refusal(loaded, until, paths, async () => void (await pruning('checkpoints')));
      if (postponed !== undefined) return { ...known, postponed };
      if (renews) await renewMedia(entry, { paths, http: { signal, progress: () => undefined, env: world.env } });
      say(`${image}: build begins (${job.id})`);
      return buildByChild(entry.entry, {
        ...{ command, hidden, limit: loaded.factory.limits.build, world, signal, serial },
        ...(from !== undefined && { from }),
        tell: (current, event) => {
          known = { ...current };
          const [now, line] = [known, JSON.stringify(event)];
          told = told.then(() => quietly(Promise.all([job.updateProgress(now), job.log(line)])));
        },
      });
    });
    await told;
    const { build, folder } = record;
    if (!record.failure && build !== undefined && folder !== undefined) {
      record.told = await toldBy({ build, folder }, paths);
      // What stays in place of this image is not what it speaks of.
      const isOwn = record.published.every(({ already }) => already === undefined);
      const statements = isOwn ? await statementsBy(build, paths) : undefined;
      if (statements !== undefined) record.statements = statements;
    }
    await job.updateProgress(record);
    if (record.failure) {
      const where = record.bundle ?? record.folder;
      const place = where === undefined ? '' : `; see ${record.host}:${where}`;
      throw new UnrecoverableError(`${record.failure.message.split('\n')[0]} (${record.failure.code}${place})`);
    }
    say(`${image}: ${record.postponed ?? 'built'}`);
    if (record.postponed === undefined) {
      await pruning('all').catch((error: unknown) => say(`nothing was removed: ${messageOf(error)}`));
    }
    return record;
  } catch (error) {
    if (!(error instanceof UnrecoverableError)) say(`${image}: ${messageOf(error)}`);
    if (cancelled.signal.aborted && !watched.signal.aborted) throw new UnrecoverableError(messageOf(error));
    throw error;
  } finally {
    watched.end();
  }
}

/** Why a build does not begin on this host, if it does not. `until` is in milliseconds since 1970. */
function refusal(
  { factory }: LoadedFactory,
  until: number | undefined,
  paths: Paths,
  makeRoom: () => Promise<void>,
): Promise<string | undefined> {
  const { night } = factory.limits;
  const startedAt = until === undefined || night === undefined ? Date.now() : until - night * 1000;
  return notNow(factory, startedAt, paths, makeRoom);
}
