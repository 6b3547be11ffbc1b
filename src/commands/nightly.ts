import { resolve } from 'node:path';
import { chosen, readJobs } from '../factory/jobs.ts';
import { loadFactory } from '../factory/load.ts';
import { runNight } from '../factory/night.ts';
import { promotedText } from '../factory/promote.ts';
import { retryText } from '../factory/retry.ts';
import { type EntryOutcome, type EntrySummary, type NightSummary, promotion, remedyOf } from '../factory/summary.ts';
import { readVariables } from '../recipe/variables.ts';
import { tellNight } from '../report/tell-night.ts';
import { allHarmless, jsonText } from '../text.ts';
import { paintFor } from '../ui/format.ts';
import { nightText } from '../ui/night-text.ts';
import { type CommandContext, openUi } from '../ui/ui.ts';
import { checkResultsFile, writeResults } from './results-file.ts';
import type { CheckResult } from '../verify/expectation.ts';
import { junit } from '../verify/junit.ts';

type NightlyOptions = {
  set: string[];
  vars?: string;
  dryRun?: boolean;
  ifRunning: 'wait' | 'leave';
  junit?: string;
  report?: string;
  json?: boolean;
};

/** `vmkiln nightly`: one night of a factory. Returns 0 when all is built or unchanged, 1 when something failed, 130 when it was stopped. */
export async function nightly(
  file: string,
  names: readonly string[],
  options: NightlyOptions,
  context: CommandContext,
): Promise<number> {
  const { signal, world } = context;
  const results = options.junit === undefined ? undefined : resolve(world.cwd, options.junit);
  if (results !== undefined) await checkResultsFile(results);
  const loaded = await loadFactory(file, await readVariables(options), world.cwd);
  const jobs = chosen(await readJobs(loaded, world), names);
  const { dryRun = false, ifRunning } = options;
  const recipes = jobs.map(({ name }) => name);
  // Nobody watches a night: a line for each event is what a journal wants.
  const ui = await openUi('plain', { recipes, stdout: process.stdout, stderr: process.stderr, env: world.env });
  const summary = await context
    .sayThrough(ui.say, () =>
      runNight(
        loaded,
        jobs,
        { dryRun, asked: names.length > 0, ifRunning },
        { signal, world, emit: ui.emit, ended: (entry, index) => tell(entry, index, ui), say: ui.say },
      ),
    )
    .finally(() => ui.close());
  if (!summary) return 0;
  const report = options.report === undefined ? loaded.factory.report : resolve(world.cwd, options.report);
  const whole = dryRun ? summary : await tellNight(summary, loaded.factory, { report, signal, world });
  const text = nightText(allHarmless(whole), paintFor(process.stdout, world.env));
  process.stdout.write(options.json ? `${jsonText(whole)}\n` : `${text}\n`);
  // Last: where it cannot be written, the night has been told all the same.
  if (results !== undefined) await writeResults(results, junitOf(whole));
  if (whole.outcome === 'interrupted') return 130;
  return whole.outcome === 'done' ? 0 : 1;
}

/** What no event has told: a build tells of itself. */
function tell(
  { name, outcome, build, failure }: EntrySummary,
  index: number,
  ui: Awaited<ReturnType<typeof openUi>>,
): void {
  const hasRun = build !== undefined && outcome !== 'not tried';
  if (!hasRun) ui.drop(index, 'refused');
  if (!hasRun && outcome === 'failed') ui.say(`${name} failed: ${failure?.message.split('\n')[0] ?? ''}`);
}

/** A test case for each entry. What was not due, or was stopped, is skipped. */
function junitOf({ factory, entries, seconds }: NightSummary): string {
  const results = entries.map(({ name, outcome, failure, retry, notes, promoted = [], build }) => ({
    check: name,
    outcome: outcomes[outcome],
    message: [failure?.explanation?.cause ?? failure?.message ?? notes.join('; '), (retry && retryText(retry)) ?? '']
      .filter((part) => part !== '')
      .join('; '),
    said: [
      ...promoted.map(promotedText),
      ...(failure && remedyOf(failure) !== '' ? [`next: ${remedyOf(failure)}`] : []),
      ...(failure && build !== undefined && failure.stage !== promotion ? [`more: vmkiln explain ${build}`] : []),
    ].join('\n'),
  }));
  return junit(factory, results, seconds);
}

const outcomes: Readonly<Record<EntryOutcome, CheckResult['outcome']>> = {
  built: 'passed',
  promoted: 'passed',
  unchanged: 'passed',
  'not due': 'skipped',
  planned: 'skipped',
  failed: 'failed',
  'not tried': 'failed',
  postponed: 'failed',
  // Whoever stopped it knows, and it has not failed.
  interrupted: 'skipped',
};
