import type { Worker } from 'bullmq';
import { VmkilnError } from '../errors.ts';

/** What a job says that lost its lease more often than it is tried. */
export const leaseLost = 'the lease of the job was lost';

/** A lease is renewed at this part of it at the latest, counted from the last answer (`startLockExtenderTimer` in BullMQ's lock-manager). */
export const renewal = 0.25;

/** A build is ended at this part of its lease, so that it is over when another worker may begin it. */
const part = 0.75;

/**
 * Watches over the lease of one job, which the worker renews: when that did not work for too long, for the server is away, this process was
 * stopped or somebody else has the job, the signal aborts. BullMQ tells of a renewal that was refused, but not of one that could not be asked for
 * (`extendLocks` in its lock-manager).
 *
 * @param seconds how long a lease is. `renewed` is called after each renewal.
 */
export function watchLease(
  worker: Worker | undefined,
  id: string,
  seconds: number,
  renewed: () => void,
): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const lose = () => {
    controller.abort(
      new VmkilnError('INTERRUPTED', leaseLost, {
        hint: 'another worker has it, or will have it',
      }),
    );
  };
  let [last, heard] = [performance.now(), performance.now()];
  const onRenewed = ({ jobIds }: { jobIds: string[] }) => {
    if (!jobIds.includes(id)) return;
    const now = performance.now();
    // An answer may be late, for the network was cut: the lease began anew when it was asked for, which is not said.
    last = Math.min(now, heard + seconds * 1000 * renewal);
    heard = now;
    renewed();
  };
  const onRefused = (ids: string[]) => void (ids.includes(id) && lose());
  const timer = setInterval(() => void (performance.now() - last > seconds * 1000 * part && lose()), seconds * 50);
  worker?.on('locksRenewed', onRenewed).on('lockRenewalFailed', onRefused);
  return {
    signal: controller.signal,
    end: () => {
      clearInterval(timer);
      worker?.off('locksRenewed', onRenewed).off('lockRenewalFailed', onRefused);
    },
  };
}
