import type { Event, Prediction } from '../model.ts';
import { adviceOf, labelled, whyOf } from './error-text.ts';
import { formatPercent, publishedNote } from './format.ts';
import { lookAt, reportOf } from './result-text.ts';
import { openProgramOutput } from './program-output.ts';
import type { Detail, Ui } from './ui.ts';
import { formatBytes, formatClock, formatDay, formatDuration, harmless, shellQuote } from '../text.ts';

/** Progress is shown when it moved by this fraction, or after this many milliseconds. */
const progressStep = 0.1;
const progressPause = 15_000;

type Build = {
  /** The day of its last line. */
  day?: string;
  shown?: { what: string; at: number; fraction: number };
  /** Seconds that the stage took in earlier builds which runs now. */
  predicted?: number | undefined;
};

/**
 * One line per event, with the time of day, and the day where one begins: for logs, CI and pipes. With several recipes each
 * line names its own, as the user gave it: the name of an image may be that of two.
 */
export function openPlain(
  err: { write(text: string): unknown },
  { recipes, detail }: { recipes: readonly string[]; detail?: Detail },
): Ui {
  const builds = new Map<string, Build>();
  const named = (index: number) => (recipes.length > 1 ? ` ${recipes[index]}` : '');
  const output = openProgramOutput((line, index) => void err.write(harmless(`  |${named(index)} ${line}\n`)));
  return {
    emit: (event, index) => {
      if (detail === 'verbose') output.follow(event, index);
      if (detail === 'quiet' && event.type !== 'warning' && event.type !== 'failed') return;
      const at = Date.parse(event.at);
      const build = builds.get(event.build) ?? {};
      builds.set(event.build, build);
      if (event.type === 'stage-started') build.predicted = event.predicted?.seconds;
      if (event.type === 'progress' && detail !== 'verbose' && !due(build, event, at)) return;
      const text = eventText(event, build.predicted);
      if (text === undefined) return;
      const day = formatDay(at);
      const date = day === build.day ? '' : `${day} `;
      build.day = day;
      err.write(harmless(`${date}${formatClock(at)}${named(index)} ${indented(text)}\n`));
    },
    drop: () => undefined,
    say: (message) => void err.write(`vmkiln: ${message}\n`),
    close: async () => output.close(),
  };
}

/** Whether progress has moved enough, or long enough ago, to be shown again. A new message alone must wait too. */
function due(build: Build, event: Event & { type: 'progress' }, at: number): boolean {
  const fraction = event.fraction ?? 0;
  // Messages that count ("12 of 300") are the same news as long as only their numbers differ.
  const what = `${event.stage} ${event.message.replace(/[\d.]+/g, '#')}`;
  const last = build.shown;
  const news = last === undefined || last.what !== what;
  const moved = last !== undefined && fraction - last.fraction >= progressStep - 1e-9;
  if (!news && !moved && at - last.at < progressPause) return false;
  build.shown = { what, at, fraction };
  return true;
}

/**
 * One event as text without its time; undefined for what only machines want. Further lines are indented. `predicted` is what the
 * stage took in earlier builds, in seconds.
 */
function eventText(event: Event, predicted: number | undefined): string | undefined {
  switch (event.type) {
    case 'build-started':
      return `build ${event.build} of ${event.recipe}${event.rehearsal ? ' (rehearsal)' : ''} in ${event.folder}`;
    case 'stage-started':
      return `${event.stage}: started${reason(event.because)}${about(event.predicted)}`;
    case 'stage-finished':
      return `${event.stage}: finished in ${formatDuration(event.seconds)}${late(event.seconds, predicted)}`;
    case 'stage-reused':
      return `${event.stage}: reused${reason(event.because)}`;
    case 'stage-skipped':
      return `${event.stage}: skipped${reason(event.because)}`;
    case 'command-started':
      // Control commands (virsh screenshot and its like) come by the dozen.
      return event.control ? undefined : `${event.stage}: $ ${event.argv.map(shellQuote).join(' ')}`;
    case 'command-finished':
      // A status besides 0 may be an answer; where it is not, `failed` says so.
      return undefined;
    case 'progress':
      return `${event.stage}: ${event.message}${event.fraction === undefined ? '' : ` ${formatPercent(event.fraction)}`}`;
    case 'warning':
      return [`warning: ${event.stage ? `${event.stage}: ` : ''}${event.message}`, nextLine(event.hint)].join('');
    case 'difference':
      return `different from ${event.since}: ${event.summary}`;
    case 'published':
      return (
        `published to ${event.target}: ${event.location} (${formatBytes(event.size)}${publishedNote(event, [', ', ''])})` +
        `\n${labelled('sha256', event.sha256)}${event.location.startsWith('/') ? `\n${labelled('look', lookAt(event.location))}` : ''}`
      );
    case 'failed':
      return [
        `${event.code === 'INTERRUPTED' ? 'interrupted' : 'failed'}: ${event.stage ? `${event.stage}: ` : ''}${event.message}`,
        event.explanation === undefined ? '' : `\n${labelled('why', whyOf(event.explanation))}`,
        nextLine(adviceOf(event)),
        event.bundle === undefined ? '' : `\n${labelled('bundle', event.bundle)}`,
        `\n${labelled('report', reportOf(event.build))}`,
      ].join('');
    case 'build-finished':
      return `finished in ${formatDuration(event.seconds)}\n${labelled('report', reportOf(event.build))}`;
    default:
      return event satisfies never;
  }
}

/** Every line after the first by two spaces, so that a line that begins with a clock begins an event. */
function indented(text: string): string {
  return text.replace(/\n(?! {2})/g, '\n  ');
}

function reason(because: string): string {
  return because === '' ? '' : ` (${because})`;
}

function about(predicted: Prediction | undefined): string {
  return predicted === undefined ? '' : `, about ${formatDuration(predicted.seconds)}`;
}

function late(seconds: number, predicted: number | undefined): string {
  return predicted === undefined || seconds <= predicted ? '' : `, late: it usually takes ${formatDuration(predicted)}`;
}

function nextLine(hint: string | undefined): string {
  return hint === undefined ? '' : `\n${labelled('next', hint)}`;
}
