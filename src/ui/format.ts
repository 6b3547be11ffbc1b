import { styleText } from 'node:util';

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes for people, in binary units: `219 MiB`, `1.5 GiB`. One decimal below ten, none above. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 would be rounded to "1024 KiB".
  while (value >= 1023.5 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = value < 9.95 && unit > 0 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0);
  return `${text} ${byteUnits[unit]}`;
}

/** A number of seconds for people: `0.4s`, `42s`, `1m 04s`, `2h 05m`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.95) return `${Math.max(0, seconds).toFixed(1)}s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
}

/** A number of seconds as a clock for log lines: `00:01:04`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
}

/** A fraction of one as a whole percentage, rounded down so that 100 % means done. */
export function formatPercent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`;
}

const bare = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Quotes one word for a POSIX shell, and leaves plain words as they are. */
export function quoteWord(word: string): string {
  return bare.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Makes a text one line of at most `width` characters, with an ellipsis for what does not fit. */
export function oneLine(text: string, width: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** What a piece of text is, for colouring. */
type Role = 'title' | 'good' | 'bad' | 'warn' | 'dim' | 'name';

/** Marks a text by its role: with colour on a terminal, unchanged elsewhere. */
export type Paint = (role: Role, text: string) => string;

const styles = { title: 'bold', good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', name: 'cyan' } as const;

/** Leaves every text as it is. */
export const noPaint: Paint = (_role, text) => text;

/** The paint for a stream: colours only on a terminal, and never under NO_COLOR (no-color.org) or TERM=dumb. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const colour = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return colour ? (role, text) => styleText(styles[role], text, { validateStream: false }) : noPaint;
}
