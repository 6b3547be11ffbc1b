const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

const rounders = { nearest: Math.round, up: Math.ceil, down: Math.floor } as const;

/**
 * A number of bytes for people, in binary units: `219 MiB`, `1.5 GiB`. One decimal below ten, none above. What is needed is
 * rounded up and what is free down, so that the first is never told as no more than the second.
 */
export function formatBytes(bytes: number, rounding: keyof typeof rounders = 'nearest'): string {
  const round = rounders[rounding];
  let [value, unit] = [bytes, 0];
  // 1023.5 would be rounded to "1024 KiB".
  while (round(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const tenths = round(value * 10);
  return `${unit > 0 && tenths < 100 ? tenths / 10 : round(value)} ${byteUnits[unit]}`;
}

/** A number of seconds for people: `0.4s`, `42s`, `1m 04s`, `2h 05m`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.95) return `${Math.max(0, seconds).toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${twoDigits(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
}

/** A moment (milliseconds of the epoch) as the clock on the wall shows it, for log lines: `15:01:04`. */
export function formatClock(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

/** The day of a moment where this host is: `2026-11-29`. */
export function formatDay(at: number): string {
  const date = new Date(at);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** Control characters, and those that turn the direction of text around or hide: they forge what a terminal shows. */
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * A text that a terminal does not obey, whoever chose the names in it: unsafe characters become `\u{…}`. Line ends and
 * tabs stay, unless it has to be one line; a carriage return is part of a line's end, or unsafe.
 */
export function harmless(text: string, { oneLine = false } = {}): string {
  return text.replace(unsafe, (character, at: number) => {
    const isKept = character === '\n' || character === '\t' || (character === '\r' && text[at + 1] === '\n');
    return isKept && !oneLine ? character : `\\u{${codeOf(character)}}`;
  });
}

/** Plain data with every text in it harmless. */
export function allHarmless<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, each: unknown) =>
    typeof each === 'string' ? harmless(each) : each,
  ) as T;
}

/** A value as JSON that a terminal does not obey either: to a reader of JSON nothing is changed. `indent` is 0 for one line. */
export function jsonText(value: unknown, indent = 2): string {
  return (JSON.stringify(value, null, indent) ?? 'null').replace(unsafe, (character) =>
    character === '\n' ? character : `\\u${codeOf(character).padStart(4, '0')}`,
  );
}

function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}

/**
 * One word for a POSIX shell. Words without special characters stay as they are, for those who read the result. Python's
 * shlex, which Anaconda splits kickstart lines with, reads it alike.
 */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : singleQuote(text);
}

/** A text in the single quotes of a POSIX shell, where nothing is special. */
export function singleQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Alternatives in a sentence: `a, b or c`. */
export function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** The candidate that `word` is most likely a slip of, or undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // Two letters that changed places count as two.
  let least = (word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}

/** `, did you mean "x"?`, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? '' : `, did you mean "${found}"?`;
}

/** Number of single-character insertions, deletions and replacements between two words (Levenshtein). */
export function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 20) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
