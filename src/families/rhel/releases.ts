import type { Init } from '../linux/identity.ts';
import type { Trust } from '../linux/trust.ts';
import { type DistributionName, distributionOf, distributions, type Series } from './distributions.ts';

/** What differs between the major releases of Red Hat Enterprise Linux, and of what is made like them. */
export type RhelRelease = {
  major: number;
  /** The last minor release. For a major release that still gets new ones: the last that can be foreseen. */
  lastMinor: number;
  /** The kickstart template used when the recipe names none. */
  kickstart: string;
  /** Boot arguments that give the installer its kickstart and its text mode. */
  installer: string;
  /** The machine type, where the release does not know libvirt's own choice. */
  machine?: string;
  /** Kernel arguments of the installer and of the installed system: they keep the name eth0. */
  kernelArguments: string;
  /**
   * Where the kernel's arguments are: on the `kernel` lines of GRUB legacy's grub.conf, in the grub.cfg that
   * grub2-mkconfig makes of /etc/default/grub, or in an entry per kernel (Boot Loader Specification).
   */
  bootLoader: 'legacy' | 'grub2' | 'entries';
  /** Where grub2-mkconfig writes to; `efi` is the folder of the distribution on the EFI partition. */
  grubConfig(firmware: 'bios' | 'uefi', efi: string): string;
  /** How eth0 is configured: a file of initscripts, the same read by NetworkManager, or NetworkManager's own. */
  network: 'initscripts' | 'ifcfg' | 'keyfile';
  /** Whether its cloud-init configures the network from OpenStack's network_data.json, as it does since 0.7.7. */
  networkMetadata: boolean;
  /** Whether sshd lets root in with a password unless it is told not to. */
  rootPasswordLogin: boolean;
  packageManager: 'yum' | 'dnf';
  /** Whether subscriptions can be attached: not where Simple Content Access is all there is. */
  attach: boolean;
  /** How it is made to trust CAs: update-ca-trust(8). */
  trust: Trust;
  /** systemd also keeps an identity in /etc/machine-id. */
  init: Init;
  /** The package that grows the root partition before the kernel mounts it, where a mounted one cannot grow. */
  growRoot?: string;
  /** The least memory of a machine that it is installed on: Red Hat's system requirements for local media. Bytes. */
  leastMemory: number;
  /** Whether an installation under UEFI leaves a boot loader where firmware without variables looks. */
  uefi: boolean;
  /** Groups of the default user besides adm: those that the release has. */
  groups: readonly string[];
};

const grub2 = '/boot/grub2/grub.cfg';
const gibibyte = 1024 ** 3;
const anchors = '/etc/pki/ca-trust/source/anchors';

const rhel7: RhelRelease = {
  major: 7,
  lastMinor: 9,
  kickstart: 'rhel7.ks.hbs',
  installer: 'inst.ks=file:/ks.cfg inst.text',
  kernelArguments: 'net.ifnames=0 biosdevname=0',
  bootLoader: 'grub2',
  grubConfig: (firmware, efi) => (firmware === 'uefi' ? `/boot/efi/EFI/${efi}/grub.cfg` : grub2),
  network: 'initscripts',
  networkMetadata: true,
  rootPasswordLogin: true,
  packageManager: 'yum',
  attach: true,
  trust: { anchors, command: 'update-ca-trust extract' },
  init: 'systemd',
  leastMemory: gibibyte,
  uefi: true,
  groups: ['systemd-journal'],
};

const rhel8: RhelRelease = {
  ...rhel7,
  major: 8,
  lastMinor: 10,
  kickstart: 'rhel8.ks.hbs',
  bootLoader: 'entries',
  network: 'ifcfg',
  packageManager: 'dnf',
};

const rhel9: RhelRelease = {
  ...rhel8,
  major: 9,
  lastMinor: 8,
  // From here on the file on the EFI partition only points to this one.
  grubConfig: () => grub2,
  network: 'keyfile',
  rootPasswordLogin: false,
  leastMemory: 1.5 * gibibyte,
};

