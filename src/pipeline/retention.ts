import type { Manifest } from './events.ts';
import { mostOwn } from './history.ts';

/** How much of the builds' folders stays: the latest `count` of each image name, and all that began in the last `days`. */
export type Retention = { count?: number; days?: number };

/** A build that has ended. `startedAt` is ISO 8601; one without a manifest says nothing for predictions. */
export type Ended = { build: string; name: string; startedAt: string; stages: Manifest['stages'] };

const day = 24 * 60 * 60 * 1000;

/**
 * What to do with the folders of builds that have ended: those that no rule keeps are removed, but for the manifests that
 * predictions read (`toManifest`), of those in which a stage ran to its end; the oldest first. Without a rule none is kept. Pure.
 *
 * @param now milliseconds since 1970.
 */
export function chooseBuilds(
  ended: readonly Ended[],
  { count = 0, days = 0 }: Retention,
  now: number,
): { remove: string[]; toManifest: string[] } {
  const latest = ended.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  const choice: { remove: string[]; toManifest: string[] } = { remove: [], toManifest: [] };
  for (const [at, each] of [...latest.entries()].toReversed()) {
    const later = latest.slice(0, at).filter(({ name }) => name === each.name);
    if (later.length < count || now - Date.parse(each.startedAt) < days * day) continue;
    const isNeeded = ranStage(each) && later.filter(ranStage).length < mostOwn;
    choice[isNeeded ? 'toManifest' : 'remove'].push(each.build);
  }
  return choice;
}

/** Whether a build tells what a stage takes. */
function ranStage({ stages }: Ended): boolean {
  return stages.some(
    ({ outcome, seconds, bytes }) => outcome === 'done' && seconds !== undefined && bytes !== undefined,
  );
}
