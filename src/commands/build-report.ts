import { messageOf, VmkilnError } from '../errors.ts';
import type { World } from '../model.ts';
import type { BuildResult } from '../pipeline/build.ts';
import { harmless } from '../text.ts';
import { errorText, labelled } from '../ui/error-text.ts';
import { columnsOf, padColumns } from '../ui/columns.ts';
import { paintFor } from '../ui/format.ts';
import type { UiKind } from '../ui/ui.ts';
import type { OnError } from './on-error.ts';

/** How a build ended; `from` is the recipe or the plan, as the person named it, `shown` whether its failure was told. */
export type Outcome = { from: string; build?: string; result?: BuildResult; error?: unknown; shown: boolean };

/** Says what the interface has not: errors from before the first event, and one line per build when there are several. */
export function report(
  outcomes: readonly Outcome[],
  { kind, quiet, onError }: { kind: UiKind; quiet: boolean; onError: OnError },
  { env }: World,
): void {
  const paint = paintFor(process.stderr, env);
  const debug = Boolean(env['VMKILN_DEBUG']);
  // With --ui json the events are for machines: a person still reads the error on standard error.
  const unsaid = ({ error, shown }: Outcome) => !shown || kind === 'json' || debug || !(error instanceof VmkilnError);
  const lines = outcomes
    .filter((outcome) => outcome.error !== undefined && !isInterrupted(outcome.error) && unsaid(outcome))
    .map(({ error }) => errorText(error, { debug, paint }));
  // The live display has told how each ended, and who wants quiet reads the images.
  if (outcomes.length > 1 && kind !== 'pretty' && !quiet) {
    const width = Math.max(...outcomes.map(({ from }) => columnsOf(from)));
    for (const { from, result, error } of outcomes) {
      const word = error === undefined ? 'done' : isInterrupted(error) ? 'interrupted' : 'failed';
      const role = { done: 'good', interrupted: 'warn', failed: 'bad' } as const;
      const end = error === undefined ? result?.folder : harmless(messageOf(error).split('\n')[0] ?? '');
      lines.push(`${padColumns(from, width)}  ${paint(role[word], word)}  ${end}`);
    }
  }
  lines.push(...new Set(outcomes.flatMap((outcome) => lookLines(outcome, onError))));
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
  // For scripts; a person who has both streams before them has been told.
  const isTold = process.stdout.isTTY && process.stderr.isTTY && !quiet;
  if (kind !== 'json' && !isTold) process.stdout.write(locationsOf(outcomes));
}

/** The commands that look at what a failed build kept, or the option that keeps it. */
function lookLines({ build, error }: Outcome, onError: OnError): string[] {
  // Who is asked needs no commands.
  if (build === undefined || onError === 'ask' || isInterrupted(error)) return [];
  const stage = error instanceof VmkilnError ? error.stage : undefined;
  if (onError === 'clean') {
    const what = stage === 'install' ? 'guest and the disk' : 'disk';
    return [labelled('look', `nothing is kept: --on-error keep leaves the ${what}, --on-error ask asks then`)];
  }
  return [
    ...(stage === 'install' ? [labelled('console', `vmkiln console ${build}`)] : []),
    labelled('shell', `vmkiln shell ${build}`),
    labelled('remove', 'vmkiln clean'),
  ];
}

/** What was made: a line for each place that has an image now. */
function locationsOf(outcomes: readonly Outcome[]): string {
  const published = outcomes.flatMap(({ result }) => result?.published ?? []);
  return published.map(({ location }) => `${harmless(location, { oneLine: true })}\n`).join('');
}

/** Whoever interrupted a build knows why it ended. */
export function isInterrupted(error: unknown): boolean {
  return error instanceof VmkilnError && error.code === 'INTERRUPTED';
}
