import type { Package } from '../describe/inventory.ts';

/** A version of a package that a repository has, or that is installed. */
export type Version = Pick<Package, 'type' | 'name' | 'epoch' | 'version' | 'release' | 'arch'>;

/** What a repository has, by the names of the packages. */
export type Versions = Map<string, Version[]>;

/** A repository as it is now: `digest` is another one when its packages are, and `versions` fetches what it has. */
export type RepositoryState = { digest: string; versions: () => Promise<Versions> };

/** Puts a version to those of its name. */
export function addVersion(versions: Versions, version: Version): void {
  const known = versions.get(version.name);
  if (known) known.push(version);
  else versions.set(version.name, [version]);
}
