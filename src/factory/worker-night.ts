import type { Job as QueueJob, Worker } from 'bullmq';
import { hostname } from 'node:os';
import { VmkilnError } from '../errors.ts';
import { unlessAborted } from '../wait.ts';
import { watchLease } from './lease.ts';
import { runNight } from './night.ts';
import { answered } from './queue-store.ts';
import { cancelled } from './queue-jobs.ts';
import { makeByWorkers } from './queue-make.ts';
import { begin } from './queue-nights.ts';
import { lookedFor } from './worker-cancel.ts';
import type { WorkerContext } from './worker.ts';

/**
 * A night: as on one host, but that workers build. One that has to stop is put back, and goes on from there: what is in the queue stays there, and
 * what has ended is remembered.
 */
export async function decide(
  job: QueueJob,
  token: string | undefined,
  {
    store,
    read,
    worker,
    lease,
    world,
    signal,
    say,
    report,
  }: WorkerContext & { worker: Worker | undefined; lease: number },
): Promise<void> {
  const { UnrecoverableError, WaitingError } = await import('bullmq');
  const wish = lookedFor(job, store);
  const watched = watchLease(worker, job.id ?? '', lease, () => void wish.look());
  try {
    const { loaded, jobs } = await read();
    const {
      id,
      startedAt,
      images,
      asked = false,
      of: night = id,
    } = await unlessAborted(begin(loaded, job), watched.signal);
    const missing = images?.filter((image) => !jobs.some(({ name }) => name === image)) ?? [];
    if (missing.length > 0)
      throw new UnrecoverableError(`${loaded.path} on ${hostname()} makes no image ${missing.join(', ')}`);
    say(`night ${id} begins`);
    const make = makeByWorkers(loaded, { night, startedAt }, store);
    const summary = await runNight(
      loaded,
      jobs.filter(({ name }) => images?.includes(name) ?? true),
      { dryRun: false, asked, ifRunning: 'wait' },
      {
        ...{ id, make, world, say, emit: () => undefined },
        signal: AbortSignal.any([signal, watched.signal, wish.signal]),
        ended: ({ name, outcome }) => say(`${id}: ${name} ${outcome}`),
      },
    );
    // One that was cancelled ends with its builds, which are out of the queue before the next look at it.
    if (!signal.aborted) await unlessAborted(wish.look(), watched.signal);
    watched.signal.throwIfAborted();
    wish.signal.throwIfAborted();
    if (signal.aborted) {
      await answered(job.moveToWait(token));
      throw new WaitingError();
    }
    if (summary) await report(summary, loaded);
  } catch (error) {
    if (wish.signal.aborted && !watched.signal.aborted) throw new UnrecoverableError(cancelled);
    // What is wrong with the factory is so at the next try too.
    const isWrong = error instanceof VmkilnError && error.code !== 'INTERRUPTED' && !watched.signal.aborted;
    if (isWrong) say(`night ${job.id}: ${error.message}`);
    throw isWrong ? new UnrecoverableError(error.message) : error;
  } finally {
    watched.end();
  }
}
