import type { JobsOptions, Job as QueueJob } from 'bullmq';
import type { Published, StageName } from '../model.ts';
import type { Serial } from '../targets/serial.ts';
import type { Job } from './jobs.ts';
import type { Told } from './make-build.ts';
import type { NightFailure } from './summary.ts';

// What is in a queue: names and outcomes, nothing of a recipe. A worker reads its own factory, recipes and secrets.

/**
 * A build. `serial` says which publication it is, however often it is made; `until` (milliseconds since 1970) when it is too late to begin;
 * `cancelled` is set while it runs.
 */
export type BuildData = {
  image: string;
  serial: Serial;
  from?: StageName;
  renewMedia: boolean;
  until?: number;
  cancelled?: boolean;
};

/** What a job that was cancelled says. */
export const cancelled = 'it was cancelled by `vmkiln factory cancel`';

/**
 * A night: of these images, or all; `asked` says that a person named them. `of` is an earlier one, of whose builds it takes what has been done once
 * more. One that has begun has an `id`, and the moment at which it did so (milliseconds since 1970). `cancelled` is set while it runs.
 */
export type NightData = {
  id?: string;
  startedAt?: number;
  images?: string[];
  asked?: boolean;
  of?: string;
  cancelled?: boolean;
};

/** What is known of a build, while it runs and afterwards. `host` is that of its folder. */
export type BuildRecord = {
  host: string;
  build?: string;
  folder?: string;
  bundle?: string;
  seconds?: number;
  published: Published[];
  failure?: NightFailure;
  /** Why it did not begin. */
  postponed?: string;
  /** When it has come to its end: what it tells the next night, and what it says of its image. */
  told?: Told;
  statements?: string;
};

/** The queue of a factory's nights. A name of a factory has no slash. */
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

/** The job of an image in a night. */
export const buildId = (night: string, image: string) => `${night}.${image}`;

/** The night of such a job. */
export const nightOfBuild = (id: string, image: string) => id.slice(0, -image.length - 1);

/** A build that lost its lease begins again, and one that failed by itself does not. Finished jobs can be looked at for so many seconds. */
export const jobOptions: JobsOptions = {
  attempts: 3,
  removeOnComplete: { age: 14 * 86_400 },
  removeOnFail: { age: 90 * 86_400 },
};

/** A night goes on whenever its server, or the host that decides, comes back. */
export const nightOptions: JobsOptions = { ...jobOptions, attempts: 100, backoff: { type: 'fixed', delay: 5000 } };

/** What a job says of its build. */
export function recordOf(job: Pick<QueueJob, 'progress'> | undefined): BuildRecord | undefined {
  const record: unknown = job?.progress;
  return typeof record === 'object' && record !== null && 'host' in record ? (record as BuildRecord) : undefined;
}
