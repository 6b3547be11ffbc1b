import type { Job } from './jobs.ts';
import type { LoadedFactory } from './load.ts';
import { flowOf, type NightData, nightQueue } from './queue-jobs.ts';
import type { QueueStore } from './queue-store.ts';
import type { Schedule } from './schedule.ts';
import { serialAt } from '../targets/serial.ts';

/** Puts a night into the queue. The same moment gives the same night, which is not put there twice. @returns its id */
export async function putNight(
  { factory }: LoadedFactory,
  jobs: readonly Job[],
  moment: number,
  store: QueueStore,
): Promise<string> {
  const night = `${factory.name}-${serialAt(moment)}`;
  await store.flows().add(flowOf(factory.name, jobs, night, new Date(moment).toISOString()));
  return night;
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
    await queue.upsertJobScheduler(id, { pattern: schedule.cron, tz: schedule.timezone }, { name: 'night', data });
  }
}

/** The entries that a night of the schedule is about. Pure. */
export function scheduled(jobs: readonly Job[], { images }: NightData): Job[] {
  return jobs.filter(({ name, entry }) => (images ? images.includes(name) : entry.schedule === undefined));
}
