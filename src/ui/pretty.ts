import { writeSync } from 'node:fs';
import { DefaultRenderer, Listr, ListrLogger, ProcessOutput, type ListrTask, type ListrTaskWrapper } from 'listr2';
import { adviceOf, labelled, whyOf } from './error-text.ts';
import { formatPercent, oneLine, paintFor, type Paint, publishedNote } from './format.ts';
import { applyEvent, emptyView, waitingRow, type BuildView, type Row } from './view.ts';
import type { Screen, Ui, UiOptions } from './ui.ts';
import { allHarmless, formatBytes, formatDuration, shellQuote } from '../text.ts';

type TaskWrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;

/** A promise that another party settles, once. */
type Settled = { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void };

/** A row of the screen: what listr2 shows, settled by events. */
type Line = { row: Row; task: TaskWrapper | undefined; end: Settled; ended: boolean };
type Slot = {
  view: BuildView;
  screen: Screen;
  task: TaskWrapper | undefined;
  begun: Settled;
  lines: Line[];
  warned: number;
};

/** The cursor that the display hides, shown again. */
const showCursor = '\u001B[?25h';

/**
 * A live list of the stages of one build on standard error; ui/board.ts shows several. listr2 only displays: its tasks wait for what the events say.
 * The results follow the list when it ends, whole, for a person to read and copy.
 */
export function openPretty(recipe: string, { stderr: screen, env }: Pick<UiOptions, 'stderr' | 'env'>): Ui {
  const slot = openSlot(recipe, screen);
  const options = rendererOptions(screen);
  const list = new Listr<unknown, typeof DefaultRenderer, typeof DefaultRenderer>([slotTask(slot)], {
    exitOnError: false,
    registerSignalListeners: false,
    // listr2 would ask whether standard output is a terminal; this draws on standard error, which is one.
    renderer: DefaultRenderer,
    fallbackRenderer: DefaultRenderer,
    rendererOptions: options,
    fallbackRendererOptions: options,
  });
  let drawing: { stop: () => Promise<void> } | undefined;
  return {
    emit: (raw) => {
      const event = allHarmless(raw);
      // Not before there is something to show: a recipe that is refused needs no list of stages.
      drawing ??= draw(list, slot);
      applyEvent(slot.view, event);
      slot.begun.resolve();
      refreshSlot(slot);
    },
    drop: () => endSlot(slot),
    say: (message) => {
      if (drawing === undefined) screen.write(`vmkiln: ${message}\n`);
      if (slot.task) slot.task.output = message;
    },
    close: async () => {
      endSlot(slot);
      await drawing?.stop();
      const result = resultText(slot.view, paintFor(screen, env));
      if (result !== undefined) screen.write(`${result}\n`);
    },
  };
}

/** Starts the display. Whatever ends the process, the cursor comes back. */
function draw(list: { run(): Promise<unknown> }, slot: Slot): { stop: () => Promise<void> } {
  const clock = setInterval(() => refreshSlot(slot), 1000);
  const atExit = () => void (slot.screen === process.stderr && writeSync(2, showCursor));
  process.once('exit', atExit);
  const running = list.run().catch(() => undefined);
  return {
    stop: async () => {
      clearInterval(clock);
      await running;
      process.removeListener('exit', atExit);
    },
  };
}

function openSlot(recipe: string, screen: Screen): Slot {
  const view = emptyView(recipe);
  const lines = view.rows.map((row): Line => ({ row, task: undefined, end: settled(), ended: false }));
  return { view, screen, task: undefined, begun: settled(), lines, warned: 0 };
}

function rendererOptions(screen: Screen) {
  return {
    collapseSubtasks: false,
    collapseSkips: true,
    logger: new ListrLogger({
      processOutput: new ProcessOutput(screen as NodeJS.WriteStream, screen as NodeJS.WriteStream),
    }),
  };
}

function settled(): Settled {
  const end: Partial<Settled> = {};
  end.promise = new Promise<void>((resolve, reject) => Object.assign(end, { resolve, reject }));
  // A row may fail before listr2 has come to it.
  end.promise.catch(() => undefined);
  return end as Settled;
}

function slotTask(slot: Slot): ListrTask<unknown, typeof DefaultRenderer, typeof DefaultRenderer> {
  const options = { outputBar: Number.POSITIVE_INFINITY, persistentOutput: true };
  return {
    title: slot.view.name,
    rendererOptions: options,
    fallbackRendererOptions: options,
    task: async (_context, task) => {
      slot.task = task as TaskWrapper;
      await slot.begun.promise;
      refreshSlot(slot);
      return task.newListr(
        slot.lines.map((line) => lineTask(line, slot.screen)),
        { concurrent: false, exitOnError: true },
      );
    },
  };
}

function lineTask(line: Line, screen: Screen): ListrTask<unknown, typeof DefaultRenderer, typeof DefaultRenderer> {
  return {
    title: line.row.stage,
    task: (_context, task) => {
      line.task = task as TaskWrapper;
      refreshLine(line, screen);
      return line.end.promise;
    },
  };
}

