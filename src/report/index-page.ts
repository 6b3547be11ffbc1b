import type { BuildRecord } from '../pipeline/builds.ts';
import { formatBytes, formatDuration } from '../text.ts';
import { imageBytes, secondsOf, timeText, whyFailed } from '../ui/builds-text.ts';
import { historyOf, linkTo, pageName } from './build-page.ts';
import { pastOf } from './history.ts';

/** So many images are unfolded at most. */
const mostOpen = 6;

/** All that the index shows, as texts: templates/report/index.html.hbs. */
export type IndexView = ReturnType<typeof indexView>;

/** Pure. `all` are the builds, the latest first, with harmless texts. */
export function indexView(all: readonly BuildRecord[]) {
  const latest = [...new Map(all.toReversed().map((build) => [build.name, build])).values()].toReversed();
  const outcomes = [...new Set(all.map(({ outcome }) => outcome))].toSorted();
  const counts = outcomes.map((wanted) => `${all.filter(({ outcome }) => outcome === wanted).length} ${wanted}`);
  return {
    title: 'Builds',
    summary: `${counted(all.length, 'build')} of ${counted(latest.length, 'image')}: ${counts.join(', ')}`,
    images: latest.map((build, index) => {
      const past = pastOf(all, build);
      return {
        ...{
          name: build.name,
          outcome: build.outcome,
          page: linkTo(pageName(build.build)),
          when: timeText(build.startedAt),
        },
        builds: all.filter(({ name }) => name === build.name).length,
        history: past.length < 2 ? null : historyOf(past, `image-${index}`),
        open: latest.length <= mostOpen,
      };
    }),
    builds: all.map((build) => {
      const seconds = secondsOf(build, Date.parse(build.startedAt));
      const bytes = imageBytes(build);
      return {
        ...{
          id: build.build,
          page: linkTo(pageName(build.build)),
          outcome: build.outcome,
          when: timeText(build.startedAt),
        },
        took: build.endedAt === undefined || seconds === undefined ? '' : formatDuration(seconds),
        size: bytes === undefined ? '' : formatBytes(bytes),
        why: whyFailed(build) ?? '',
      };
    }),
  };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
