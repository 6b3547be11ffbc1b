import { fullVersion } from '../describe/inventory.ts';
import { packageOrder } from '../describe/package-order.ts';
import type { Version, Versions } from './versions.ts';

/** A newer version of an installed package. `key` tells it from every other. */
export type Update = { key: string; name: string; from: string; to: string; mirrored: boolean };

/** Packages of no architecture of their own fit every system: noarch of rpm, all of dpkg. */
const anywhere = ['noarch', 'all'];

/**
 * What is newer in a repository than what is installed, each version once. Of a package that is installed several times, as kernels are, the
 * newest counts. A package that is not installed counts for nothing, nor does one of another architecture. A version that a pin, a module's
 * stream or an exclusion keeps out is among them: a build shows whether it is wanted (`settle`). Pure.
 */
export function updatesIn(versions: Versions, installed: readonly Version[], mirrored: boolean): Update[] {
  const newest = new Map<string, Version>();
  for (const each of installed) {
    const place = `${each.name}.${each.arch ?? ''}`;
    const known = newest.get(place);
    if (!known || packageOrder(each, known) > 0) newest.set(place, each);
  }
  const found = [...newest.values()].flatMap((here) =>
    (versions.get(here.name) ?? [])
      .filter((there) => there.type === here.type && fits(here, there) && packageOrder(there, here) > 0)
      .toSorted((a, b) => packageOrder(b, a))
      .map((there) => {
        const to = fullVersion(there);
        return {
          key: `${there.name}.${there.arch ?? ''}=${to}`,
          name: here.name,
          from: fullVersion(here),
          to,
          mirrored,
        };
      }),
  );
  return [...new Map(found.map((each) => [each.key, each])).values()];
}

function fits(here: Version, there: Version): boolean {
  return here.arch === there.arch || [here.arch ?? '', there.arch ?? ''].some((arch) => anywhere.includes(arch));
}

/** Updates that a build did not bring, and how often they were tried: so that none of them is waited for in every night. */
export type Tried = Readonly<Record<string, number>>;

/** So often is an update tried that a mirror may not have yet. */
const mostTries = 2;

/** Those that are still worth a build. Pure. */
export function worthwhile(updates: readonly Update[], tried: Tried): Update[] {
  return updates.filter(({ key }) => (tried[key] ?? 0) < mostTries);
}

/**
 * What is known of updates after a build that did not bring them (`left`): once more tried. One from a repository that the guest asks itself
 * is not tried again: it was there, and was not wanted. Where the build took its packages from a checkpoint (`fresh` is false) nothing was
 * tried: they wait for the next night. Pure.
 */
export function settle(left: readonly Update[], before: Tried, fresh: boolean): Tried {
  const times = ({ key, mirrored }: Update) => {
    if (!fresh) return before[key] ?? 1;
    return mirrored ? Math.min(mostTries, (before[key] ?? 0) + 1) : mostTries;
  };
  return Object.fromEntries(left.map((update) => [update.key, times(update)]));
}

/** The updates in words: the first three of them. Pure. */
export function updatesText(updates: readonly Update[]): string {
  const newest = [...new Map(updates.toReversed().map((each) => [each.name, each])).values()].toReversed();
  const told = newest.slice(0, 3).map(({ name, from, to }) => `${name} ${from} → ${to}`);
  const rest = newest.length - told.length;
  return `${told.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
