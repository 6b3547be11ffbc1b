import { formatBytes, formatDuration } from '../text.ts';

/** Receives what is going on, in words, and how much of it is done (0 to 1) where that is known. */
export type Progress = (message: string, fraction?: number) => void;

/**
 * How a transfer goes: bytes, rate, time left.
 *
 * @param done bytes there, of `total` (undefined when nobody knows)
 * @param moved bytes of them that were moved in the last `seconds`
 */
export function describeTransfer(done: number, total: number | undefined, moved: number, seconds: number): string {
  const rate = seconds > 0 ? moved / seconds : 0;
  const words = [total === undefined ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`];
  if (rate > 0) words.push(`${formatBytes(rate)}/s`);
  if (rate > 0 && total !== undefined && total > done) words.push(`${formatDuration((total - done) / rate)} left`);
  return words.join(', ');
}

/** Reports a transfer twice a second at most, and at its start and end. `from` is the number of bytes already there. */
export function transferReporter(what: string, total: number | undefined, from: number, progress: Progress) {
  const started = performance.now();
  let last = -Infinity;
  return (done: number): void => {
    const now = performance.now();
    if (now - last < 500 && done !== total) return;
    last = now;
    const words = describeTransfer(done, total, done - from, (now - started) / 1000);
    progress(`${what}: ${words}`, total ? Math.min(1, done / total) : undefined);
  };
}
