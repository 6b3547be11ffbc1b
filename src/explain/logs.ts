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
  if (!file.startsWith('logs/')) return 'installer';
  const program = /^logs\/\d+-[^-]+-(.+)\.log$/.exec(file)?.[1];
  return program !== undefined && guestPrograms.test(program) ? 'guest' : 'host';
}

/** Pure. Lines keep their numbers. */
export function prepareLog({ file, text, first = 1 }: Log): ReadLog {
  const whole = kindOf(file) === 'message' ? text.replace(exited, '$1\n') : text;
  return { file, first, text: clean(whole) };
}

/** How a message begins that passes on the last words of a program: they begin a line then, as in the program's log. */
const exited = /^(\S+ (?:exited with status \d+|was killed by \S+)): /;

/** rsyslog writes the line ends within a message so (rsyslog.conf(5), $EscapeControlCharactersOnReceive). */
const escapedLineEnd = /#012/g;
/**
 * What stands before a message of Anaconda, and before every line of one that has several: in its own logs `15:06:02,062 CRIT
 * anaconda:`, on the virtio port `<139>2026-11-28T15:06:02+00:00 localhost anaconda: packaging:` (lorax's rsyslog.conf), on the
 * console `[  170.6] anaconda[1454]:`.
 */
const stamps = [
  /^(?:<\d{1,3}>\S+ \S+ |\d\d:\d\d:\d\d,\d{3} [A-Z]+ ?)[\w./-]*(?:\[\d+\])?: ?/gm,
  /^\[ *\d+\.\d+\] anaconda\[\d+\]: ?/gm,
  /^(?:anaconda|packaging|program|storage|blivet|(?:core|modules|ui)\.[\w.]+): /gm,
];

/** Lines keep their numbers: a line end within one is U+2028, which is white space, and which `.` does not match. */
function clean(text: string): string {
  const plain = stripVTControlCharacters(text)
    .replace(/[^\P{Cc}\t\n]+/gu, '')
    .replace(escapedLineEnd, '\u2028');
  return stamps.reduce((rest, stamp) => rest.replace(stamp, ''), plain);
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
      .map((line, index): Line => ({ file, line: first + index, text: line.trimEnd().replaceAll('\u2028', ' ') }))
      .filter((line) => line.text.trim() !== ''),
  );
  const telling = read.findLast((lines) => lines.some(({ text }) => trouble.test(text)));
  if (!telling) return read.findLast((lines) => lines.length > 0)?.slice(-count) ?? [];
  return telling.filter(({ text }) => trouble.test(text)).slice(-count);
}
