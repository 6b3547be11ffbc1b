import { sections } from '../describe/diff.ts';
import { countText, titles } from '../describe/summary.ts';
import type { Cause } from '../explain/explain.ts';
import type { BuildRecord } from '../pipeline/builds.ts';
import { formatBytes, formatDuration, shellQuote } from '../text.ts';
import { imageBytes, secondsOf, timeText } from '../ui/builds-text.ts';
import { changeDetails } from '../ui/difference-text.ts';
import type { Drawing } from './drawing.ts';
import type { Facts, ShownLog } from './facts.ts';
import { drawPast, type Past, pastOf } from './history.ts';
import { drawPhases, drawTimeline, phasesOf, spansOf } from './timeline.ts';

/** Lines of a log around the one that is evidence. */
const around = 3;

/** Changes of one kind that are unfolded at most. */
const mostOpen = 12;

/** Where the pages beside this one are, by their file names; none are there for a page on its own. */
export type Neighbours = { index: string; earlier: string; later: string };

/** All that the page of a build shows, as texts: templates/report/build.html.hbs. */
export type BuildView = ReturnType<typeof buildView>;

/** Pure. `all` are the builds whose folders are there, the latest first. */
export function buildView(facts: Facts, all: readonly BuildRecord[], neighbours: Neighbours | undefined) {
  const { build, events, commands, explained, verdict, difference, vulnerabilities, packages, ports, pictures, logs } =
    facts;
  const spans = spansOf(events, commands);
  const phases = phasesOf(events);
  const installed = spans.find(({ kind, name }) => kind === 'stage' && name === 'install');
  const past = pastOf(all, build);
  const before = all.find(({ name, outcome, startedAt }) => {
    return name === build.name && outcome === 'done' && startedAt < build.startedAt;
  });
  return {
    title: `${build.name}: ${build.outcome}`,
    name: build.name,
    id: build.build,
    outcome: build.outcome,
    facts: headOf(build),
    neighbours: neighbours ?? null,
    failure: explained ? failureOf(explained, logs) : null,
    warnings: build.warnings,
    timeline: spans.length === 0 ? null : drawTimeline(spans),
    stages: stagesOf(facts),
    phases: phases.length === 0 ? null : drawPhases(phases, installed ? installed.to - installed.from : 0),
    steps: phases.map(({ seconds, message, fraction }) => ({
      ...{ when: formatDuration(seconds), message, percent: `${Math.floor(fraction * 100)} %` },
    })),
    pictures: pictures.map(({ name, png }) => ({ name, data: png.toString('base64') })),
    checks: checksOf(verdict),
    vulnerabilities: vulnerabilities
      ? {
          scanner: vulnerabilities.scanner,
          counts: Object.entries(vulnerabilities.counts).map(([severity, count]) => ({
            severity,
            count: String(count),
          })),
        }
      : null,
    ports: ports ?? null,
    packages: packages ?? null,
    packageCount: String(packages?.length ?? 0),
    changes: before && build.outcome === 'done' ? changesOf(build, before) : null,
    difference: difference ? differenceOf(difference) : null,
    published: build.published.map(({ target, name = '', location, size, sha256, unchanged, already = '' }) => ({
      ...{ target, name, location, size: formatBytes(size), sha256, unchanged, already },
    })),
    history: past.length < 2 ? null : historyOf(past, 'past'),
    logs: logs.map((log) => ({ ...log, whole: log.first === 1, size: formatBytes(Buffer.byteLength(log.text)) })),
  };
}

function headOf(build: BuildRecord): { name: string; value: string }[] {
  const seconds = secondsOf(build, Date.parse(build.startedAt));
  const bytes = imageBytes(build);
  return [
    { name: 'Recipe', value: `${build.recipe}${build.rehearsal ? ' (rehearsal)' : ''}` },
    { name: 'Began', value: `${timeText(build.startedAt)} UTC` },
    ...(build.endedAt === undefined || seconds === undefined ? [] : [{ name: 'Took', value: formatDuration(seconds) }]),
    ...(bytes === undefined ? [] : [{ name: 'Image', value: formatBytes(bytes) }]),
    ...(build.family === undefined ? [] : [{ name: 'Family', value: build.family }]),
    ...(build.accelerator === undefined ? [] : [{ name: 'Accelerator', value: build.accelerator }]),
    { name: 'Folder', value: build.folder },
  ];
}

