import type { KnownFailure } from './failure.ts';

// The words are those of APT's apt-pkg/, apt-private/ and methods/, and of dpkg's src/main/errors.c.

const logs = ['guest'] as const;

export const aptFailures: readonly KnownFailure[] = [
  {
    id: 'apt.host-unknown',
    title: 'A repository has no address',
    logs,
    match: [/(?:Temporary failure resolving|Could not resolve) '(?<host>[^']+)'/],
    cause: 'the guest found no address for {host}',
    remedy:
      'see whether this host resolves {host} (`getent hosts {host}`): a guest asks the name servers of its host, and a resolver at 127.0.0.53 is out of its reach',
    source: 'apt methods/connect.cc',
  },
  {
    id: 'apt.no-package',
    title: 'A package does not exist',
    logs,
    match: [
      /^E: Unable to locate package (?<package>\S+)/m,
      /^E: Package '(?<package>[^']+)' has no installation candidate/m,
    ],
    cause: 'no repository of the guest has the package {package}',
    remedy: 'correct the name under `packages`, or add the repository or component that has it',
    source: 'apt-pkg/cacheset.cc; apt-private/private-cacheset.cc',
  },
  {
    id: 'apt.key',
    title: 'The key of a repository is not known',
    logs,
    match: [/NO_PUBKEY (?<key>[0-9A-F]+)/, /EXPKEYSIG (?<key>[0-9A-F]+)/],
    cause: 'a repository is signed with a key that the guest does not have, or that has expired: {key}',
    remedy: 'give the repository its key (`repositories[].key`), or a newer one',
    source: 'apt methods/gpgv.cc',
  },
  {
    id: 'apt.release-date',
    title: 'A repository is too old or too new for the clock',
    logs,
    match: [/Release file for (?<url>\S+) is (?:expired|not valid yet)/],
    cause: 'the date of {url} does not fit the clock of the guest',
    remedy: 'set the clock of this host (`timedatectl`), or use a mirror that is kept up to date',
    source: 'apt-pkg/acquire-item.cc',
  },
  {
    id: 'apt.no-release',
    title: 'A repository is not there, or not signed',
    logs,
    match: [
      /The repository '(?<repository>[^']+)' (?:is not signed|does not have a Release file|no longer has a Release file)/,
    ],
    cause: 'the repository has no signed release file: {repository}',
    remedy:
      'correct its URL and suite; a release at its end moves to an archive (archive.debian.org, old-releases.ubuntu.com)',
    source: 'apt-pkg/acquire-item.cc',
  },
  {
    id: 'apt.dependencies',
    title: 'Packages do not go together',
    logs,
    match: [/The following packages have unmet dependencies:\s+(?<package>\S+) : (?<need>.+)/],
    cause: '{package} cannot be installed: {need}',
    remedy: 'take all packages from the same release, and release none from being held (`apt-mark showhold`)',
    source: 'apt-private/private-output.cc',
  },
  {
    id: 'apt.lock',
    title: 'Something else uses APT in the guest',
    logs,
    match: [/Could not get lock (?<file>\/\S+?)[.:]? /],
    cause: 'another program in the guest holds {file}',
    remedy: 'a step of the recipe has started a package manager in the background: let it end first',
    source: 'apt-pkg/contrib/fileutl.cc',
  },
  {
    id: 'apt.disk-full',
    title: 'The disk of the image is too small for the packages',
    logs,
    match: [/You don't have enough free space in (?<folder>\S+?)\.?$/m],
    cause: 'the packages do not fit into {folder} of the image',
    remedy: 'raise `disk.size`, or install less',
    source: 'apt-private/private-download.cc',
  },
  {
    id: 'apt.checksum',
    title: 'A download is not what its repository announced',
    logs,
    match: [/Hash Sum mismatch/],
    cause: 'a mirror gave other bytes than its repository announces',
    remedy: 'try again when the mirror is whole, or use another one; a proxy that caches can be the cause too',
    source: 'apt-pkg/acquire-item.cc HashSumMismatch',
  },
  {
    id: 'apt.package-script',
    title: 'A package could not be configured',
    logs,
    match: [/dpkg: error processing (?:package|archive) (?<package>\S+)/],
    cause: 'a script of the package {package} failed in the guest',
    remedy: 'look above this line for what it said; a service that cannot start in the appliance is the usual reason',
    source: 'dpkg src/main/errors.c',
    isGeneral: true,
  },
  {
    id: 'apt.fetch',
    title: 'A file of a repository cannot be fetched',
    logs,
    match: [/^E: Failed to fetch (?<url>\S+) {1,2}(?<why>.+)/m],
    cause: '{url} cannot be fetched: {why}',
    remedy: 'see whether the URL answers from this host',
    source: 'apt-pkg/update.cc; apt-private/private-download.cc',
    isGeneral: true,
  },
];
