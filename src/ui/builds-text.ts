import type { BuildDetails, BuildRecord } from '../pipeline/builds.ts';
import { formatBytes, formatDuration, shellQuote } from '../text.ts';
import { adviceOf, labelled, whyOf } from './error-text.ts';
import { oneLine } from './columns.ts';
import { noPaint, type Paint, publishedNote } from './format.ts';
import { table } from './table.ts';

// What is shown comes with harmless texts.

/** A line per build: how it ended, its id, when it began, how long it took, what its images take. `now` is for those that run. */
export function buildsText(builds: readonly BuildRecord[], now: number, paint: Paint = noPaint): string {
  if (builds.length === 0) return 'no builds';
  const rows = builds.map((build) => [
    build.outcome,
    build.build,
    timeText(build.startedAt),
    durationText(build, now),
    sizeText(build),
    whyFailed(build) ?? '',
  ]);
  const [head = '', ...lines] = table(['OUTCOME', 'BUILD', 'BEGAN (UTC)', 'TOOK', 'IMAGE', 'WHY'], rows)
    .trimEnd()
    .split('\n');
  return [paint('title', head), ...lines.map((line) => paint(roleOf(line.split(' ')[0] ?? ''), line))].join('\n');
}

/** How an outcome is coloured: what was interrupted has not failed. */
function roleOf(outcome: string): 'good' | 'warn' | 'bad' {
  if (outcome === 'done' || outcome === 'running') return 'good';
  return outcome === 'interrupted' ? 'warn' : 'bad';
}

/** The first line of what went wrong, if anything did: the named cause if there is one. */
export function whyFailed({ failure, outcome }: BuildRecord): string | undefined {
  if (outcome === 'done' || outcome === 'running') return undefined;
  return oneLine(
    failure?.explanation?.cause ??
      failure?.message.split('\n')[0]?.replace(/:$/, '') ??
      'its process ended before it did',
    80,
  );
}

/** A time in UTC, to the minute. */
export function timeText(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}

/** The seconds that a build took, or has taken until `now` (milliseconds since 1970). Undefined for one that was killed. */
export function secondsOf({ startedAt, endedAt, outcome }: BuildRecord, now: number): number | undefined {
  const end = endedAt === undefined ? (outcome === 'running' ? now : undefined) : Date.parse(endedAt);
  return end === undefined ? undefined : (end - Date.parse(startedAt)) / 1000;
}

function durationText(build: BuildRecord, now: number): string {
  const seconds = secondsOf(build, now);
  return seconds === undefined ? '' : formatDuration(seconds);
}

function sizeText(build: BuildRecord): string {
  const bytes = imageBytes(build);
  return bytes === undefined ? '' : formatBytes(bytes);
}

/** What the images of a build take, in bytes: one that went to several places counts once. Undefined without any. */
export function imageBytes({ published }: Pick<BuildRecord, 'published'>): number | undefined {
  const sizes = new Map(published.map(({ sha256, size }) => [sha256, size]));
  return sizes.size === 0 ? undefined : [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** All that is kept of one build. */
export function buildText(build: BuildDetails, now: number, paint: Paint = noPaint): string {
  const { failure } = build;
  const head = [
    [paint('title', build.build), paint(roleOf(build.outcome), build.outcome)].join('  '),
    `  recipe  ${build.recipe}${build.rehearsal ? ' (rehearsal)' : ''}`,
    `  began   ${timeText(build.startedAt)} UTC${durationText(build, now) === '' ? '' : `, took ${durationText(build, now)}`}`,
    `  folder  ${build.folder} (${formatBytes(build.folderBytes)})`,
  ];
  const stages = build.stages.flatMap(({ stage, outcome, seconds, bytes }) => [
    `  ${stage.padEnd(10)} ${outcome.padEnd(8)} ${seconds === undefined ? '' : formatDuration(seconds)}${bytes === undefined ? '' : `, ${formatBytes(bytes)}`}`.trimEnd(),
    ...build.commands.filter((command) => command.stage === stage).map(commandText),
  ]);
  const images = build.published.map(
    (image) =>
      `  ${image.target}: ${image.location} (${formatBytes(image.size)}${publishedNote(image, [', ', ''])})\n    sha256 ${image.sha256}`,
  );
  const changes = build.difference && [`  since ${build.difference.since}: ${build.difference.summary}`];
  const advice = failure && adviceOf(failure);
  const failed = failure && [
    labelled(
      build.outcome === 'interrupted' ? 'interrupted' : 'failed',
      `${failure.stage === undefined ? '' : `${failure.stage}: `}${failure.message}`,
    ),
    ...(failure.explanation ? [labelled('why', whyOf(failure.explanation))] : []),
    ...(advice === undefined ? [] : [labelled('next', advice)]),
    ...(failure.bundle === undefined ? [] : [labelled('bundle', failure.bundle)]),
  ];
  const parts = [
    head,
    section('stages', stages),
    section('images', images),
    section('changes', changes ?? []),
    section(
      'warnings',
      build.warnings.map((warning) => `  ${warning.replaceAll('\n', '\n  ')}`),
    ),
    failed ?? [],
  ];
  return parts
    .map((part) => part.join('\n'))
    .filter((part) => part !== '')
    .join('\n\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function commandText({ argv, exitCode, seconds }: BuildDetails['commands'][number]): string {
  const end = exitCode === undefined || exitCode === 0 ? '' : `, status ${exitCode}`;
  const took = seconds === undefined ? '' : ` (${formatDuration(seconds)}${end})`;
  // The whole words are in the JSON.
  return `    $ ${oneLine(argv.map(shellQuote).join(' '), 140)}${took}`;
}
