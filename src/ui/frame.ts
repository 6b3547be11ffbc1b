import { columnsOf, cut, oneLine, padColumns } from './columns.ts';
import { formatPercent, type Paint } from './format.ts';
import { elapsed, isInterrupted, isLate, timeLeft, waitingRow, type BuildView, type Row } from './view.ts';
import type { Dropped } from './ui.ts';
import { formatDuration, shellQuote } from '../text.ts';

/** A build on the screen; `dropped` when it never began, for a reason that whoever ran it tells. */
export type Entry = { view: BuildView; dropped?: Dropped };

/** Columns and rows of a terminal. */
export type Size = { columns: number; rows: number };

/** What lines are drawn with: `now` is in milliseconds of the epoch, `plainMarks` for fonts that have ASCII alone. */
export type Drawing = Size & { now: number; paint: Paint; plainMarks?: boolean };

type State = 'running' | 'waiting' | 'failed' | 'interrupted' | 'done' | 'queued';
/** Which are shown first where not all have room. */
const order: readonly State[] = ['running', 'waiting', 'failed', 'interrupted', 'done', 'queued'];

/** How a state is drawn: its colour, its mark, and that in ASCII. */
const looks = {
  running: ['name', '▸', '>'],
  done: ['good', '✔', '+'],
  reused: ['good', '✔', '+'],
  failed: ['bad', '✖', 'x'],
  interrupted: ['warn', '■', '!'],
  waiting: ['dim', '·', '.'],
  skipped: ['dim', '·', '.'],
  queued: ['dim', '·', '.'],
} as const;

/** Columns of the names of the stages. */
const stageColumns = 9;

/**
 * The screen while builds run, as lines narrower than the terminal and fewer than it is high: the stages of a single build, or
 * a line for each of several.
 */
export function frameLines(entries: readonly Entry[], drawing: Drawing): string[] {
  const room = Math.max(1, drawing.rows - 1);
  const [first] = entries;
  if (entries.length !== 1 || first === undefined) return severalLines(entries, drawing, room);
  const all = stageLines(first.view, drawing, { details: true });
  return (all.length <= room ? all : briefLines(first.view, drawing)).slice(0, room);
}

/** The same once the builds have ended: all of it, however high the terminal is. A build that was refused alone has no list. */
export function lastLines(entries: readonly Entry[], drawing: Drawing): string[] {
  const [first] = entries;
  if (entries.length !== 1 || first === undefined) return severalLines(entries, drawing, entries.length + 1);
  return first.dropped ? [] : stageLines(first.view, drawing, { details: false });
}

function stageLines(view: BuildView, drawing: Drawing, { details }: { details: boolean }): string[] {
  const rows = shownRows(view).flatMap((row) => [
    fit(`  ${markOf(row.state, drawing)} `, rowText(row, drawing.now), drawing),
    ...(details ? detailsOf(row).map((text) => fit('      ', text, drawing, 'dim')) : []),
  ]);
  return [headLine(view, drawing), ...rows];
}

/** A build without anything to prepare has no need to say so. */
function shownRows({ rows }: BuildView): Row[] {
  return rows.filter(({ stage, state }) => stage !== 'prepare' || state !== 'skipped');
}

/** What matters most of a build, where its list has no room: its name, the stage that runs, and what that says. */
function briefLines(view: BuildView, drawing: Drawing): string[] {
  const row = currentRow(view);
  const texts = row ? detailsOf(row).toReversed() : [];
  return [
    headLine(view, drawing),
    ...(row ? [fit(`${markOf(row.state, drawing)} `, rowText(row, drawing.now), drawing)] : []),
    ...texts.map((text) => fit('  ', text, drawing, 'dim')),
  ];
}

function currentRow(view: BuildView): Row | undefined {
  return (
    view.rows.find(({ state }) => state === 'running') ??
    waitingRow(view) ??
    view.rows.findLast(({ state }) => state !== 'waiting')
  );
}

/** The build, how long it has run, and how long it will go on. */
function headLine(view: BuildView, { now, columns, paint }: Drawing): string {
  const name = oneLine(view.name, columns - 1);
  const word = view.failure ? (isInterrupted(view) ? 'interrupted' : 'failed') : '';
  const rest = [word, timeText(view, now)].filter(Boolean).map((note) => `  ${note}`);
  return paint('title', name) + cut(rest.join(''), columns - 1 - columnsOf(name));
}

function timeText(view: BuildView, now: number): string {
  if (view.seconds !== undefined) return formatDuration(view.seconds);
  if (view.since === undefined || view.failure) return '';
  return [formatDuration(wholeSeconds((now - view.since) / 1000)), leftText(view, now)].filter(Boolean).join(', ');
}

function leftText(view: BuildView, now: number): string {
  const left = timeLeft(view, now);
  if (left === undefined) return '';
  return `${left.least ? 'more than' : 'about'} ${formatDuration(Math.ceil(left.seconds))} left`;
}

/** The one line that says how a stage stands; `now` is in milliseconds of the epoch. */
export function rowText(row: Row, now: number): string {
  const stage = row.stage.padEnd(stageColumns);
  switch (row.state) {
    case 'waiting':
      return row.stage;
    case 'running':
      return [stage, runningTime(row, now), outlook(row, now)].filter(Boolean).join('  ');
    case 'done':
    case 'failed':
    case 'interrupted':
      return [stage, row.seconds === undefined ? '' : formatDuration(row.seconds)].join('  ').trimEnd();
    case 'reused':
    case 'skipped':
      return `${stage}  ${row.state}${row.because === '' ? '' : `: ${row.because}`}`;
    default:
      return row.state satisfies never;
  }
}

