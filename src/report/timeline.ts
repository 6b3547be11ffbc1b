import { scaleLinear, scaleUtc } from 'd3-scale';
import type { Event } from '../model.ts';
import type { CommandRecord } from '../pipeline/builds.ts';
import { formatDuration } from '../text.ts';
import { type Drawing, rounded } from './drawing.ts';

/** What took time: a stage, or a command of one. Seconds since the build's first event. */
export type Span = {
  kind: 'stage' | 'command';
  name: string;
  state: 'done' | 'failed' | 'cut';
  from: number;
  to: number;
};

const width = 960;
const left = 190;
const right = 70;
const rowHeight = { stage: 22, command: 16 };

/** The stages that ran, each followed by its commands; one that was cut short lasts until the last event. Pure. */
export function spansOf(events: readonly Event[], commands: readonly CommandRecord[]): Span[] {
  const [first] = events;
  if (!first) return [];
  const end = secondsSince(first, events.at(-1)?.at ?? first.at);
  const stages = events.flatMap((event): { stage: string; span: Span }[] => {
    if (event.type !== 'stage-started') return [];
    const { stage } = event;
    const from = secondsSince(first, event.at);
    const over = events.find(
      (other) => (other.type === 'stage-finished' || other.type === 'failed') && other.stage === stage,
    );
    const state = over === undefined ? 'cut' : over.type === 'failed' ? 'failed' : 'done';
    return [
      { stage, span: { kind: 'stage', name: stage, state, from, to: over ? secondsSince(first, over.at) : end } },
    ];
  });
  const prepared = stages[0]?.span.from ?? end;
  const prepare: Span = { kind: 'stage', name: 'prepare', state: 'done', from: 0, to: prepared };
  return [
    ...(prepared < 1 ? [] : [prepare]),
    ...stages.flatMap(({ stage, span }) => [
      span,
      ...commands.filter((command) => command.stage === stage).map((command) => commandSpan(command, first, span.to)),
    ]),
  ];
}

function commandSpan({ argv, startedAt, seconds, exitCode }: CommandRecord, first: Event, end: number): Span {
  const from = secondsSince(first, startedAt);
  const state = seconds === undefined ? 'cut' : exitCode === 0 ? 'done' : 'failed';
  return { kind: 'command', name: argv[0] ?? '', state, from, to: seconds === undefined ? end : from + seconds };
}

function secondsSince(first: Event, at: string): number {
  return Math.max(0, (Date.parse(at) - Date.parse(first.at)) / 1000);
}

/** The spans as bars over time, a row each. Pure. */
export function drawTimeline(spans: readonly Span[]): Drawing {
  const end = Math.max(1, ...spans.map(({ to }) => to));
  const { ticks, at } = timeScale(end, [left, width - right]);
  let y = 8;
  const rows = spans.map((span) => {
    const row = { span, y, height: rowHeight[span.kind] };
    y += row.height + (span.kind === 'stage' ? 4 : 2);
    return row;
  });
  const stages = spans.filter(({ kind }) => kind === 'stage');
  return {
    ...{ id: 'timeline', title: 'Timeline of stages and commands', path: '' },
    description: stages.map(({ name, from, to }) => `${name} ${formatDuration(to - from)}`).join(', '),
    ...{ width, height: y + 24 },
    lines: ticks.map((tick) => ({ kind: 'grid', x1: at(tick), x2: at(tick), y1: 4, y2: y })),
    shapes: rows.map(({ span, y: top, height }) => ({
      kind: `${span.kind} ${span.state}`,
      ...{ x: at(span.from), y: top, height, width: Math.max(2, rounded(at(span.to) - at(span.from))) },
      title: spanText(span),
    })),
    texts: [
      ...rows.map(({ span, y: top, height }) => ({
        kind: `end ${span.kind}-name`,
        ...{ x: left - 8, y: top + height / 2 + 5, text: span.name },
      })),
      ...rows.map(({ span, y: top, height }) => ({
        kind: 'start took',
        ...{ x: at(span.to) + 6, y: top + height / 2 + 5, text: formatDuration(span.to - span.from) },
      })),
      ...ticks.map((tick) => ({ kind: 'middle tick', x: at(tick), y: y + 18, text: tickText(tick) })),
    ],
  };
}

function spanText({ name, state, from, to }: Span): string {
  const how = { done: '', failed: ', failed', cut: ', cut short' }[state];
  return `${name}: ${formatDuration(to - from)}, from ${formatDuration(from)} on${how}`;
}

/** A scale of seconds whose ticks are round times, such as 30 s or 5 min. Pure. */
export function timeScale(
  end: number,
  range: readonly [number, number],
): { ticks: number[]; at: (seconds: number) => number } {
  const ticks = scaleUtc()
    .domain([0, end * 1000])
    .ticks(6);
  const scale = scaleLinear([0, end], range);
  return { ticks: ticks.map((tick) => tick.getTime() / 1000), at: (seconds) => rounded(scale(seconds)) };
}

/** Pure. */
export function tickText(seconds: number): string {
  return seconds === 0 ? '0' : formatDuration(seconds);
}

/** How far an installation had come, as its log said: seconds since the stage began, and a fraction of the whole. */
export type Phase = { seconds: number; message: string; fraction: number };

/** The phases of the installation; those of a first attempt that hung come first. Pure. */
export function phasesOf(events: readonly Event[]): Phase[] {
  const began = events.find((event) => event.type === 'stage-started' && event.stage === 'install');
  if (!began) return [];
  return events.flatMap((event) => {
    if (event.type !== 'progress' || event.stage !== 'install' || event.fraction === undefined) return [];
    return [{ seconds: secondsSince(began, event.at), message: event.message, fraction: event.fraction }];
  });
}

/** The installation's way to its end as steps, until `end` seconds after it began. Pure. */
export function drawPhases(phases: readonly Phase[], end: number): Drawing {
  const height = 200;
  const bottom = height - 28;
  const { ticks, at } = timeScale(Math.max(1, end), [60, width - right]);
  const up = scaleLinear([0, 1], [bottom, 12]);
  const corners = phases.flatMap(({ seconds, fraction }, index) => [
    [at(seconds), rounded(up(phases[index - 1]?.fraction ?? 0))],
    [at(seconds), rounded(up(fraction))],
  ]);
  const last = corners.at(-1)?.[1] ?? bottom;
  const percents = [0, 0.25, 0.5, 0.75, 1];
  return {
    ...{ id: 'phases', title: 'Progress of the installation', width, height, shapes: [] },
    description: phases.map(({ seconds, message }) => `${message} at ${formatDuration(seconds)}`).join(', '),
    lines: percents.map((part) => ({
      kind: 'grid',
      x1: 60,
      x2: width - right,
      y1: rounded(up(part)),
      y2: rounded(up(part)),
    })),
    path: [...corners, [at(Math.max(1, end)), last]].map((corner) => corner.join(',')).join(' '),
    texts: [
      ...percents.map((part) => ({ kind: 'end tick', x: 52, y: rounded(up(part)) + 4, text: `${part * 100} %` })),
      ...ticks.map((tick) => ({ kind: 'middle tick', x: at(tick), y: height - 8, text: tickText(tick) })),
    ],
  };
}
