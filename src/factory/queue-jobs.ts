import type { FlowJob } from 'bullmq';
import type { Published } from '../model.ts';
import type { Job } from './jobs.ts';
import type { NightFailure } from './summary.ts';

// What is in a queue: names and outcomes, nothing of a recipe. A worker reads its own factory, recipes and secrets.

/** A build. `cancelled` is set while it runs. */
export type BuildData = { image: string; cancelled?: boolean };
/** A night that a schedule has begun: these images, or all without a schedule of their own. */
export type NightData = { images?: string[] };
/** The report of a night, which follows its builds. */
export type ReportData = { night: string; startedAt: string; builds: { image: string; queue: string; id: string }[] };

/** What is known of a build, while it runs and afterwards. `host` is that of its folder. */
export type BuildRecord = {
  host: string;
  build?: string;
  folder?: string;
  bundle?: string;
  seconds?: number;
  published: Published[];
  failure?: NightFailure;
};

/** The queue of a factory's nights and reports. A name of a factory has no slash. */
export const nightQueue = (factory: string) => `${factory}/night`;

/** The queue of the builds that ask for these labels: there is one for each set. */
export function buildQueue(factory: string, labels: readonly string[]): string {
  return [factory, 'build', ...(labels.length === 0 ? [] : [[...new Set(labels)].toSorted().join('+')])].join('/');
}

/** The queues that a worker with these labels takes builds from. Pure. */
export function servedQueues(factory: string, jobs: readonly Job[], labels: readonly string[]): string[] {
  const fitting = jobs.filter(({ entry }) => entry.labels.every((label) => labels.includes(label)));
  return [...new Set(fitting.map(({ entry }) => buildQueue(factory, entry.labels)))];
}

/** Every queue of a factory. Pure. */
export function allQueues(factory: string, jobs: readonly Job[]): string[] {
  return [nightQueue(factory), ...new Set(jobs.map(({ entry }) => buildQueue(factory, entry.labels)))];
}

/** So long finished jobs can be looked at, in seconds: those that are done, and those that failed. */
const keepDone = { age: 14 * 86_400 };
const keepFailed = { age: 90 * 86_400 };
/** A build that lost its lease begins again so often; one that failed by itself does not. */
const attempts = 3;

/**
 * The jobs of a night: all builds, then the report. A job has one parent in BullMQ, so that images which start from each other, or from the
 * same one, are built in a row. A build that fails does not stop what follows it. Pure.
 *
 * @param jobs each after its base.
 */
export function flowOf(factory: string, jobs: readonly Job[], night: string, startedAt: string): FlowJob {
  const rows = new Map<string, Job[]>();
  for (const job of jobs) {
    const row = [...rows.values()].find((each) => each.some(({ name }) => name === job.base));
    if (row) row.push(job);
    else rows.set(job.name, [job]);
  }
  const id = ({ name }: Job) => `${night}.${name}`;
  const data: ReportData = {
    ...{ night, startedAt },
    builds: jobs.map((job) => ({ image: job.name, queue: buildQueue(factory, job.entry.labels), id: id(job) })),
  };
  const children = [...rows.values()].flatMap((row) => {
    let last: FlowJob | undefined;
    for (const job of row) {
      last = {
        name: 'build',
        queueName: buildQueue(factory, job.entry.labels),
        data: { image: job.name } satisfies BuildData,
        opts: {
          ...{ jobId: id(job), attempts, removeOnComplete: keepDone, removeOnFail: keepFailed, keepLogs: 2000 },
          ignoreDependencyOnFailure: true,
        },
        ...(last && { children: [last] }),
      };
    }
    return last ?? [];
  });
  return {
    ...{ name: 'report', queueName: nightQueue(factory), data, children },
    opts: { jobId: `${night}.report`, attempts, removeOnComplete: keepDone, removeOnFail: keepFailed },
  };
}