function runningTime(row: Row, now: number): string {
  return row.since === undefined ? '' : formatDuration(wholeSeconds(elapsed(row, now)));
}

/** How far a running stage is, and how much of the time is left that it took in earlier builds. */
function outlook(row: Row, now: number): string {
  const { fraction, predicted } = row;
  const time =
    predicted === undefined
      ? ''
      : isLate(row, now)
        ? `late, it usually takes ${formatDuration(predicted)}`
        : `about ${formatDuration(Math.ceil(predicted - elapsed(row, now)))} left`;
  return [fraction === undefined ? '' : formatPercent(fraction), time].filter(Boolean).join('  ');
}

/** A clock that counts must not jump by rounding. */
function wholeSeconds(seconds: number): number {
  return Math.max(0, Math.floor(seconds));
}

/** What a stage does or waits for now: its command, and its last words. */
function detailsOf(row: Row): string[] {
  if (row.state === 'waiting') return row.message === '' ? [] : [row.message];
  if (row.state !== 'running') return [];
  return [row.command === undefined ? '' : `$ ${row.command.map(shellQuote).join(' ')}`, row.message].filter(Boolean);
}

/** Several builds, and below them how long all that has taken, where there is room for more than two of them. */
function severalLines(entries: readonly Entry[], drawing: Drawing, room: number): string[] {
  const since = Math.min(...entries.flatMap(({ view }) => view.since ?? []));
  if (room < 4 || since === Infinity) return boardLines(entries, drawing, room);
  const total = `total ${formatDuration(wholeSeconds((drawing.now - since) / 1000))}`;
  return [...boardLines(entries, drawing, room - 1), fit('  ', total, drawing, 'dim')];
}

/** A line for each of several builds; those that do not fit `room` are counted in the last one. */
function boardLines(entries: readonly Entry[], drawing: Drawing, room: number): string[] {
  const states = entries.map(stateOf);
  const ranked = [...entries.keys()].toSorted((a, b) => rank(states[a]) - rank(states[b]));
  const shown = new Set(ranked.slice(0, entries.length > room ? room - 1 : room));
  const names = entries.filter((_entry, index) => shown.has(index)).map(({ view }) => columnsOf(view.name));
  const width = Math.min(Math.max(0, ...names), Math.max(1, drawing.columns - 3));
  const lines = entries.flatMap(({ view }, index) => {
    if (!shown.has(index)) return [];
    const state = states[index] ?? 'queued';
    const name = padColumns(oneLine(view.name, width), width);
    return [fit(`${markOf(state, drawing)} `, `${name}  ${entryText(view, state, drawing.now)}`, drawing)];
  });
  const hidden = states.filter((_state, index) => !shown.has(index));
  if (hidden.length === 0) return lines;
  const counts = order.flatMap((state) => {
    const count = hidden.filter((each) => each === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return [...lines, fit('… ', `${hidden.length} more: ${counts.join(', ')}`, drawing, 'dim')];
}

function rank(state: State | undefined): number {
  return order.indexOf(state ?? 'queued');
}

function stateOf({ view, dropped }: Entry): State {
  if (view.failure) return isInterrupted(view) ? 'interrupted' : 'failed';
  if (dropped) return dropped === 'refused' ? 'failed' : dropped;
  if (view.seconds !== undefined) return 'done';
  if (view.rows.some(({ state }) => state === 'running')) return 'running';
  if (waitingRow(view)) return 'waiting';
  return view.rows.every(({ state }) => state === 'waiting') ? 'queued' : 'running';
}

function entryText(view: BuildView, state: State, now: number): string {
  switch (state) {
    case 'queued':
      return 'queued';
    case 'done':
      return `done in ${formatDuration(view.seconds ?? 0)}`;
    case 'failed':
    case 'interrupted': {
      const stage = view.failure?.stage;
      if (view.failure) return `${state}${stage === undefined ? '' : ` in ${stage}`}`;
      return state === 'failed' ? 'refused' : state;
    }
    case 'waiting':
    case 'running': {
      const row = currentRow(view);
      return row ? currentText(row, now) : '';
    }
    default:
      return state satisfies never;
  }
}

function currentText(row: Row, now: number): string {
  const words = [row.stage.padEnd(stageColumns)];
  if (row.state === 'running') words.push(runningTime(row, now).padStart(6), outlook(row, now).padStart(5));
  return [...words, detailsOf(row).at(-1) ?? ''].filter((word) => word.trim() !== '').join('  ');
}

function markOf(state: Row['state'] | State, { paint, plainMarks = false }: Drawing): string {
  const [role, mark, ascii] = looks[state];
  return paint(role, plainMarks ? ascii : mark);
}

/** A line of `head` and a text, or as much of it as is narrower than the terminal. */
function fit(head: string, text: string, { columns, paint }: Drawing, role?: 'dim'): string {
  const line = text.trimEnd().replace(/\s*[\n\r\t]\s*/g, ' ');
  return cut(head + (role ? paint(role, line) : line), columns - 1);
}
