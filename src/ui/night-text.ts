import {
  byCause,
  countsText,
  entriesOf,
  type EntrySummary,
  type NightSummary,
  plannedOf,
  promotion,
} from '../factory/summary.ts';
import { promotedText } from '../factory/promote.ts';
import { retryText } from '../factory/retry.ts';
import { formatBytes, formatDuration, shellQuote } from '../text.ts';
import { labelled } from './error-text.ts';
import { noPaint, type Paint, publishedNote } from './format.ts';

// What is shown comes with harmless texts.

/** A night for somebody who is tired: what it came to in one line, then what wants to be done, and last what does not. */
export function nightText(night: NightSummary, paint: Paint = noPaint): string {
  const parts = [
    [headline(night, paint)],
    failedText('failed', night, paint),
    failedText('not tried', night, paint),
    postponedText(night, paint),
    namesText('interrupted', entriesOf(night, 'interrupted'), paint),
    entriesText('to build', plannedOf(night).build, paint),
    entriesText('to promote', plannedOf(night).promote, paint),
    entriesText('built', entriesOf(night, 'built'), paint),
    entriesText('promoted', entriesOf(night, 'promoted'), paint),
    namesText('unchanged', entriesOf(night, 'unchanged'), paint),
    namesText('not due', entriesOf(night, 'not due'), paint),
    endText(night, paint),
  ];
  return parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n');
}

/** What a night came to, in one line. */
function headline(night: NightSummary, paint: Paint = noPaint): string {
  const failed = entriesOf(night, 'failed');
  const all = night.entries.length;
  const cause = byCause(failed).length === 1 ? ', for one reason' : '';
  const counts = failed.length === all && all > 1 ? `all ${all} failed${cause}` : countsText(night);
  // What was not reached says it already.
  const how = night.outcome === 'interrupted' && entriesOf(night, 'interrupted').length === 0 ? 'interrupted: ' : '';
  const end = night.dryRun ? 'nothing was built: --dry-run' : formatDuration(night.seconds);
  return `${paint('title', night.factory)}: ${paint(night.outcome === 'done' ? 'good' : 'bad', `${how}${counts}`)} (${end})`;
}

/** Failures by their causes: what helps against one helps against all of its. */
function failedText(title: 'failed' | 'not tried', night: NightSummary, paint: Paint): string[] {
  return byCause(entriesOf(night, title)).flatMap(({ cause, remedy, entries }, index) => {
    const [first] = entries;
    const more = [
      `${paint('bad', title)}: ${cause}`,
      labelled(
        'images',
        entries.map(({ name, failure }) => `${name}${failure?.stage ? ` (${failure.stage})` : ''}`).join(', '),
      ),
      ...retryLines(entries, night.file),
      ...(remedy === '' ? [] : [labelled('next', remedy)]),
      ...(first?.failure?.stage === promotion
        ? [labelled('then', 'the next night tries to promote what is published now, and builds nothing for that')]
        : []),
      ...(first?.build === undefined || first.failure?.stage === promotion
        ? []
        : [labelled('more', `${first.host === undefined ? '' : `on ${first.host}: `}vmkiln explain ${first.build}`)]),
    ];
    return index === 0 ? more : ['', ...more];
  });
}

/** How long it goes on, once for all of which it is true, and what does not wait. */
function retryLines(entries: readonly EntrySummary[], file: string): string[] {
  const groups = new Map<string, string[]>();
  for (const { name, retry } of entries) {
    const text = (retry && retryText(retry)) ?? '';
    groups.set(text, [...(groups.get(text) ?? []), name]);
  }
  const waiting = entries.filter(({ retry }) => retry && retry.nights > 1).map(({ name }) => name);
  return [
    ...[...groups]
      .filter(([text]) => text !== '')
      .map(([text, names]) => labelled('again', groups.size === 1 ? text : `${names.join(', ')}: ${text}`)),
    ...(waiting.length === 0
      ? []
      : [labelled('now', `vmkiln nightly ${[file, ...waiting].map(shellQuote).join(' ')}`)]),
  ];
}

/** What has to wait, by why: a disk that is full keeps all of them from beginning. */
function postponedText(night: NightSummary, paint: Paint): string[] {
  const groups = new Map<string, { why: string; names: string[] }>();
  for (const { name, notes } of entriesOf(night, 'postponed')) {
    const [why = ''] = notes;
    // The free bytes are others each time: those of the first are told.
    const key = why.replace(/: [\d.]+ \w+ free,/, ':');
    const group = groups.get(key) ?? { why, names: [] };
    groups.set(key, { ...group, names: [...group.names, name] });
  }
  return [...groups.values()].flatMap(({ why, names }) => [
    `${paint('warn', 'postponed')}: ${why}`,
    labelled('images', names.join(', ')),
    labelled('then', 'the next night builds them'),
  ]);
}

function entriesText(title: string, entries: readonly EntrySummary[], paint: Paint): string[] {
  if (entries.length === 0) return [];
  const notes = notesOf(entries);
  const own = (note: string) => notes.get(note)?.length === 1;
  return [
    paint('good', title),
    ...entries.flatMap((entry) => [
      `  ${paint('name', entry.name)}${entry.seconds === undefined ? '' : ` (${formatDuration(entry.seconds)})`}`,
      ...[...linesOf(entry), ...entry.notes.filter(own)].map((line) => `    ${inLine(line)}`),
    ]),
    ...notesText(new Map([...notes].filter(([note]) => !own(note))), entries),
  ];
}

function linesOf({ reasons, difference, published = [], promoted = [], build }: EntrySummary): string[] {
  return [
    ...reasons.map(({ text }) => `because ${text}`),
    ...(difference === undefined ? [] : [`changes: ${difference}`]),
    ...published.map((image) => `${image.target}: ${image.location}${publishedNote(image)}`),
    ...promoted.map(promotedText),
    ...(build === undefined ? [] : [`build ${build}`]),
  ];
}

/** What needs no attention takes one line. */
function namesText(title: string, entries: readonly EntrySummary[], paint: Paint): string[] {
  if (entries.length === 0) return [];
  return [
    `${paint('dim', title)}: ${entries.map(({ name }) => name).join(', ')}`,
    ...notesText(notesOf(entries), entries),
  ];
}

/** The notes, each with the names that it is true of: of a server that is away, forty entries have the same. */
function notesOf(entries: readonly EntrySummary[]): Map<string, string[]> {
  const notes = new Map<string, string[]>();
  for (const { name, notes: own } of entries)
    for (const note of own) notes.set(note, [...(notes.get(note) ?? []), name]);
  return notes;
}

/** The names are there already where it is true of all that are listed. */
function notesText(notes: ReadonlyMap<string, readonly string[]>, { length }: readonly EntrySummary[]): string[] {
  return [...notes].map(
    ([note, names]) => `  ${length > 1 && names.length === length ? 'all' : names.join(', ')}: ${inLine(note)}`,
  );
}

function inLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

function endText({ pruned, warnings, page }: NightSummary, paint: Paint): string[] {
  return [
    ...(page === undefined ? [] : [`page: ${page}`]),
    ...(pruned && pruned.removed > 0
      ? [`removed: ${pruned.removed} things, ${formatBytes(pruned.freedBytes)} freed`]
      : []),
    ...warnings.map((warning) => `${paint('warn', 'warning')}: ${warning}`),
  ];
}
