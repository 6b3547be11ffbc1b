import type { Job as QueueJob, Queue } from 'bullmq';
import { serialOfBuild } from '../targets/serial.ts';
import { unlessAborted, wait } from '../wait.ts';
import { leaseLost } from './lease.ts';
import type { LoadedFactory } from './load.ts';
import { type Make, type MadeBuild, Postponed } from './make-build.ts';
import {
  type BuildData,
  buildId,
  buildQueue,
  type BuildRecord,
  cancelled,
  jobOptions,
  recordOf,
} from './queue-jobs.ts';
import type { QueueStore } from './queue-store.ts';
import { BuildFailure } from './summary.ts';

/** Milliseconds between two looks at a job. */
const pause = 1000;

/**
 * Makes builds by the workers of a queue. A build that is in the queue already, for its night was begun before, is not put there again. When
 * `signal` aborts it stays there.
 *
 * @param night the id that tells its jobs: its end is the serial of all that it publishes. `startedAt` is in milliseconds since 1970.
 */
export function makeByWorkers(
  { factory }: Pick<LoadedFactory, 'factory'>,
  { night, startedAt }: { night: string; startedAt: number },
  store: QueueStore,
): Make {
  const { night: most } = factory.limits;
  const until = most === undefined ? {} : { until: startedAt + most * 1000 };
  return async ({ name, entry }, wish, { signal, began }) => {
    const jobId = buildId(night, name);
    const data: BuildData = { image: name, serial: serialOfBuild(night), ...wish, ...until };
    const add = (queue: Queue) => queue.add('build', data, { ...jobOptions, jobId, keepLogs: 2000 });
    for (let isThere = false; ; await wait(pause, `waiting for ${jobId}`, signal)) {
      try {
        const queue = store.queue(buildQueue(factory.name, entry.labels));
        const asked = isThere ? queue.getJob(jobId) : add(queue).then(() => queue.getJob(jobId));
        const job = await unlessAborted(asked, signal);
        isThere = true;
        if (job === undefined) throw stopped('its job was taken out of the queue');
        const record = recordOf(job);
        if (record?.build !== undefined) began(record.build);
        // One that was lost before it was done keeps the reason of that.
        const state = job.finishedOn === undefined ? undefined : await job.getState();
        // What is told meanwhile may come late, from a worker that was cut off: a return value comes from who has the lease.
        if (state === 'completed') return madeBy(job.returnvalue as BuildRecord | null);
        if (state === 'failed') throw failureOfJob(job, record);
      } catch (error) {
        if (error instanceof BuildFailure || error instanceof Postponed || signal.aborted) throw error;
        // The lease of the night is lost too if its server stays away.
        store.report(error);
      }
    }
  };
}

/** That of a build which nobody finished, and which is no failure of it. */
function stopped(message: string): BuildFailure {
  return new BuildFailure({ code: 'INTERRUPTED', message });
}

/** Why a job was parked. Pure. */
function failureOfJob(
  { failedReason, data }: Pick<QueueJob, 'failedReason' | 'data'>,
  record: BuildRecord | undefined,
): BuildFailure {
  if ((data as BuildData).cancelled) return stopped(cancelled);
  if (failedReason === leaseLost) return stopped(failedReason);
  if (record?.failure) return new BuildFailure(record.failure, record.host);
  if (!isStalled(failedReason)) return new BuildFailure({ code: 'UNKNOWN', message: failedReason });
  const last = record === undefined ? '' : `, ${record.host} the last`;
  return new BuildFailure({
    code: 'UNKNOWN',
    message: `the workers that built it vanished, one after the other${last}`,
    hint: 'it may be what they die of: see their journals for a lack of memory or a crash; `vmkiln factory retry` builds it once more',
  });
}

/** What BullMQ says of a job whose workers were lost too often (`moveStalledJobsToWait`). */
function isStalled(reason: string): boolean {
  return reason.startsWith('job stalled more than');
}

/** @throws Postponed, BuildFailure when nothing is known of it */
function madeBy(record: BuildRecord | null): MadeBuild {
  if (record === null) throw new BuildFailure({ code: 'UNKNOWN', message: 'nothing is known of its build' });
  const { postponed, build = '', folder = '', published, told, host, statements } = record;
  if (postponed !== undefined) throw new Postponed(`${postponed} (on ${host})`);
  return {
    build,
    folder,
    published,
    host,
    ...(told ?? { brought: false }),
    ...(statements !== undefined && { statements }),
  };
}
