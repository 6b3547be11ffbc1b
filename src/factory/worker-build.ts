import type { Job as QueueJob, Worker } from 'bullmq';
import { hostname } from 'node:os';
import { messageOf } from '../errors.ts';
import { unlessAborted, wait } from '../wait.ts';
import type { gate } from './gate.ts';
import { watchLease } from './lease.ts';
import type { LoadedFactory } from './load.ts';
import { renewMedia, statementsBy, toldBy, tooLate } from './make-build.ts';
import { prune } from './night.ts';
import { buildByChild } from './queue-build.ts';
import { type BuildData, type BuildRecord, cancelled, recordOf } from './queue-jobs.ts';
import { answered } from './queue-store.ts';
import { lookedFor } from './worker-cancel.ts';
import type { Room } from './worker-room.ts';
import type { WorkerContext } from './worker.ts';

type CarryOut = Omit<WorkerContext, 'report'> & { lease: number; enter: ReturnType<typeof gate>; room: Room };

/** One build. It ends with its lease, and is put back then, as it is when this host has no room for it; one that failed by itself is parked. */
export async function carryOut(
  job: QueueJob,
  token: string | undefined,
  worker: Worker,
  { store, paths, lease, read, enter, room, command, hidden, world, say, signal: stop }: CarryOut,
): Promise<BuildRecord> {
  const { UnrecoverableError, WaitingError } = await import('bullmq');
  const { image, serial, from, renewMedia: renews, until } = job.data as BuildData;
  // Its last worker had finished it, and could not say so any more.
  const before = recordOf(job);
  if (before?.told && !before.failure) return before;
  const wish = lookedFor(job, store);
  const quietly = (telling: Promise<unknown>) => telling.catch(store.report);
  // One after the other: on PostgreSQL two lines of a log at once get the same number, and one is lost.
  let told: Promise<unknown> = Promise.resolve();
  const watched = watchLease(worker, job.id ?? '', lease, () => void wish.look());
  const signal = AbortSignal.any([watched.signal, wish.signal]);
  const putBack = async () => {
    await answered(job.moveToWait(token));
    throw new WaitingError();
  };
  try {
    const { loaded, jobs } = await read();
    const entry = jobs.find(({ name }) => name === image);
    if (!entry) throw new UnrecoverableError(`${loaded.path} on ${hostname()} makes no image ${image}`);
    const pruning = (what: 'checkpoints' | 'all') => prune(loaded, { world, signal: stop }, what);
    let known: BuildRecord = { host: hostname(), published: [] };
    const record = await enter(async () => {
      const late = isOver(loaded, until);
      const full =
        late === undefined ? await room.lacks(loaded, async () => void (await pruning('checkpoints'))) : undefined;
      // Others that build may have the room, or will have it.
      if (full !== undefined && (await room.isHopeful(store.queue(job.queueName)))) return undefined;
      const postponed = late ?? full;
      if (postponed !== undefined) return { ...known, postponed };
      if (renews) await renewMedia(entry, { paths, http: { signal, progress: () => undefined, env: world.env } });
      say(`${image}: build begins (${job.id})`);
      return buildByChild(entry.entry, {
        ...{ command, hidden, limit: loaded.factory.limits.build, world, signal, serial },
        ...(from !== undefined && { from }),
        tell: (current, event) => {
          known = { ...current };
          const [now, line] = [known, JSON.stringify(event)];
          told = told.then(() => quietly(Promise.all([job.updateProgress(now), job.log(line)])));
        },
      });
    });
    if (record === undefined) return await putBack();
    // A server that is away for longer than the lease lets another worker build it: this one is not to wait for ever.
    await unlessAborted(told, watched.signal);
    const { build, folder } = record;
    if (!record.failure && build !== undefined && folder !== undefined) {
      record.told = await toldBy({ build, folder }, paths);
      // What stays in place of this image is not what it speaks of.
      const isOwn = record.published.every(({ already }) => already === undefined);
      const statements = isOwn ? await statementsBy(build, paths) : undefined;
      if (statements !== undefined) record.statements = statements;
    }
    await tellUntilLost(() => job.updateProgress(record), watched.signal, store.report);
    if (record.failure) {
      // Somebody has stopped the build, and not its worker: it is tried again, a few times.
      if (record.failure.code === 'INTERRUPTED')
        throw new Error(`the build was interrupted: ${record.failure.message}`);
      const where = record.bundle ?? record.folder;
      const place = where === undefined ? '' : `; see ${record.host}:${where}`;
      throw new UnrecoverableError(`${record.failure.message.split('\n')[0]} (${record.failure.code}${place})`);
    }
    say(`${image}: ${record.postponed ?? 'built'}`);
    if (record.postponed === undefined) {
      await pruning('all').catch((error: unknown) => say(`nothing was removed: ${messageOf(error)}`));
    }
    return record;
  } catch (error) {
    if (error instanceof WaitingError) throw error;
    say(`${image}: ${messageOf(error)}`);
    if (wish.signal.aborted && !watched.signal.aborted) throw new UnrecoverableError(cancelled);
    // A lease that is lost is no try.
    if (watched.signal.aborted) await putBack();
    throw error;
  } finally {
    watched.end();
  }
}

/** Milliseconds until a server is told again what it refused, for it is full. */
const pause = 1000;

/** Tells a server what came of a build until it takes it: what an hour has made is not to be made again. @throws VmkilnError INTERRUPTED when the lease is lost */
async function tellUntilLost(
  tell: () => Promise<unknown>,
  lost: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  for (;;) {
    try {
      await unlessAborted(tell(), lost);
      return;
    } catch (error) {
      lost.throwIfAborted();
      failed(error);
    }
    await wait(pause, 'telling of a build', lost);
  }
}

/** Why it is too late for a build. `until` is in milliseconds since 1970. */
function isOver({ factory: { limits } }: LoadedFactory, until: number | undefined): string | undefined {
  if (until === undefined || limits.night === undefined) return undefined;
  return tooLate(limits, until - limits.night * 1000);
}
