import type { Queue } from 'bullmq';
import type { Paths } from '../store/paths.ts';
import type { LoadedFactory } from './load.ts';
import { withoutRoom } from './make-build.ts';

/**
 * The room of a worker's host. Without it, a worker would take one job after the other and put off all of them: it pauses for others to take
 * them, and puts off what nobody took.
 */
export type Room = {
  /** Why there is none for a build, if there is none. */
  lacks: (loaded: LoadedFactory, makeRoom: () => Promise<void>) => Promise<string | undefined>;
  /** Whether another worker may build what this host has no room for: nobody had the time to take it, or some of its queue are being built. */
  isHopeful: (queue: Pick<Queue, 'getActiveCount'>) => Promise<boolean>;
};

/** Milliseconds for others to take what this host has no room for, and until it looks for room again. */
export const roomPause = 10_000;

/** @param pause stops the worker from taking builds, for `roomPause`. */
export function roomOf(paths: Paths, pause: () => void): Room {
  let since: number | undefined;
  return {
    lacks: async ({ factory: { limits } }, makeRoom) => {
      const why = await withoutRoom(limits, paths, makeRoom);
      since = why === undefined ? undefined : (since ?? performance.now());
      return why;
    },
    isHopeful: async (queue) => {
      const isNew = since === undefined || performance.now() - since < roomPause / 2;
      const isHopeful = isNew || (await queue.getActiveCount()) > 1;
      if (isHopeful) pause();
      return isHopeful;
    },
  };
}
