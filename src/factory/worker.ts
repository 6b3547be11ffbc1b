import type { Worker } from 'bullmq';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Paths } from '../store/paths.ts';
import { unlessAborted } from '../wait.ts';
import { gate } from './gate.ts';
import type { Job } from './jobs.ts';
import { renewal } from './lease.ts';
import type { LoadedFactory } from './load.ts';
import type { Builder } from './queue-build.ts';
import { nightQueue, servedQueues } from './queue-jobs.ts';
import { reconcile } from './queue-nights.ts';
import { answered, patience, type QueueStore } from './queue-store.ts';
import type { NightSummary } from './summary.ts';
import { carryOut } from './worker-build.ts';
import { decide } from './worker-night.ts';
import { roomOf, roomPause } from './worker-room.ts';

/** How a worker works. `lease` is in seconds; `builds` are so many at the same time; with `nights` it decides what is built, too. */
export type WorkerOptions = { labels: readonly string[]; builds: number; lease: number; nights: boolean };

/** A factory with its entries. */
export type ReadFactory = { loaded: LoadedFactory; jobs: readonly Job[] };

/** What a worker works with. */
export type WorkerContext = Pick<Builder, 'command' | 'hidden' | 'world'> & {
  store: QueueStore;
  paths: Paths;
  /** Reads the factory, which may have changed since the worker began: for each night, and each build. */
  read: () => Promise<ReadFactory>;
  /** Told to stop, it takes nothing more, and ends what it has begun. */
  signal: AbortSignal;
  say: (message: string) => void;
  /** Tells of a night. */
  report: (summary: NightSummary, loaded: LoadedFactory) => Promise<void>;
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
  const { store, paths, signal, say } = context;
  const { factory } = loaded;
  await unlessAborted(reconcile(loaded, jobs, store), signal);
  const leases = { lockDuration: lease * 1000, lockRenewTime: lease * 1000 * renewal, stalledInterval: lease * 1000 };
  const common = { ...leases, autorun: false, name: hostname() };
  let [deciding, inside, isFull] = [0, 0, false];
  const decider: Worker | undefined = nights
    ? store.worker(
        nightQueue(factory.name),
        async (job, token) => {
          deciding += 1;
          try {
            await decide(job, token, { ...context, worker: decider, lease });
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
      if (inside < builds && !isFull) each.resume();
      else void each.pause(true);
    }
  };
  const room = roomOf(paths, () => {
    if (isFull) return;
    say(`no room for builds here: looking again in ${roomPause / 1000} s`);
    isFull = true;
    balance();
    setTimeout(() => {
      isFull = false;
      if (!signal.aborted) balance();
    }, roomPause).unref();
  });
  const builders: Worker[] = servedQueues(factory.name, jobs, labels).map((name) => {
    const worker: Worker = store.worker(
      name,
      async (job, token) => {
        inside += 1;
        balance();
        try {
          return await carryOut(job, token, worker, { ...context, lease, enter, room });
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
  // One that cannot be made ready, for its server is just being restarted, would ask without end and never be.
  await unlessAborted(answered(Promise.all(all.map((worker) => worker.waitUntilReady()))), signal);
  say(`takes builds from ${builders.map(({ name }) => name).join(', ') || 'no queue: its labels fit no entry'}`);
  if (nights) say(`decides the nights of ${factory.name}`);
  const running = all.map((worker) => worker.run().catch(store.report));
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
