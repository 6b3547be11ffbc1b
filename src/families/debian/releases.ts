import type { Trust } from '../linux/trust.ts';

/** The distributions with APT whose cloud images are built from. */
export type Distribution = 'debian' | 'ubuntu';

/** What differs between the releases of Debian and Ubuntu. */
export type DebianRelease = {
  distribution: Distribution;
  release: string;
  /** The name that its archives have it under. */
  suite: string;
  /** Suites of its main archive. Debian has its security updates in an archive of their own. */
  suites: readonly string[];
  /** The suite of the archive of security updates, where that is another one. */
  securitySuite?: string;
  /** The parts of the archive that the cloud image itself looks at. */
  components: string;
  /** The key that signs the archives. */
  keyring: string;
  /** osinfo short id, as osinfo-db has it. */
  osinfo: string;
};

const debian = (release: string, suite: string, components: string): DebianRelease => ({
  distribution: 'debian',
  release,
  suite,
  suites: [suite, `${suite}-updates`],
  securitySuite: `${suite}-security`,
  components,
  keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
  osinfo: `debian${release}`,
});

const ubuntu = (release: string, suite: string): DebianRelease => ({
  distribution: 'ubuntu',
  release,
  suite,
  suites: [suite, `${suite}-updates`, `${suite}-security`],
  components: 'main restricted universe multiverse',
  keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
  osinfo: `ubuntu${release}`,
});

/** Oldest first. */
const releases: readonly DebianRelease[] = [
  debian('11', 'bullseye', 'main'),
  debian('12', 'bookworm', 'main'),
  debian('13', 'trixie', 'main'),
  ubuntu('22.04', 'jammy'),
  ubuntu('24.04', 'noble'),
];

/** How all of them are made to trust CAs: update-ca-certificates(8) looks at files that end in .crt. */
export const trust: Trust = {
  anchors: '/usr/local/share/ca-certificates',
  command: 'update-ca-certificates',
  suffix: '.crt',
};

/** The releases of a distribution, oldest first. */
export function releasesOf(distribution: Distribution): string[] {
  return releases.flatMap((each) => (each.distribution === distribution ? [each.release] : []));
}

/** The release that a suite, such as `bookworm`, belongs to. */
export function releaseOf(suite: string): string | undefined {
  return releases.find((each) => each.suite === suite.toLowerCase())?.release;
}

/** The data of a recipe's release. The schema lets only releases through that are here. */
export function debianRelease(recipe: { distribution: Distribution; release: string }): DebianRelease {
  const found = releases.find(
    ({ distribution, release }) => distribution === recipe.distribution && release === recipe.release,
  );
  if (!found) throw new Error(`no data for ${recipe.distribution} ${recipe.release}`);
  return found;
}

/** osinfo short ids of a release, and after it those of older ones of the distribution, newest first. */
export function osinfoIds(recipe: { distribution: Distribution; release: string }): string[] {
  const own = releases.filter(({ distribution }) => distribution === recipe.distribution);
  return own
    .slice(0, own.indexOf(debianRelease(recipe)) + 1)
    .toReversed()
    .map(({ osinfo }) => osinfo);
}
