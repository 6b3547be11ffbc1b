import { setTimeout as sleep } from 'node:timers/promises';
import { interrupted } from './errors.ts';

/** Waits. `doing` is what goes on meanwhile. @throws VmkilnError INTERRUPTED as soon as `signal` aborts */
export async function wait(milliseconds: number, doing: string, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw interrupted(doing, signal);
  });
}