/** Why it failed, with the lines around the evidence where these are shown. */
function failureOf({ failure, causes, lines }: NonNullable<Facts['explained']>, logs: readonly ShownLog[]) {
  const [best, ...others] = causes;
  return {
    stage: failure.stage ?? '',
    message: failure.message,
    cause: best ? { ...best, lines: linesAround(best, logs) } : null,
    remedy: best?.remedy ?? failure.hint ?? '',
    others: others.map(({ cause, file, line }) => ({ cause, file, line })),
    lines,
  };
}

function linesAround({ file, line, text }: Cause, logs: readonly ShownLog[]) {
  const log = logs.find((each) => each.file === file);
  const all = log?.text.trimEnd().split('\n') ?? [];
  const at = line - (log?.first ?? 1);
  if (!log || all[at] === undefined) return [{ line, text, isEvidence: true }];
  const start = Math.max(0, at - around);
  return all
    .slice(start, at + around + 1)
    .map((each, index) => ({ line: log.first + start + index, text: each, isEvidence: start + index === at }));
}

function stagesOf({ build, events, commands }: Facts) {
  return build.stages.map(({ stage, outcome, seconds, bytes }) => ({
    ...{ stage, outcome },
    took: seconds === undefined ? '' : formatDuration(seconds),
    added: bytes === undefined ? '' : formatBytes(bytes),
    because: events.flatMap((event) => ('because' in event && event.stage === stage ? [event.because] : []))[0] ?? '',
    commands: commands
      .filter((command) => command.stage === stage)
      .map(({ argv, seconds: took, exitCode = 0 }) => ({
        program: argv[0] ?? '',
        line: argv.map(shellQuote).join(' '),
        took: took === undefined ? '' : formatDuration(took),
        status: exitCode === 0 ? '' : String(exitCode),
      })),
  }));
}

function checksOf(verdict: Facts['verdict']) {
  if (!verdict) return null;
  const count = (wanted: string) => verdict.results.filter(({ outcome }) => outcome === wanted).length;
  const order = ['failed', 'skipped', 'passed'];
  return {
    summary: `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`,
    results: verdict.results.toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome)),
  };
}

/** What is other than in the image before. */
function changesOf(build: BuildRecord, before: BuildRecord) {
  const took = (each: BuildRecord) => formatDuration(secondsOf(each, 0) ?? 0);
  const size = (each: BuildRecord) => formatBytes(imageBytes(each) ?? 0);
  const digests = (each: BuildRecord) => each.published.map(({ sha256 }) => sha256).join();
  return {
    before: before.build,
    rows: [
      { what: 'Duration', earlier: took(before), now: took(build) },
      { what: 'Image size', earlier: size(before), now: size(build) },
      { what: 'Image content', earlier: '', now: digests(before) === digests(build) ? 'the same' : 'another' },
    ],
  };
}

/** What is in the image, and what was in the last one that was published. */
function differenceOf({ since, changes }: NonNullable<Facts['difference']>) {
  const changed = sections.flatMap((section) => {
    const list = changes[section] ?? [];
    if (list.length === 0) return [];
    return [
      {
        title: `${titles[section]} (${countText(list)})`,
        open: list.length <= mostOpen,
        changes: list.map((change) => ({
          ...{ kind: change.direction ?? change.kind, name: change.name, details: changeDetails(change) },
        })),
      },
    ];
  });
  return { since, sections: changed, same: changed.length === 0 };
}

/** The charts of builds of one name, and the same in words. Pure. */
export function historyOf(
  past: readonly Past[],
  id: string,
): { drawings: Drawing[]; rows: Record<string, string | boolean>[] } {
  return {
    drawings: drawPast(past, id),
    rows: past.toReversed().map(({ build, when, outcome, seconds, bytes, isThis }) => ({
      ...{ build, when, outcome, isThis },
      took: seconds === 0 ? '' : formatDuration(seconds),
      size: bytes === 0 ? '' : formatBytes(bytes),
    })),
  };
}

/** The file of a build's page beside the index. Pure. */
export function pageName(build: string): string {
  return `${build}.html`;
}

/** The address of a page beside another: whatever the name is, it leads nowhere else. Pure. */
export function linkTo(file: string): string {
  return `./${encodeURIComponent(file)}`;
}
