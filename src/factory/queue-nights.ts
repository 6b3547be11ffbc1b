import { setTimeout as sleep } from 'node:timers/promises';
import type { Job as QueueJob } from 'bullmq';
import { messageOf } from '../errors.ts';
import type { Job } from './jobs.ts';
import type { LoadedFactory } from './load.ts';
import { type NightData, nightOptions, nightQueue } from './queue-jobs.ts';
import type { QueueStore } from './queue-store.ts';
import type { Schedule } from './schedule.ts';
import { serialNow } from '../targets/serial.ts';

/** Puts a night into the queue. @returns its id */
export async function putNight(
  { factory }: Pick<LoadedFactory, 'factory'>,
  data: Omit<NightData, 'id'>,
  store: QueueStore,
): Promise<string> {
  const id = `${factory.name}-${serialNow()}`;
  const night: NightData = { ...data, id };
  await store.queue(nightQueue(factory.name)).add('night', night, { ...nightOptions, jobId: id });
  return id;
}

/**
 * Notes in its job that a night begins: whoever begins it again finds the same id, whose end is the serial of all that it publishes. One of a
 * schedule has lain there since the one before, whose time does not count.
 */
export async function begin(
  { factory }: Pick<LoadedFactory, 'factory'>,
  job: Pick<QueueJob, 'data' | 'updateData'>,
): Promise<NightData & { id: string; startedAt: number }> {
  const data = job.data as NightData;
  const { id = `${factory.name}-${serialNow()}`, startedAt = Date.now() } = data;
  const begun = { ...data, id, startedAt };
  if (data.startedAt === undefined) await job.updateData(begun);
  return begun;
}

/** Makes the schedules in the queue those of the factory: one of its nights, and one of each entry that has its own. */
export async function reconcile({ factory }: LoadedFactory, jobs: readonly Job[], store: QueueStore): Promise<void> {
  const queue = store.queue(nightQueue(factory.name));
  const wanted = new Map<string, { schedule: Schedule; data: NightData }>();
  if (factory.schedule) wanted.set('night', { schedule: factory.schedule, data: {} });
  for (const { name, entry } of jobs) {
    if (entry.schedule) wanted.set(`image/${name}`, { schedule: entry.schedule, data: { images: [name] } });
  }
  for (const { key } of await queue.getJobSchedulers()) if (!wanted.has(key)) await queue.removeJobScheduler(key);
  for (const [id, { schedule, data }] of wanted) {
    const pattern = { pattern: schedule.cron, tz: schedule.timezone };
    await insist(() => queue.upsertJobScheduler(id, pattern, { name: 'night', data, opts: nightOptions }));
  }
}

/** Of two hosts that set a schedule at one moment, BullMQ refuses one on PostgreSQL (`SchedulerJobIdCollision`); it may be unlucky more than once. */
async function insist(set: () => Promise<unknown>, tries = 20): Promise<void> {
  try {
    await set();
  } catch (error) {
    if (tries === 0 || !messageOf(error).includes('job ID already exists')) throw error;
    await sleep(Math.random() * 200);
    await insist(set, tries - 1);
  }
}
