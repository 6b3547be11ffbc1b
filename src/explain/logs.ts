import { stripVTControlCharacters } from 'node:util';
import type { LogKind } from './failure.ts';

/** The text of a log; `file` is its path in the build's folder. `first` is the number of its first line, 1 if it is whole. */
export type Log = { file: string; text: string; first?: number };

/** A log whose lines have lost what stands in the way of patterns: colours, control characters, the stamps of Anaconda. */
export type ReadLog = Required<Log>;

/** The program of a log, as `logs/NN-STAGE-PROGRAM.log` names it. */
const guestPrograms = /^(guestfish|virt-(customize|sysprep|sparsify|inspector|cat|ls|resize))$/;

/** Pure. */
export function kindOf(file: string): LogKind {
  if (file === 'events.ndjson') return 'message';
  const program = /^logs\/\d+-[^-]+-(.+)\.log$/.exec(file)?.[1];
  if (program === undefined) return 'installer';
  return guestPrograms.test(program) ? 'guest' : 'host';
}

/** Pure. Lines keep their numbers. */
export function prepareLog({ file, text, first = 1 }: Log): ReadLog {
  const whole = kindOf(file) === 'message' ? text.replace(exited, '$1\n') : text;
  return { file, first, text: clean(whole) };
}

/** How a message begins that passes on the last words of a program: they begin a line then, as in the program's log. */
const exited = /^(\S+ (?:exited with status \d+|was killed by \S+)): /;

/** `15:06:02,062 CRIT anaconda: text` says "text": Anaconda stamps every line of a message that has several. */
function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[^\P{Cc}\t\n]+/gu, '')
    .replace(/^\d\d:\d\d:\d\d,\d{3} [A-Z]+ ?[\w.]*: ?/gm, '');
}

/** Words that a line has when it tells of trouble. */
const trouble =
  /\berr(or|no)?\b|\bERR\b|fail|fatal|panic|traceback|denied|cannot|could not|couldn't|unable|not found|no such|invalid|refused|timed? ?out|abort|killed|segfault|unexpected/i;

/** A line of a log as evidence. */
export type Line = { file: string; line: number; text: string };

/**
 * The lines of logs that matter most when no cause is known, at most `count` and in their order: the last ones that tell of
 * trouble, from the last log that has any; else the end of the last log. Pure.
 */
export function linesThatMatter(logs: readonly Log[], count = 10): Line[] {
  const read = logs.map(prepareLog).map(({ file, text, first }) =>
    text
      .split('\n')
      .map((line, index): Line => ({ file, line: first + index, text: line.trimEnd() }))
      .filter((line) => line.text.trim() !== ''),
  );
  const telling = read.findLast((lines) => lines.some(({ text }) => trouble.test(text)));
  if (!telling) return read.findLast((lines) => lines.length > 0)?.slice(-count) ?? [];
  return telling.filter(({ text }) => trouble.test(text)).slice(-count);
}
