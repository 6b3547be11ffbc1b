import type { Ahead, Event, ImageDifference, Published, StageName } from '../model.ts';
import type { Failure } from '../pipeline/events.ts';
import { stages } from '../pipeline/stages.ts';

/** One line of a build's stage list. `since` is in milliseconds of the epoch, `seconds` is wall time. */
export type Row = {
  stage: StageName | 'prepare';
  state: 'waiting' | 'running' | 'done' | 'reused' | 'skipped' | 'failed' | 'interrupted';
  because: string;
  since: number | undefined;
  seconds: number | undefined;
  /** Seconds that it is likely to take. */
  predicted: number | undefined;
  /** The command that runs now, and what was last said about its progress. */
  command: readonly string[] | undefined;
  message: string;
  fraction: number | undefined;
};

/** A build as its events have described it so far. */
export type BuildView = {
  name: string;
  /** Its id, once it has spoken. */
  build: string | undefined;
  rehearsal: boolean;
  folder: string | undefined;
  /** When it began, in milliseconds of the epoch. */
  since: number | undefined;
  /** The stages that it expects to run. */
  ahead: readonly Ahead[];
  rows: Row[];
  warnings: { message: string; hint?: string }[];
  /** How the image differs from the last that was published, if it does. */
  difference: Pick<ImageDifference, 'since' | 'summary'> | undefined;
  published: Published[];
  failure: Failure | undefined;
  seconds: number | undefined;
};

/** A build before its first event. `name` is what to call it until it says so itself. */
export function emptyView(name: string): BuildView {
  const row = (stage: Row['stage']): Row => ({
    stage,
    state: 'waiting',
    because: '',
    since: undefined,
    seconds: undefined,
    predicted: undefined,
    command: undefined,
    message: '',
    fraction: undefined,
  });
  return {
    name,
    build: undefined,
    rehearsal: false,
    folder: undefined,
    since: undefined,
    ahead: [],
    rows: [row('prepare'), ...stages.map(({ name: stage }) => row(stage))],
    warnings: [],
    difference: undefined,
    published: [],
    failure: undefined,
    seconds: undefined,
  };
}

/** Brings a view up to date with one more event of its build, in place. */
export function applyEvent(view: BuildView, event: Event): void {
  const at = Date.parse(event.at);
  view.since ??= at;
  view.build ??= event.build;
  switch (event.type) {
    case 'build-started':
      view.name = event.name;
      view.rehearsal = event.rehearsal;
      view.folder = event.folder;
      view.ahead = event.ahead ?? [];
      return;
    case 'stage-started':
      rowOf(view, event.stage).message = '';
      endPrepare(view, at);
      Object.assign(rowOf(view, event.stage), {
        state: 'running',
        since: at,
        because: event.because,
        predicted: event.predicted?.seconds,
      });
      return;
    case 'stage-finished':
      Object.assign(rowOf(view, event.stage), { state: 'done', seconds: event.seconds });
      return;
    case 'stage-reused':
      endPrepare(view, at);
      Object.assign(rowOf(view, event.stage), { state: 'reused', because: event.because });
      return;
    case 'stage-skipped':
      endPrepare(view, at);
      Object.assign(rowOf(view, event.stage), { state: 'skipped', because: event.because });
      return;
    case 'command-started':
      if (!event.control) {
        Object.assign(rowOf(view, event.stage), { command: event.argv, message: '', fraction: undefined });
      }
      return;
    case 'command-finished':
      return;
    case 'progress': {
      const row = rowOf(view, event.stage);
      if (event.stage !== 'prepare') endPrepare(view, at);
      if (event.stage === 'prepare' && row.state === 'waiting') Object.assign(row, { state: 'running', since: at });
      Object.assign(row, { message: event.message, fraction: event.fraction });
      return;
    }
    case 'warning':
      view.warnings.push(
        event.hint === undefined ? { message: event.message } : { message: event.message, hint: event.hint },
      );
      return;
    case 'difference':
      view.difference = { since: event.since, summary: event.summary };
      return;
    case 'published': {
      const { type: _type, at: _at, build: _build, ...published } = event;
      view.published.push(published);
      return;
    }
    case 'failed': {
      const { type: _type, at: _at, build: _build, ...failure } = event;
      view.failure = failure;
      // A failure before the first stage belongs to the preparation.
      const row = view.rows.find((each) => each.stage === failure.stage || each.state === 'running') ?? view.rows[0];
      if (row !== undefined && (row.state === 'running' || row.state === 'waiting')) {
        const seconds = row.since === undefined ? undefined : (at - row.since) / 1000;
        Object.assign(row, { state: isInterrupted(view) ? 'interrupted' : 'failed', seconds });
      }
      return;
    }
    case 'build-finished':
      view.seconds = event.seconds;
      endPrepare(view, at);
      return;
    default:
      event satisfies never;
  }
}

/** Whether the build was stopped before its end, which is no failure of its own. */
export function isInterrupted({ failure }: BuildView): boolean {
  return failure?.code === 'INTERRUPTED';
}

/** How long a running stage runs already, in seconds; `now` is in milliseconds of the epoch. */
export function elapsed({ since }: Pick<Row, 'since'>, now: number): number {
  return since === undefined ? 0 : Math.max(0, (now - since) / 1000);
}

/** Whether a running stage takes longer than it did in earlier builds. */
export function isLate(row: Row, now: number): boolean {
  return row.state === 'running' && row.predicted !== undefined && elapsed(row, now) > row.predicted;
}

/**
 * The seconds until a build is over, going by earlier builds: `least` says that it will take longer, for of one of its stages
 * nothing is known, or it is late. Undefined when nothing is known.
 */
export function timeLeft(view: BuildView, now: number): { seconds: number; least: boolean } | undefined {
  const open = view.ahead.flatMap(({ stage, seconds }) => {
    const row = rowOf(view, stage);
    if (row.state === 'waiting') return [seconds];
    if (row.state !== 'running') return [];
    return [seconds === undefined || isLate(row, now) ? undefined : seconds - elapsed(row, now)];
  });
  const known = open.filter((seconds) => seconds !== undefined);
  if (known.length === 0) return undefined;
  return { seconds: known.reduce((sum, seconds) => sum + seconds, 0), least: known.length < open.length };
}

/** The stage that has said what it waits for. */
export function waitingRow(view: BuildView): Row | undefined {
  return view.rows.find(({ state, message }) => state === 'waiting' && message !== '');
}

function rowOf(view: BuildView, stage: Row['stage']): Row {
  const row = view.rows.find((each) => each.stage === stage);
  if (row === undefined) throw new Error(`no row for stage ${stage}`);
  return row;
}

function endPrepare(view: BuildView, at: number): void {
  const row = rowOf(view, 'prepare');
  if (row.state === 'waiting') row.state = 'skipped';
  if (row.state === 'running') Object.assign(row, { state: 'done', seconds: (at - (row.since ?? at)) / 1000 });
}
