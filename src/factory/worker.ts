import type { Job as QueueJob, Worker } from 'bullmq';
import { hostname } from 'node:os';
import { messageOf, VmkilnError } from '../errors.ts';
import { gate } from './gate.ts';
import { type Job, readJobs } from './jobs.ts';
import { watchLease } from './lease.ts';
import type { LoadedFactory } from './load.ts';
import { type Builder, buildByChild } from './queue-build.ts';
import {
  type BuildData,
  type BuildRecord,
  type NightData,
  nightQueue,
  type ReportData,
  servedQueues,
} from './queue-jobs.ts';
import { putNight, reconcile, scheduled } from './queue-nights.ts';
import { recordOf, summarize } from './queue-report.ts';
import type { QueueStore } from './queue-store.ts';
import type { NightSummary } from './summary.ts';

/** How a worker works. `lease` is in seconds; `builds` are so many at the same time. */
export type WorkerOptions = { labels: readonly string[]; builds: number; lease: number };

/** What a worker works with. */
export type WorkerContext = Pick<Builder, 'command' | 'hidden' | 'world'> & {
  store: QueueStore;
  /** Told to stop, it takes nothing more, and ends what it has begun. */
  signal: AbortSignal;
  say: (message: string) => void;
  /** Tells of a night. */
  report: (summary: NightSummary) => Promise<void>;
};

/** A job that is lost with its worker so often is parked: it may be what its workers die of. */
const mostLosses = 3;

/** Takes nights, reports and fitting builds of a factory from the queue until `signal` aborts. @throws VmkilnError QUEUE_FAILED */
export async function work(
  loaded: LoadedFactory,
  jobs: readonly Job[],
  { labels, builds, lease }: WorkerOptions,
  context: WorkerContext,
): Promise<void> {
  const { store, signal, say, world, report } = context;
  const { factory } = loaded;
  await reconcile(loaded, jobs, store);
  const leases = { lockDuration: lease * 1000, lockRenewTime: lease * 250, stalledInterval: lease * 1000 };
  const common = { ...leases, maxStalledCount: mostLosses, autorun: false, name: hostname() };
  const nights = store.worker(
    nightQueue(factory.name),
    async (job) => {
      if (job.name === 'report') {
        await report(await summarize(job.data as ReportData, loaded, jobs, store));
        return;
      }
      const now = scheduled(await readJobs(loaded, world), job.data as NightData);
      if (now.length > 0) say(`night ${await putNight(loaded, now, job.timestamp, store)} begins`);
    },
    common,
  );
  const enter = gate(builds);
  let inside = 0;
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
          return await carryOut(job, worker, enter, { ...context, lease, limit: factory.limits.build, entries: jobs });
        } finally {
          inside -= 1;
          if (!signal.aborted) balance();
        }
      },
      { ...common, concurrency: builds },
    );
    return worker;
  });
  const all = [nights, ...builders];
  say(`takes builds from ${builders.map(({ name }) => name).join(', ') || 'no queue: its labels fit no entry'}`);
  const running = all.map((worker) => worker.run().catch((error: unknown) => say(store.failure(error).message)));
  await new Promise<void>((stop) => {
    if (signal.aborted) stop();
    signal.addEventListener('abort', () => stop(), { once: true });
  });
  await Promise.all(all.map((worker) => worker.close()));
  await Promise.all(running);
}

type CarryOut = Omit<WorkerContext, 'report'> & { lease: number; limit: number; entries: readonly Job[] };

/** One build. It ends with its lease, and is put back then; one that failed by itself is parked. */
async function carryOut(
  job: QueueJob,
  worker: Worker,
  enter: ReturnType<typeof gate>,
  { store, lease, limit, entries, command, hidden, world, say }: CarryOut,
): Promise<BuildRecord> {
  const { UnrecoverableError } = await import('bullmq');
  const { image } = job.data as BuildData;
  const entry = entries.find(({ name }) => name === image)?.entry;
  if (!entry) throw new UnrecoverableError(`the factory on ${hostname()} makes no image ${image}`);
  // Its last worker had finished it, and could not say so any more.
  const before = recordOf(job);
  if (before?.seconds !== undefined && !before.failure) return before;
  const cancelled = new AbortController();
  const look = async () => {
    const now = await store.queue(job.queueName).getJob(job.id ?? '');
    if ((now?.data as BuildData | undefined)?.cancelled) {
      cancelled.abort(new VmkilnError('INTERRUPTED', 'it was cancelled by `vmkiln factory cancel`'));
    }
  };
  const quietly = (telling: Promise<unknown>) =>
    void telling.catch((error: unknown) => say(store.failure(error).message));
  const watched = watchLease(worker, job.id ?? '', lease, () => quietly(look()));
  const signal = AbortSignal.any([watched.signal, cancelled.signal]);
  try {
    let known: BuildRecord = { host: hostname(), published: [] };
    const record = await enter(() => {
      say(`${image}: build begins (${job.id})`);
      return buildByChild(entry, {
        ...{ command, hidden, limit, world, signal },
        tell: (current, event) => {
          known = { ...current };
          quietly(Promise.all([job.updateProgress(known), job.log(JSON.stringify(event))]));
        },
      });
    });
    await job.updateProgress(record);
    if (record.failure) {
      const where = record.bundle ?? record.folder;
      const place = where === undefined ? '' : `; see ${record.host}:${where}`;
      throw new UnrecoverableError(`${record.failure.message.split('\n')[0]} (${record.failure.code}${place})`);
    }
    say(`${image}: built`);
    return record;
  } catch (error) {
    if (!(error instanceof UnrecoverableError)) say(`${image}: ${messageOf(error)}`);
    if (cancelled.signal.aborted && !watched.signal.aborted) throw new UnrecoverableError(messageOf(error));
    throw error;
  } finally {
    watched.end();
  }
}
