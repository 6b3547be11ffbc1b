import { byCause, countsText, type EntrySummary, type NightSummary } from '../factory/summary.ts';
import { promotedText } from '../factory/promote.ts';
import { retryText } from '../factory/retry.ts';
import { formatDuration } from '../text.ts';
import { timeText } from '../ui/builds-text.ts';
import { linkTo, pageName } from './build-page.ts';

/** All that the page of a night shows, as texts: templates/report/night.hbs. */
export type NightView = ReturnType<typeof nightView>;

/** Pure. `pages` are the builds that have a page beside this one. The texts are harmless. */
export function nightView(night: NightSummary, pages: ReadonlySet<string>) {
  const pageOf = ({ build }: EntrySummary) => (build !== undefined && pages.has(build) ? linkTo(pageName(build)) : '');
  const order = night.entries.toSorted((a, b) => weightOf(a) - weightOf(b));
  return {
    title: `${night.factory}: ${countsText(night)}`,
    ...{ name: night.factory, outcome: night.outcome, badge: night.outcome, warnings: night.warnings },
    summary: `${countsText(night)}. Began ${timeText(night.startedAt)} UTC, took ${formatDuration(night.seconds)}.`,
    failures: byCause(night.entries.filter(({ outcome }) => outcome === 'failed' || outcome === 'not tried')).map(
      ({ cause, remedy, entries }) => ({
        ...{ cause, remedy },
        entries: entries.map((entry) => ({
          ...{ name: entry.name, page: pageOf(entry), build: entry.build ?? '', stage: entry.failure?.stage ?? '' },
          again: (entry.retry && retryText(entry.retry)) ?? '',
        })),
      }),
    ),
    entries: order.map((entry) => ({
      ...{ name: entry.name, outcome: entry.outcome, badge: badgeOf(entry), page: pageOf(entry) },
      why: [...entry.reasons.map(({ text }) => text), ...entry.notes].join('; '),
      difference: [
        ...(entry.difference === undefined ? [] : [entry.difference]),
        ...(entry.promoted ?? []).map(promotedText),
      ].join('; '),
      took: entry.seconds === undefined ? '' : formatDuration(entry.seconds),
    })),
  };
}

/** What has been built comes before what has not; what failed has a place of its own, and comes first. */
function weightOf({ outcome }: EntrySummary): number {
  return ['failed', 'not tried', 'interrupted', 'postponed', 'built', 'promoted'].indexOf(outcome) >>> 0;
}

function badgeOf({ outcome }: EntrySummary): string {
  if (outcome === 'interrupted') return outcome;
  return ['failed', 'not tried', 'postponed'].includes(outcome)
    ? 'failed'
    : outcome === 'built' || outcome === 'promoted'
      ? 'done'
      : 'skipped';
}
