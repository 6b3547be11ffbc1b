/** Releases that are made like those of one major release of RHEL. */
export type Series = {
  major: number;
  /** The major release of RHEL that it is made like. */
  like: number;
  /** Whether its releases have minor numbers: the same as those of RHEL. */
  minors: boolean;
  /** The file in /etc/pki/rpm-gpg with the key that signs its packages. */
  key: string;
};

/** What differs between RHEL and the distributions that are made from it, or that it is made from. */
export type Distribution = {
  title: string;
  /** Oldest first. */
  series: readonly Series[];
  /** Whether its packages come from a subscription. The others are installed with repositories that anyone may use. */
  subscribes: boolean;
  /** The user that cloud-init makes in its own cloud images. */
  user: string;
  /** Its folder in /boot/efi/EFI: `efi_dir` in Anaconda's profile of it. */
  efi: string;
  /** What `family` in the .treeinfo of its media is, and whether `version` there may be the major release alone. */
  treeinfo: { family: RegExp; majorOnly: boolean };
  /** The distribution in libosinfo's vocabulary, which is what the Image service's `os_distro` wants. */
  distro: string;
  /** The short id of a release in osinfo-db. */
  osinfo(release: string): string;
  /** Base URLs of the repositories that its systems are installed with, for x86_64; none of one that has ended, which never changes. */
  repositories(release: string): string[];
  /** Of one that has ended: the hosts in its repository files that are gone, and the one that has its packages now. */
  ended?: { mirrorList: string; mirrors: string; vault: string };
};

const majorOf = (release: string) => release.split('.')[0] ?? release;
const inOs = (base: string, names: readonly string[]) => names.map((name) => `${base}/${name}/x86_64/os/`);
const like = (major: number, key: string): Series => ({ major, like: major, minors: true, key });
const alone = (major: number, from: number, key: string): Series => ({ major, like: from, minors: false, key });
/** The rootfs of Fedora has a link of this name to the key of its release. */
const fedora = (major: number) => alone(major, 10, `RPM-GPG-KEY-fedora-${major}-x86_64`);

/**
 * The distributions by the name that recipes give, each in all that it has of its own. Users: config/cloud.cfg.tmpl of
 * cloud-init and `cloud-image-username` of osinfo-db; CentOS 7's image has its own, Oracle's is in oracle-linux-image-tools
 * (`opc` is that of its own cloud). EFI folders: data/profile.d of Anaconda; for Oracle Linux, which has no profile there,
 * "About the GRUB 2 Bootloader" in its documentation. Families of .treeinfo: osinfo-db; of Oracle Linux, libguestfs's
 * inspect-fs-cd.c (with Server) and a log of virt-install in virt-manager's pull request 561 (7.9, without). Keys: the files of
 * each one's release package. Repositories: `baseurl` in the files of the same packages. The rest: osinfo-db.
 */
export const distributions = {
  rhel: {
    title: 'RHEL',
    series: [6, 7, 8, 9, 10].map((major) => like(major, 'RPM-GPG-KEY-redhat-release')),
    subscribes: true,
    user: 'cloud-user',
    efi: 'redhat',
    treeinfo: { family: /^Red Hat Enterprise Linux/, majorOnly: false },
    distro: 'rhel',
    osinfo: (release) => `rhel${release}`,
    repositories: () => [],
  },
  centos: {
    title: 'CentOS',
    series: [like(7, 'RPM-GPG-KEY-CentOS-7')],
    subscribes: false,
    user: 'centos',
    efi: 'centos',
    treeinfo: { family: /^CentOS( Linux)?$/, majorOnly: true },
    distro: 'centos',
    // osinfo-db tells no minor release of 7 from another.
    osinfo: () => 'centos7.0',
    repositories: () => [],
    ended: { mirrorList: 'mirrorlist.centos.org', mirrors: 'mirror.centos.org', vault: 'vault.centos.org' },
  },
  'centos-stream': {
    title: 'CentOS Stream',
    series: [alone(9, 9, 'RPM-GPG-KEY-centosofficial'), alone(10, 10, 'RPM-GPG-KEY-centosofficial-SHA256')],
    subscribes: false,
    user: 'cloud-user',
    efi: 'centos',
    treeinfo: { family: /^CentOS Stream$/, majorOnly: true },
    distro: 'centos',
    osinfo: (release) => `centos-stream${release}`,
    repositories: (release) => inOs(`https://mirror.stream.centos.org/${release}-stream`, ['BaseOS', 'AppStream']),
  },
  rocky: {
    title: 'Rocky Linux',
    series: [like(8, 'RPM-GPG-KEY-rockyofficial'), like(9, 'RPM-GPG-KEY-Rocky-9'), like(10, 'RPM-GPG-KEY-Rocky-10')],
    subscribes: false,
    user: 'rocky',
    efi: 'rocky',
    // The family of its minimal DVD is Rocky Linux Minimal.
    treeinfo: { family: /^Rocky Linux/, majorOnly: false },
    distro: 'rocky',
    osinfo: (release) => `rocky${majorOf(release)}`,
    repositories: (release) =>
      inOs(`https://dl.rockylinux.org/pub/rocky/${majorOf(release)}`, ['BaseOS', 'AppStream', 'extras']),
  },
  almalinux: {
    title: 'AlmaLinux',
    series: [
      like(8, 'RPM-GPG-KEY-AlmaLinux'),
      like(9, 'RPM-GPG-KEY-AlmaLinux-9'),
      like(10, 'RPM-GPG-KEY-AlmaLinux-10'),
    ],
    subscribes: false,
    user: 'almalinux',
    efi: 'almalinux',
    treeinfo: { family: /^AlmaLinux/, majorOnly: true },
    distro: 'almalinux',
    osinfo: (release) => `almalinux${majorOf(release)}`,
    repositories: (release) =>
      inOs(`https://repo.almalinux.org/almalinux/${majorOf(release)}`, ['BaseOS', 'AppStream', 'extras']),
  },
  oracle: {
    title: 'Oracle Linux',
    series: [7, 8, 9, 10].map((major) => like(major, 'RPM-GPG-KEY-oracle')),
    subscribes: false,
    user: 'cloud-user',
    efi: 'redhat',
    treeinfo: { family: /^Oracle Linux/, majorOnly: false },
    distro: 'ol',
    osinfo: (release) => `ol${release}`,
    repositories: (release) => {
      const base = `https://yum.oracle.com/repo/OracleLinux/OL${majorOf(release)}`;
      const names = majorOf(release) === '7' ? ['latest'] : ['baseos/latest', 'appstream'];
      return names.map((name) => `${base}/${name}/x86_64/`);
    },
  },
  fedora: {
    title: 'Fedora',
    series: [42, 43, 44, 45].map(fedora),
    subscribes: false,
    user: 'fedora',
    efi: 'fedora',
    treeinfo: { family: /^Fedora/, majorOnly: true },
    distro: 'fedora',
    osinfo: (release) => `fedora${release}`,
    repositories: (release) => [`https://dl.fedoraproject.org/pub/fedora/linux/updates/${release}/Everything/x86_64/`],
  },
} satisfies Record<string, Distribution>;

export type DistributionName = keyof typeof distributions;

export const distributionNames = Object.keys(distributions) as [DistributionName, ...DistributionName[]];

/** The row of a recipe's distribution. */
export function distributionOf({ distribution }: { distribution: DistributionName }): Distribution {
  return distributions[distribution];
}
