import { serialOfBuild } from '../targets/serial.ts';
import { wait } from '../wait.ts';
import type { LoadedFactory } from './load.ts';
import { type Make, type MadeBuild, Postponed } from './make-build.ts';
import { type BuildData, buildId, buildQueue, type BuildRecord, jobOptions, recordOf } from './queue-jobs.ts';
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
  say: (message: string) => void,
): Make {
  const { night: most } = factory.limits;
  const until = most === undefined ? {} : { until: startedAt + most * 1000 };
  let last = '';
  return async ({ name, entry }, wish, { signal, began }) => {
    const queue = store.queue(buildQueue(factory.name, entry.labels));
    const jobId = buildId(night, name);
    const data: BuildData = { image: name, serial: serialOfBuild(night), ...wish, ...until };
    const add = () => queue.add('build', data, { ...jobOptions, jobId, keepLogs: 2000 });
    for (let isThere = false; ; await wait(pause, `waiting for ${jobId}`, signal)) {
      try {
        const job = isThere ? await queue.getJob(jobId) : await add().then(() => queue.getJob(jobId));
        isThere = true;
        if (job === undefined) throw new BuildFailure({ code: 'UNKNOWN', message: `its job ${jobId} was removed` });
        const record = recordOf(job);
        if (record?.build !== undefined) began(record.build);
        // One that was lost before it was done keeps the reason of that.
        const state = job.finishedOn === undefined ? undefined : await job.getState();
        if (state === 'completed') return madeBy(record);
        if (state === 'failed')
          throw new BuildFailure(record?.failure ?? { code: 'UNKNOWN', message: job.failedReason });
      } catch (error) {
        if (error instanceof BuildFailure || error instanceof Postponed) throw error;
        // The lease of the night is lost too if its server stays away.
        const { message } = store.failure(error);
        if (message !== last) say(message);
        last = message;
      }
    }
  };
}

/** @throws Postponed, BuildFailure when nothing is known of it */
function madeBy(record: BuildRecord | undefined): MadeBuild {
  if (record === undefined) throw new BuildFailure({ code: 'UNKNOWN', message: 'nothing is known of its build' });
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