function refreshSlot(slot: Slot): void {
  const { view, task } = slot;
  if (task) {
    const notes = [view.rehearsal ? 'rehearsal' : '', view.failure ? 'failed' : '', timeOf(view)].filter(Boolean);
    task.title = [view.name, ...notes].join('  ');
    for (const { message, hint } of view.warnings.slice(slot.warned)) {
      task.output = `warning: ${message}${hint === undefined ? '' : `\nnext: ${hint}`}`;
    }
    slot.warned = view.warnings.length;
  }
  const waiting = waitingRow(view);
  const next = slot.lines.find((line) => !line.ended && line.task !== undefined);
  if (waiting && next?.task && next.row.state === 'waiting')
    next.task.output = oneLine(waiting.message, detailWidth(slot.screen));
  for (const line of slot.lines) refreshLine(line, slot.screen);
}

function detailWidth({ columns = 80 }: Screen): number {
  return columns - 10;
}

function timeOf(view: BuildView): string {
  return view.seconds === undefined ? '' : formatDuration(view.seconds);
}

function refreshLine(line: Line, screen: Screen): void {
  const { row, task } = line;
  if (task === undefined || line.ended) return;
  const title = rowTitle(row, Date.now());
  task.title = title;
  switch (row.state) {
    case 'waiting':
      return;
    case 'running': {
      const detail = rowDetail(row, detailWidth(screen));
      if (detail !== '') task.output = detail;
      return;
    }
    case 'failed':
      line.end.reject(new Error(title));
      break;
    case 'skipped':
      task.skip(title);
      line.end.resolve();
      break;
    case 'done':
    case 'reused':
      line.end.resolve();
      break;
    default:
      row.state satisfies never;
  }
  line.ended = true;
}

/** What is not settled when the display ends was never reached. */
function endSlot(slot: Slot): void {
  const broken = slot.view.seconds === undefined;
  const current = slot.lines.find(({ row }) => row.state === 'running') ?? slot.lines[0];
  for (const line of slot.lines) {
    const open = line.row.state === 'running' || line.row.state === 'waiting';
    // A build that just stopped speaking has failed where it was: whoever ran it says why.
    if (open) line.row.state = broken && line === current && slot.view.failure === undefined ? 'failed' : 'skipped';
    if (open && line.row.because === '') line.row.because = broken ? 'not reached' : 'not asked for';
  }
  refreshSlot(slot);
  for (const line of slot.lines) line.end.resolve();
  slot.begun.reject(new Error(`${slot.view.name}  not built`));
}

/** The one line that says how a stage stands; `now` is in milliseconds of the epoch. */
export function rowTitle(row: Row, now: number): string {
  const stage = row.stage.padEnd(9);
  switch (row.state) {
    case 'waiting':
      return stage.trimEnd();
    case 'running': {
      const time = row.since === undefined ? '' : formatDuration(Math.max(0, Math.floor((now - row.since) / 1000)));
      return [stage, time, outlook(row)].filter(Boolean).join('  ');
    }
    case 'done':
    case 'failed':
      return `${stage}  ${row.seconds === undefined ? '' : formatDuration(row.seconds)}`.trimEnd();
    case 'reused':
    case 'skipped':
      return `${stage}  ${row.state}${row.because === '' ? '' : `: ${row.because}`}`;
    default:
      return row.state satisfies never;
  }
}

/** How far a running stage is, or what it took in earlier builds while it does not say. */
export function outlook({ fraction, predicted }: Row): string {
  if (fraction !== undefined) return formatPercent(fraction);
  return predicted === undefined ? '' : `of about ${formatDuration(predicted)}`;
}

/** What a running stage does now: its command, and under it the last progress, each on one line. */
function rowDetail(row: Row, width: number): string {
  const command = row.command === undefined ? '' : oneLine(`$ ${row.command.map(shellQuote).join(' ')}`, width);
  return [command, oneLine(row.message, width)].filter(Boolean).join('\n');
}

/** What a build leaves: its images, or its failure with what to do next. Undefined while there is neither. */
export function resultText(view: BuildView, paint: Paint): string | undefined {
  const images = view.published.map((image) =>
    [
      `${paint('good', view.name)} published to ${image.target}${publishedNote(image)}`,
      labelled('image', paint('title', image.location)),
      labelled('size', formatBytes(image.size)),
      labelled('sha256', image.sha256),
    ].join('\n'),
  );
  const { failure } = view;
  const advice = failure && adviceOf(failure);
  const failed =
    failure &&
    [
      `${paint('bad', `${view.name} failed`)}${failure.stage ? ` in ${failure.stage}` : ''}: ${failure.message}`,
      ...(failure.explanation === undefined ? [] : [labelled('why', whyOf(failure.explanation))]),
      ...(advice === undefined ? [] : [labelled('next', advice)]),
      ...(failure.bundle === undefined ? [] : [labelled('bundle', failure.bundle)]),
      ...(view.folder === undefined ? [] : [labelled('build', view.folder)]),
    ].join('\n');
  const changes = view.difference && labelled('changes', `${view.difference.summary} (since ${view.difference.since})`);
  const parts = [...images, ...(changes === undefined ? [] : [changes]), ...(failed === undefined ? [] : [failed])];
  return parts.length === 0 ? undefined : parts.join('\n');
}
