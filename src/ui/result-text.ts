import { formatBytes, formatDuration, shellQuote } from '../text.ts';
import { adviceOf, labelled, whyOf } from './error-text.ts';
import { type Paint, publishedNote } from './format.ts';
import { isInterrupted, type BuildView } from './view.ts';

/** What a build left, and what to do with it: its images and how to look at them, or its failure and what helps. */
export function resultText(view: BuildView, paint: Paint): string {
  const { failure, published, difference, build } = view;
  const lines = [
    ...(failure ? failureLines(view, failure, paint) : [doneLine(view, paint)]),
    ...published.flatMap((image) => imageLines(image, paint)),
    ...(difference ? [labelled('changes', `${difference.summary} (since ${difference.since})`)] : []),
    ...(build === undefined ? [] : [labelled('report', reportOf(build))]),
  ];
  return lines.join('\n');
}

function doneLine({ name, seconds, published }: BuildView, paint: Paint): string {
  if (seconds === undefined) return `${name} has not ended`;
  const end = `${paint('good', `${name} is done`)} in ${formatDuration(seconds)}`;
  return published.length > 0 ? end : `${end}: nothing was to be published`;
}

function imageLines(image: BuildView['published'][number], paint: Paint): string[] {
  const { target, location, size, sha256 } = image;
  return [
    labelled(
      'image',
      `${paint('title', location)} (${target}, ${formatBytes(size)}${publishedNote(image, [', ', ''])})`,
    ),
    labelled('sha256', sha256),
    ...(location.startsWith('/') ? [labelled('look', lookAt(location))] : []),
  ];
}

/** The command that shows what a published file is. */
export function lookAt(file: string): string {
  return `vmkiln inspect ${shellQuote(file)}`;
}

/** The command that tells all about a build. */
export function reportOf(build: string): string {
  return `vmkiln report ${build}`;
}

function failureLines(view: BuildView, failure: NonNullable<BuildView['failure']>, paint: Paint): string[] {
  const where = failure.stage === undefined ? '' : ` in ${failure.stage}`;
  const head = isInterrupted(view)
    ? paint('warn', `${view.name} was interrupted`)
    : paint('bad', `${view.name} failed`);
  const advice = adviceOf(failure);
  return [
    `${head}${where}: ${failure.message}`,
    ...(failure.explanation === undefined ? [] : [labelled('why', whyOf(failure.explanation))]),
    ...(advice === undefined ? [] : [labelled('next', advice)]),
    ...(failure.bundle === undefined ? [] : [labelled('bundle', failure.bundle)]),
    ...(view.folder === undefined ? [] : [labelled('build', view.folder)]),
  ];
}
