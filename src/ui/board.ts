import { writeSync } from 'node:fs';
import { oneLine, paintFor, type Paint } from './format.ts';
import { outlook, resultText } from './pretty.ts';
import { applyEvent, emptyView, waitingRow, type BuildView, type Row } from './view.ts';
import type { Ui, UiOptions } from './ui.ts';
import { allHarmless, formatDuration, shellQuote } from '../text.ts';

const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Milliseconds between two drawings. */
const frame = 100;

/** A build on the board; `refused` before its first stage, for a reason that whoever ran it tells. */
export type Entry = { view: BuildView; refused: boolean };

type State = 'running' | 'waiting' | 'failed' | 'done' | 'queued';
/** Which are shown first where not all have room. */
const order: readonly State[] = ['running', 'waiting', 'failed', 'done', 'queued'];

/**
 * Several builds at once on standard error, a line for each that changes in place. Warnings and results are written above
 * it as they come, whole, and stay.
 */
export function openBoard({ recipes, stderr: stream, env }: Omit<UiOptions, 'stdout'>): Ui {
  const paint = paintFor(stream, env);
  const entries = recipes.map((recipe): Entry => ({ view: emptyView(recipe), refused: false }));
  const warned = new Set<string>();
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;
  const atExit = () => void (stream === process.stderr && writeSync(2, showCursor));
  const draw = (above: string) => {
    const size = { columns: stream.columns ?? 80, rows: stream.rows ?? 24 };
    const lines = timer === undefined ? [] : boardLines(entries, size, Date.now(), paint);
    const back = drawn === 0 ? '' : `\u001B[${drawn}A\r\u001B[J`;
    stream.write(`${back}${above}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  return {
    emit: (raw, index) => {
      const event = allHarmless(raw);
      const entry = entries[index];
      if (entry === undefined) return;
      if (timer === undefined) {
        process.once('exit', atExit);
        stream.write(hideCursor);
        timer = setInterval(draw, frame, '');
      }
      const { view } = entry;
      applyEvent(view, event);
      if (event.type === 'warning' && !warned.has(event.message)) {
        warned.add(event.message);
        const next = event.hint === undefined ? '' : `\n  next: ${event.hint}`;
        draw(`${paint('warn', `${view.name}: warning:`)} ${event.message}${next}\n`);
      }
      if (event.type === 'failed' || event.type === 'build-finished') draw(result(view, paint));
    },
    drop: (index) => {
      if (entries[index]) entries[index].refused = true;
    },
    say: (message) => draw(`vmkiln: ${message}\n`),
    close: async () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      draw('');
      stream.write(showCursor);
      process.removeListener('exit', atExit);
    },
  };
}

function result(view: BuildView, paint: Paint): string {
  const text = resultText(view, paint);
  return text === undefined ? '' : `${text}\n`;
}

/**
 * The board as lines no longer than the terminal is wide, and fewer than it is high: those that do not fit are counted
 * in the last one. `now` is in milliseconds of the epoch.
 */
export function boardLines(
  entries: readonly Entry[],
  size: { columns: number; rows: number },
  now: number,
  paint: Paint,
): string[] {
  const room = Math.max(1, size.rows - 2);
  const states = entries.map(stateOf);
  const ranked = [...entries.keys()].toSorted((a, b) => rank(states[a]) - rank(states[b]));
  const shown = new Set(ranked.slice(0, entries.length > room ? room - 1 : room));
  const names = entries.filter((_entry, index) => shown.has(index)).map(({ view }) => view.name.length);
  const width = Math.min(Math.max(0, ...names), Math.floor(size.columns / 3));
  const lines = entries.flatMap((entry, index) =>
    shown.has(index) ? [entryLine(entry, states[index] ?? 'queued', { width, columns: size.columns, now, paint })] : [],
  );
  const hidden = states.filter((_state, index) => !shown.has(index));
  if (hidden.length === 0) return lines;
  const counts = order.flatMap((state) => {
    const count = hidden.filter((each) => each === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return [...lines, paint('dim', oneLine(`… ${hidden.length} more: ${counts.join(', ')}`, size.columns - 1))];
}

function rank(state: State | undefined): number {
  return order.indexOf(state ?? 'queued');
}

function stateOf({ view, refused }: Entry): State {
  if (refused || view.failure) return 'failed';
  if (view.seconds !== undefined) return 'done';
  if (view.rows.some(({ state }) => state === 'running')) return 'running';
  if (waitingRow(view)) return 'waiting';
  return view.rows.every(({ state }) => state === 'waiting') ? 'queued' : 'running';
}

function entryLine(
  { view }: Entry,
  state: State,
  size: { width: number; columns: number; now: number; paint: Paint },
): string {
  const { width, now, paint } = size;
  const mark = {
    running: paint('name', spinner[Math.floor(now / frame) % spinner.length] ?? ''),
    waiting: paint('warn', '◼'),
    failed: paint('bad', '✖'),
    done: paint('good', '✔'),
    queued: paint('dim', '◼'),
  }[state];
  const name = oneLine(view.name, width).padEnd(width);
  return `${mark} ${name}  ${entryText(view, state, now, size.columns - width - 5)}`.trimEnd();
}

function entryText(view: BuildView, state: State, now: number, width: number): string {
  switch (state) {
    case 'queued':
      return 'queued';
    case 'done':
      return `done in ${formatDuration(view.seconds ?? 0)}`;
    case 'failed': {
      const stage = view.failure?.stage;
      return view.failure ? `failed${stage === undefined ? '' : ` in ${stage}`}` : 'refused';
    }
    case 'waiting': {
      const row = waitingRow(view);
      return row ? columns([row.stage.padEnd(9)], row.message, width) : '';
    }
    case 'running': {
      const row = view.rows.find((each) => each.state === 'running') ?? view.rows.findLast(ended);
      return row ? runningText(row, now, width) : '';
    }
    default:
      return state satisfies never;
  }
}

function ended({ state }: Row): boolean {
  return state !== 'waiting';
}

function runningText(row: Row, now: number, width: number): string {
  const seconds = row.since === undefined ? undefined : Math.max(0, Math.floor((now - row.since) / 1000));
  const command = row.command === undefined ? '' : `$ ${row.command.map(shellQuote).join(' ')}`;
  const time = seconds === undefined ? '' : formatDuration(seconds).padStart(6);
  const ahead = outlook(row).padStart(5);
  return columns(
    [row.stage.padEnd(9), time, ahead].filter((word) => word.trim() !== ''),
    row.message || command,
    width,
  );
}

/** Words of fixed widths, and a text that takes what is left of `width`. */
function columns(fixed: readonly string[], text: string, width: number): string {
  const head = `${fixed.join('  ')}  `;
  return (head + oneLine(text, width - head.length)).slice(0, Math.max(0, width));
}
