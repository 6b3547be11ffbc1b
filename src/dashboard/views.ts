import { policyOf, style, template } from '../report/html.ts';
import { linkTo, pageName } from '../report/build-page.ts';
import type { BuildRecord } from '../pipeline/builds.ts';
import { allHarmless, formatBytes, formatDuration } from '../text.ts';
import { secondsOf, timeText, whyFailed } from '../ui/builds-text.ts';
import { countsText, type NightSummary } from '../factory/summary.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate } from '../targets/channel-place.ts';
import type { ChannelAnswer, FactoryAnswer, HostAnswer } from './answers.ts';

/** Builds that the overview shows; the others have their own page. */
const mostBuilds = 20;
const mostNights = 10;

const script = readFileSync(join(import.meta.dirname, '../../templates/dashboard/dashboard.js'), 'utf8');

/** The policy of the pages: as that of a report, but these ask their own server, and send forms to it. */
export const policy = policyOf(script, ["img-src 'self' data:", "connect-src 'self'", "form-action 'self'"]);

const pages = {
  overview: template('dashboard/overview'),
  live: template('dashboard/live'),
  login: template('dashboard/login'),
  message: template('dashboard/message'),
};

/** A page of the dashboard. What is in the view is text. */
export function htmlOf<K extends keyof typeof pages>(page: K, view: object): string {
  // `no-referrer` would have a browser send forms with the Origin `null`.
  return pages[page]({ ...view, head: { policy, style, script, generator: '', referrer: 'same-origin' } });
}

/** All that the overview shows, as texts: templates/dashboard/overview.hbs. `now` is in milliseconds since 1970. Pure. */
export function overviewView(
  found: {
    builds: readonly BuildRecord[];
    nights: readonly NightSummary[];
    factory: FactoryAnswer | undefined;
    channels: readonly ChannelAnswer[];
    /** Those of clouds, which are not changed from here. */
    elsewhere: readonly ChannelAnswer[];
    /** What could be promoted, and what whoever looks may do. */
    candidates: readonly (Candidate & { place: string })[];
    may: { build: boolean; promote: boolean };
    host: HostAnswer;
    /** There is a page about the queues. */
    hasQueues: boolean;
    problems: readonly string[];
  },
  now: number,
) {
  const { builds, nights, factory, channels, elsewhere, candidates, may, host, problems } = allHarmless(found);
  const running = builds.filter(({ outcome }) => outcome === 'running');
  const ended = builds.filter(({ outcome }) => outcome !== 'running');
  return {
    title: factory ? `Factory ${factory.name}` : 'Builds of this host',
    host: `${host.name}, vmkiln ${host.vmkiln}, ${host.disks.map((disk) => `${formatBytes(disk.free, 'down')} free for ${disk.folder}`).join(', ')}`,
    ...{ problems, mayBuild: may.build, mayPromote: may.promote },
    running: running.map((build) => ({
      ...{ id: build.build, live: liveLink(build.build), when: timeText(build.startedAt) },
      stage: build.stages.findLast(({ outcome }) => outcome === 'running')?.stage ?? 'prepare',
      took: formatDuration(secondsOf(build, now) ?? 0),
    })),
    next: factory?.next === undefined ? '' : timeText(factory.next),
    entries: (factory?.entries ?? []).map((entry) => ({
      ...{ name: entry.name, next: entry.next === undefined ? '' : timeText(entry.next) },
      ...{ build: entry.build ?? '', page: entry.build === undefined ? '' : pageLink(entry.build) },
      ...{
        when: entry.builtAt === undefined ? '' : timeText(entry.builtAt),
        failure: entry.failure?.split('\n')[0] ?? '',
      },
    })),
    hasFactory: Boolean(factory),
    hasQueues: found.hasQueues,
    builds: ended.slice(0, mostBuilds).map((build) => ({
      ...{ id: build.build, page: pageLink(build.build), outcome: build.outcome, when: timeText(build.startedAt) },
      took: build.endedAt === undefined ? '' : formatDuration(secondsOf(build, now) ?? 0),
      why: whyFailed(build) ?? '',
    })),
    nights: nights.slice(0, mostNights).map((night) => ({
      ...{ id: night.night, page: pageLink(night.night), outcome: night.outcome, when: timeText(night.startedAt) },
      ...{ took: formatDuration(night.seconds), counts: countsText(night) },
    })),
    channels: [...channels, ...elsewhere].map(({ place, channel, generation, image, earlier }, index) => ({
      ...{ place, channel, generation: String(generation), earlier: String(earlier) },
      rollBack: may.promote && earlier > 0 && index < channels.length,
      ...{ image: image?.name ?? '', build: image?.build ?? '', since: image?.since ?? '' },
    })),
    candidates: candidates
      .filter(({ revoked, rehearsal }) => !revoked && !rehearsal)
      .map(({ place, id, name, build }) => ({ place, image: id, name, build })),
  };
}

/** What the live page of a build shows: templates/dashboard/live.hbs. Pure. */
export function liveView(record: BuildRecord, { lines, count }: { lines: readonly string[]; count: number }) {
  const build = allHarmless(record);
  const own = encodeURIComponent(record.build);
  return {
    title: `${build.build}: ${build.outcome}`,
    ...{ id: build.build, name: build.name, outcome: build.outcome, isRunning: build.outcome === 'running' },
    ...{ page: pageLink(record.build), lines: allHarmless(lines), stream: `/live/${own}/log?after=${count}` },
    screen: `/live/${own}/screen.png`,
  };
}

function liveLink(build: string): string {
  return `/live/${encodeURIComponent(build)}`;
}

function pageLink(build: string): string {
  return linkTo(pageName(build)).replace(/^\./, '/pages');
}
