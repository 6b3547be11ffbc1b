import type { Job as QueueJob } from 'bullmq';
import type { Job } from './jobs.ts';
import type { LoadedFactory } from './load.ts';
import type { BuildRecord, ReportData } from './queue-jobs.ts';
import type { QueueStore } from './queue-store.ts';
import { type EntrySummary, type NightSummary, outcomeOf } from './summary.ts';

/** What a night of many hosts came to, in the form of one on one host. */
export async function summarize(
  { night, startedAt, builds }: ReportData,
  { factory, path }: LoadedFactory,
  jobs: readonly Job[],
  store: QueueStore,
): Promise<NightSummary> {
  const entries = await Promise.all(
    builds.map(async ({ image, queue, id }) => {
      const recipe = jobs.find(({ name }) => name === image)?.entry.recipe ?? '';
      return entryOf(image, recipe, await store.queue(queue).getJob(id));
    }),
  );
  const endedAt = new Date();
  return {
    ...{ version: 1, night, factory: factory.name, file: path, dryRun: false, startedAt },
    ...{ endedAt: endedAt.toISOString(), seconds: (endedAt.getTime() - Date.parse(startedAt)) / 1000 },
    ...{ outcome: outcomeOf(entries, false), entries, warnings: [] },
  };
}

function entryOf(name: string, recipe: string, job: QueueJob | undefined): EntrySummary {
  const { host, build, seconds, published, failure } = recordOf(job) ?? {};
  const notes = host === undefined ? [] : [`on ${host}`];
  const common = {
    ...{ name, recipe, reasons: [{ kind: 'asked' as const, text: 'it was asked for' }], notes },
    ...(build !== undefined && { build }),
    ...(seconds !== undefined && { seconds }),
  };
  if (job?.finishedOn !== undefined && !job.failedReason) {
    return { ...common, outcome: 'built', ...(published && { published }) };
  }
  const reason = job ? (job.failedReason ?? 'it has not ended') : 'its job was removed';
  return { ...common, outcome: 'failed', failure: failure ?? { code: 'UNKNOWN', message: reason } };
}

/** What a job says of its build. */
export function recordOf(job: QueueJob | undefined): BuildRecord | undefined {
  const record: unknown = job?.progress;
  return typeof record === 'object' && record !== null && 'host' in record ? (record as BuildRecord) : undefined;
}
