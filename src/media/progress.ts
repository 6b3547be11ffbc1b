/** Receives what is going on, in words, and how much of it is done (0 to 1) where that is known. */
export type Progress = (message: string, fraction?: number) => void;

/** A number of bytes as people read it, in binary units. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds as people read them. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

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
  if (rate > 0 && total !== undefined && total > done) words.push(`${formatSeconds((total - done) / rate)} left`);
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
