import { setTimeout as sleep } from 'node:timers/promises';
import { interrupted } from './errors.ts';

/** Waits. `doing` is what goes on meanwhile. @throws VmkilnError INTERRUPTED as soon as `signal` aborts */
export async function wait(milliseconds: number, doing: string, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw interrupted(doing, signal);
  });
}

/** What was asked for, unless `signal` aborts first: nobody waits for the answer then. @throws the reason of `signal`; what `asked` rejects with */
export async function unlessAborted<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([asked, aborted]);
  } finally {
    over.abort();
  }
}
