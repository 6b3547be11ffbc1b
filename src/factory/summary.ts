import { unforeseen, VmkilnError } from '../errors.ts';
import type { Explanation, Published } from '../model.ts';
import type { Reason } from './compare.ts';
import type { Promoted } from './promote.ts';
import type { Retry } from './retry.ts';

/**
 * What a night came to for one entry: `built`; `promoted`, when an earlier night has built it; `unchanged`, or not `due` yet, and so left
 * alone; `failed`; `not tried`, since it has failed often; `postponed` for want of time or room; `interrupted`; of a dry run `planned`. In the
 * order in which somebody wants to read of them.
 */
export const entryOutcomes = [
  ...(['failed', 'not tried', 'interrupted', 'postponed', 'planned', 'built', 'promoted'] as const),
  ...(['unchanged', 'not due'] as const),
] as const;
export type EntryOutcome = (typeof entryOutcomes)[number];

/** What stands for the stage of a failure when the build was good. */
export const promotion = 'promotion';

/** How a build, its preparation or the promotion of its image failed. */
export type NightFailure = { code: string; message: string; hint?: string; stage?: string; explanation?: Explanation };

/** An entry of a night. `seconds` is the wall time of its build. */
export type EntrySummary = {
  name: string;
  recipe: string;
  outcome: EntryOutcome;
  /** Why it was built, or would be. */
  reasons: readonly Reason[];
  /** What could not be seen, and why it was put off. */
  notes: readonly string[];
  /** Of what was not tried, the last build that failed. */
  build?: string;
  /** The build's folder, with its events and documents. */
  folder?: string;
  /** Of a build that failed on another host: that one has its folder. */
  host?: string;
  seconds?: number;
  published?: readonly Published[];
  /** What came to a channel of it, at each place. */
  promoted?: readonly Promoted[];
  /** What is different since the build that was published before, in a sentence. */
  difference?: string;
  failure?: NightFailure;
  /** Of a build that failed: how often by now, and when it is tried again. */
  retry?: Retry;
};

/** A night: docs/formats.md. Times are ISO 8601, `seconds` is wall time. */
export type NightSummary = {
  version: 1;
  night: string;
  factory: string;
  file: string;
  dryRun: boolean;
  startedAt: string;
  endedAt: string;
  seconds: number;
  outcome: 'done' | 'failed' | 'interrupted';
  entries: readonly EntrySummary[];
  /** What was removed afterwards, and the bytes that this freed. */
  pruned?: { removed: number; freedBytes: number };
  /** The page about it, if one was written. */
  page?: string;
  /** What did not work besides the builds. */
  warnings: readonly string[];
};

/** The entries of one outcome. */
export function entriesOf({ entries }: Pick<NightSummary, 'entries'>, outcome: EntryOutcome): EntrySummary[] {
  return entries.filter((entry) => entry.outcome === outcome);
}

/** Whether nothing is to be built: what an earlier night has built is to be promoted. */
export function isPromotionAlone(reasons: readonly Reason[]): boolean {
  return reasons.length > 0 && reasons.every(({ kind }) => kind === 'channel');
}

/** Of a dry run: what would be built, and what would be promoted alone. */
export function plannedOf(night: Pick<NightSummary, 'entries'>): { build: EntrySummary[]; promote: EntrySummary[] } {
  const all = entriesOf(night, 'planned');
  return {
    build: all.filter(({ reasons }) => !isPromotionAlone(reasons)),
    promote: all.filter(({ reasons }) => isPromotionAlone(reasons)),
  };
}

/** How many entries came to what: "2 failed, 3 built, 35 unchanged". Pure. */
export function countsText(night: Pick<NightSummary, 'entries'>): string {
  const planned = plannedOf(night);
  const counts = entryOutcomes.flatMap((outcome): [number, string][] =>
    outcome === 'planned'
      ? [
          [planned.build.length, 'to build'],
          [planned.promote.length, 'to promote'],
        ]
      : [[entriesOf(night, outcome).length, outcome]],
  );
  return counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(', ');
}

/** What a night came to. Pure. */
export function outcomeOf(entries: readonly EntrySummary[], interrupted: boolean): NightSummary['outcome'] {
  if (interrupted) return 'interrupted';
  return entries.some(({ outcome }) => ['failed', 'not tried', 'postponed'].includes(outcome)) ? 'failed' : 'done';
}

/** A build that failed on another host. */
export class BuildFailure extends Error {
  readonly failure: NightFailure;
  readonly host: string | undefined;

  constructor(failure: NightFailure, host?: string) {
    super(failure.message);
    this.failure = failure;
    this.host = host;
  }
}

/** A failure as plain data. */
export function failureOf(error: unknown): NightFailure {
  if (error instanceof BuildFailure) return error.failure;
  if (!(error instanceof VmkilnError)) return { code: 'UNKNOWN', message: unforeseen(error) };
  const { code, message, hint, stage, explanation } = error;
  return {
    code,
    message,
    ...(hint !== undefined && { hint }),
    ...(stage && { stage }),
    ...(explanation && { explanation }),
  };
}

/** Why something failed, in one line: the named cause if there is one. Pure. */
export function causeOf({ explanation, message }: NightFailure): string {
  return explanation?.cause ?? (message.split('\n')[0] ?? '').replace(/:$/, '');
}

/** What helps against it, in one line; empty when nobody knows. Pure. */
export function remedyOf({ explanation, hint }: NightFailure): string {
  return [explanation?.remedy, hint].filter((part) => part !== undefined).join('; ');
}

/** Failures with the same cause together, the most frequent first: forty of them are most often one. Pure. */
export function byCause(
  entries: readonly EntrySummary[],
): { cause: string; remedy: string; entries: EntrySummary[] }[] {
  const groups = new Map<string, EntrySummary[]>();
  for (const entry of entries) {
    // Names of builds and images, and amounts, would keep apart what is the same.
    const amount = String.raw`\b[\d.]+ [KMGT]?i?B\b`;
    const cause = (entry.failure ? causeOf(entry.failure) : '').replace(
      new RegExp([wordOf(entry.name), amount].join('|'), 'g'),
      '…',
    );
    groups.set(cause, [...(groups.get(cause) ?? []), entry]);
  }
  return [...groups.values()]
    .toSorted((a, b) => b.length - a.length)
    .map((all) => {
      const failure = all[0]?.failure;
      return {
        cause: failure ? causeOf(failure) : '',
        remedy: failure ? remedyOf(failure) : '',
        entries: all,
      };
    });
}

/** A pattern for a name that stands alone, whatever characters it has, or for the id of a build of that name. */
function wordOf(name: string): string {
  const build = String.raw`-\d{8}-\d{6}-[0-9a-f]{4}`;
  return String.raw`(?<![\w.-])${name.replace(/[.]/g, String.raw`\.`)}(?:${build})?(?![\w.-])`;
}
