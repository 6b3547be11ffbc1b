import { scaleBand, scaleLinear } from 'd3-scale';
import type { BuildRecord } from '../pipeline/builds.ts';
import { formatBytes } from '../text.ts';
import { imageBytes, secondsOf, timeText } from '../ui/builds-text.ts';
import { type Drawing, rounded } from './drawing.ts';
import { tickText, timeScale } from './timeline.ts';

/** Builds that are drawn at most. */
const most = 30;
const width = 460;
const height = 180;
const frame = { left: 70, right: 8, top: 10, bottom: 26 };

/** A build among those of its name: bytes of its image, seconds that it took. */
export type Past = { build: string; when: string; outcome: string; seconds: number; bytes: number; isThis: boolean };

/** The latest builds of a name up to one of them, the oldest first. Pure. */
export function pastOf(all: readonly BuildRecord[], build: BuildRecord): Past[] {
  const same = all.filter(({ name, startedAt }) => name === build.name && startedAt <= build.startedAt);
  return same
    .slice(0, most)
    .toReversed()
    .map((each) => ({
      ...{ build: each.build, when: timeText(each.startedAt), outcome: each.outcome },
      seconds: secondsOf(each, Date.parse(each.startedAt)) ?? 0,
      bytes: imageBytes(each) ?? 0,
      isThis: each.build === build.build,
    }));
}

/** Duration and image size over builds, a bar each. `id` tells these drawings from others of the page. Pure. */
export function drawPast(past: readonly Past[], id: string): Drawing[] {
  const time = timeScale(Math.max(1, ...past.map(({ seconds }) => seconds)), [height - frame.bottom, frame.top]);
  const largest = Math.max(1, ...past.map(({ bytes }) => bytes));
  const unit = 1024 ** Math.floor(Math.log(largest) / Math.log(1024));
  const size = scaleLinear([0, largest / unit], [height - frame.bottom, frame.top]);
  return [
    drawBars(past, {
      ...{ id: `${id}-seconds`, title: 'Duration of the builds', ticks: time.ticks, at: time.at },
      ...{ value: ({ seconds }) => seconds, text: tickText },
    }),
    drawBars(past, {
      ...{ id: `${id}-bytes`, title: 'Size of the images' },
      ticks: size.ticks(4).map((tick) => tick * unit),
      ...{
        at: (bytes) => rounded(size(bytes / unit)),
        value: ({ bytes }) => bytes,
        text: (bytes) => formatBytes(bytes),
      },
    }),
  ].filter(({ shapes }) => shapes.length > 0);
}

type Bars = {
  id: string;
  title: string;
  ticks: readonly number[];
  at: (value: number) => number;
  value: (past: Past) => number;
  text: (value: number) => string;
};

function drawBars(past: readonly Past[], { id, title, ticks, at, value, text }: Bars): Drawing {
  const band = scaleBand(
    past.map(({ build }) => build),
    [frame.left, width - frame.right],
  ).padding(0.2);
  const bottom = height - frame.bottom;
  const barWidth = Math.min(40, band.bandwidth());
  const middle = (build: string) => (band(build) ?? 0) + band.bandwidth() / 2;
  const known = past.filter((each) => value(each) > 0);
  const [first, last] = [past[0], past.at(-1)];
  return {
    ...{ id, title, width, height, path: '' },
    description: known.map((each) => `${each.when}: ${text(value(each))}`).join(', '),
    lines: ticks.map((tick) => ({ kind: 'grid', x1: frame.left, x2: width - frame.right, y1: at(tick), y2: at(tick) })),
    shapes: known.map((each) => ({
      kind: `bar ${each.outcome === 'done' ? 'done' : 'failed'}${each.isThis ? ' this' : ''}`,
      ...{ x: rounded(middle(each.build) - barWidth / 2), y: at(value(each)), width: rounded(barWidth) },
      height: rounded(Math.max(1, bottom - at(value(each)))),
      title: `${each.build}, ${each.outcome}: ${text(value(each))}`,
    })),
    texts: [
      ...ticks.map((tick) => ({ kind: 'end tick', x: frame.left - 6, y: at(tick) + 4, text: text(tick) })),
      ...(first === undefined || first === last
        ? []
        : [{ kind: 'start tick', x: frame.left, y: height - 8, text: first.when.slice(0, 10) }]),
      ...(last ? [{ kind: 'end tick', x: width - frame.right, y: height - 8, text: last.when.slice(0, 10) }] : []),
    ],
  };
}