/** Oldest first. What a release has in common with the one before is not said again. */
const releases: readonly RhelRelease[] = [
  {
    major: 6,
    lastMinor: 10,
    kickstart: 'rhel6.ks.hbs',
    installer: 'ks=file:/ks.cfg text',
    // Its kernel is older than the Q35 machine.
    machine: 'pc',
    kernelArguments: '',
    bootLoader: 'legacy',
    grubConfig: () => '/etc/grub.conf',
    network: 'initscripts',
    networkMetadata: false,
    rootPasswordLogin: true,
    packageManager: 'yum',
    attach: true,
    // It has to be told once that it shall.
    trust: { anchors, command: 'update-ca-trust enable && update-ca-trust extract' },
    init: 'upstart',
    growRoot: 'dracut-modules-growroot',
    leastMemory: gibibyte,
    // GRUB legacy reads its configuration beside itself, and no update would change a copy.
    uefi: false,
    groups: [],
  },
  rhel7,
  rhel8,
  rhel9,
  { ...rhel9, major: 10, lastMinor: 10, kernelArguments: 'net.ifnames=0', attach: false },
];

/** The major releases, oldest first. */
export const rhelMajors = releases.map(({ major }) => major);

/** A release as a recipe names it: `distribution` and MAJOR or MAJOR.MINOR. */
type Named = { distribution: DistributionName; release: string };

const likeOf = ({ like }: Series): RhelRelease => {
  const found = releases.find(({ major }) => major === like);
  if (!found) throw new Error(`no data for RHEL ${like}`);
  return found;
};

/** The releases of a series, oldest first. */
function releasesIn(series: Series): string[] {
  if (!series.minors) return [`${series.major}`];
  return Array.from({ length: likeOf(series).lastMinor + 1 }, (_, minor) => `${series.major}.${minor}`);
}

const seriesOf = ({ distribution, release }: Named): Series | undefined =>
  distributionOf({ distribution }).series.find((series) => releasesIn(series).includes(release));

/** Whether a distribution has a release, as far as vmkiln knows. */
export function isRelease(named: Named): boolean {
  return seriesOf(named) !== undefined;
}

/** The releases of a distribution in words: "6.0 to 6.10, 7.0 to 7.9, …" or "9, 10". */
export function releaseRange(distribution: DistributionName): string {
  const ranges = distributionOf({ distribution }).series.map((series) => {
    const all = releasesIn(series);
    return all.length > 1 ? `${all[0]} to ${all.at(-1)}` : `${all[0]}`;
  });
  return ranges.join(', ');
}

/** The data of a recipe's release. The schema lets only releases through that are here. */
export function rhelRelease(recipe: Named): RhelRelease {
  return likeOf(known(recipe));
}

/** The file URL of the key that signs the packages of a recipe's distribution. */
export function packageKey(recipe: Named): string {
  return `file:///etc/pki/rpm-gpg/${known(recipe).key}`;
}

function known(recipe: Named): Series {
  const series = seriesOf(recipe);
  if (!series) throw new Error(`no data for ${recipe.distribution} ${recipe.release}`);
  return series;
}

/**
 * osinfo short ids of a release, and after it those of older ones of its distribution, newest first; then of the RHEL that
 * it is made like, for an osinfo-db without the distribution.
 */
export function osinfoIds(recipe: Named): string[] {
  const { like, minors } = known(recipe);
  const own = upTo(recipe).map((release) => distributionOf(recipe).osinfo(release));
  const minor = minors ? recipe.release.split('.')[1] : likeOf(known(recipe)).lastMinor;
  const rhel = upTo({ distribution: 'rhel', release: `${like}.${minor}` }).map(distributions.rhel.osinfo);
  return [...new Set([...own, ...rhel])];
}

/** A release and the older ones of its distribution, newest first. */
function upTo(recipe: Named): string[] {
  const all = distributionOf(recipe).series.flatMap(releasesIn);
  return all.slice(0, all.indexOf(recipe.release) + 1).toReversed();
}
