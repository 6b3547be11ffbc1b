import type { Job as QueueJob } from 'bullmq';
import { VmkilnError } from '../errors.ts';
import { type BuildData, cancelled } from './queue-jobs.ts';
import type { QueueStore } from './queue-store.ts';

/** Looks whether somebody has cancelled a job that is under way: `signal` aborts when `look` has seen it. */
export function lookedFor(
  { id = '', queueName }: Pick<QueueJob, 'id' | 'queueName'>,
  store: QueueStore,
): { signal: AbortSignal; look: () => Promise<void> } {
  const controller = new AbortController();
  const look = async () => {
    const now = await store.queue(queueName).getJob(id);
    if ((now?.data as Pick<BuildData, 'cancelled'> | undefined)?.cancelled) {
      controller.abort(new VmkilnError('INTERRUPTED', cancelled));
    }
  };
  return {
    signal: controller.signal,
    look: () => look().catch(store.report),
  };
}
