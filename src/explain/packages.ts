import type { KnownFailure } from './failure.ts';

// dnf, yum and librepo, in a guest or under Anaconda. The words are those of dnf/base.py, dnf/exceptions.py and dnf/cli,
// librepo/downloader.c, yum/__init__.py, yum/yumRepo.py and cli.py of yum, and libsolv's src/problems.c. A mirror that fails is
// followed by the next: only the last is a failure (dnf marks all [MIRROR], and the file for which there are no more [FAILED]; yum says when there are none).

const logs = ['installer', 'guest'] as const;

/** The line of dnf about a file's last mirror: the file is then said to have no more. `words` are a pattern. */
function lastMirror(words: string): RegExp {
  return new RegExp(String.raw`^\[MIRROR\] (?<file>\S+): ${words}.*\n\[FAILED\] \k<file>: No more mirrors to try`, 'm');
}

export const packageFailures: readonly KnownFailure[] = [
  {
    id: 'dnf.host-unknown',
    title: 'A repository has no address',
    logs,
    match: [
      /^(?!\[MIRROR\]).*Could(?:n't| not) resolve host(?:name)?:? '?(?:name for https?:\/\/)?(?<host>[\w.-]+)(?!.*\nTrying other)/m,
      /Could(?:n't| not) resolve host:? '?(?<host>[\w.-]+).*\nTrying other mirror[^]*?No more mirrors to try/,
      lastMirror(String.raw`Curl error \(6\): .*\[Could not resolve host: (?<host>[\w.-]+)\]`),
    ],
    cause: 'the guest found no address for {host}',
    remedy:
      'see whether this host resolves {host} (`getent hosts {host}`): a guest asks the name servers of its host, and a resolver at 127.0.0.53 is out of its reach; where only a proxy knows the name, set `proxy`',
    source: 'librepo downloader.c "Curl error (%d): %s for %s [%s]"; rpm-software-management/rpm#3870',
  },
  {
    id: 'dnf.unreachable',
    title: 'A repository does not answer',
    logs,
    match: [
      /^(?!\[MIRROR\]).*Curl error \((?:7|28)\): (?<what>.+)/m,
      /(?:curl#|PYCURL ERROR )(?:7|28) - "(?<what>[^\n"]+).*\nTrying other mirror[^]*?No more mirrors to try/,
      lastMirror(String.raw`Curl error \((?:7|28)\): (?<what>.+)`),
    ],
    cause: 'a repository does not answer the guest: {what}',
    remedy: 'see whether a firewall or a proxy stands between, and whether the mirror is up; try again',
    source: 'librepo downloader.c; yum urlgrabber "[Errno 14] curl#7 - ..."',
  },
  {
    id: 'dnf.certificate',
    title: 'A repository is not trusted',
    logs,
    match: [
      /^(?!\[MIRROR\]).*Curl error \((?:35|51|58|60|77)\): (?<what>.+)/m,
      /(?:curl#|PYCURL ERROR )(?:35|51|58|60|77) - "(?<what>[^\n"]+).*\nTrying other mirror[^]*?No more mirrors to try/,
      lastMirror(String.raw`Curl error \((?:35|51|58|60|77)\): (?<what>.+)`),
    ],
    cause: 'the guest and a repository do not trust each other: {what}',
    remedy:
      'give the guest the authority of the server (`caCertificates`, or `subscription.caCertificate` of a Satellite), or see whether the clock of this host is right; a client certificate is that of the subscription',
    source: 'librepo downloader.c with the codes of curl 35, 51, 58, 60 and 77',
  },
  {
    id: 'dnf.not-found',
    title: 'A repository is not where it should be',
    logs,
    match: [
      /^(?!\[MIRROR\]).*Status code: 404 for (?<url>\S+)/m,
      /(?<url>https?:\/\/\S+): \[Errno 14\] .*(?:Error|error:) 404.*\nTrying other mirror[^]*?No more mirrors to try/,
      lastMirror(String.raw`Status code: 404 for (?<url>\S+)`),
    ],
    cause: 'the server has no {url}',
    remedy:
      'correct the URL of the repository; one of an old release moves to an archive (vault.centos.org, archived mirrors)',
    source: 'librepo downloader.c "Status code: %ld for %s (IP: %s)"; yum urlgrabber "HTTP Error 404 - Not Found"',
  },
  {
    id: 'dnf.forbidden',
    title: 'A repository refuses the guest',
    logs,
    match: [
      /^(?!\[MIRROR\]).*Status code: (?<status>40[13]) for (?<url>\S+)/m,
      /(?<url>https?:\/\/\S+): \[Errno 14\] .*(?:Error|error:) (?<status>40[13]).*\nTrying other mirror[^]*?No more mirrors to try/,
      lastMirror(String.raw`Status code: (?<status>40[13]) for (?<url>\S+)`),
    ],
    cause: 'the server refuses {url} with status {status}',
    remedy:
      'the subscription does not contain this repository, or has ended: see what the account has, and the names in `subscription.repositories`',
    source: 'librepo downloader.c "Status code: %ld for %s (IP: %s)"',
  },
  {
    id: 'dnf.filtered',
    title: 'A module stream hides a package',
    logs,
    match: [/All matches were filtered out by modular filtering for argument: (?<package>\S+)/],
    cause: 'a package is hidden by the stream of its module: {package}',
    remedy: 'enable the stream that has it, or disable the module, before the packages are installed',
    source: 'dnf/base.py',
  },
  {
    id: 'dnf.no-match',
    title: 'A package does not exist',
    logs,
    match: [
      /^(?:Error: )?Unable to find a match: (?<package>.+)/m,
      /^(?:Error: )?No match for argument: (?<package>.+)/m,
      /Problems in request:\s+missing (?:packages|groups or modules): (?<package>.+)/,
      /^vmkiln: not installed: ?(?<package>.+)/m,
      /^No package (?<package>\S+) available\.$/m,
    ],
    cause: 'no enabled repository has a package of that name: {package}',
    remedy: 'correct the name under `packages`, or enable the repository that has it',
    source: 'dnf/cli/commands/install.py, dnf/exceptions.py MarkingErrors; cli.py of yum',
  },
  {
    id: 'dnf.dependencies',
    title: 'Packages do not go together',
    logs,
    match: [
      // Of modules it is said in passing: what cannot be chosen by default is left out.
      /nothing provides (?!module\()(?<need>.+?) needed by (?!module )(?<package>\S+)/,
      /^Error: Package: (?<package>\S+).*\n\s+Requires: (?<need>.+)/m,
      /^error: Failed dependencies:\s+(?<need>\S.*?) is needed by (?:\(installed\) )?(?<package>\S+)/m,
      /package (?<package>\S+) (?:requires|conflicts with) (?<need>.+?),? (?:but none of the providers can be installed|provided by )/,
    ],
    cause: '{package} cannot be installed: it needs {need}',
    remedy: 'enable the repository that has it, or use repositories of the same minor release as the medium',
    source: 'libsolv problems.c; yum depsolve.py; rpm lib/rpmps.cc',
  },
  {
    id: 'dnf.file-conflict',
    title: 'Two packages have the same file',
    logs,
    match: [
      /file (?<file>\/\S+) (?:from install of (?<package>\S+) )?conflicts (?:with file from package (?<other>\S+)|between attempted installs of (?<other2>.+))/,
    ],
    cause: 'two packages bring {file}[: {package}][ and {other}][ {other2}]',
    remedy: 'leave one of them out, or take both from the same repository',
    source: 'rpm lib/rpmps.cc "file %s from install of %s conflicts with file from package %s"',
  },
  {
    id: 'dnf.signature',
    title: 'A package is not signed by a known key',
    logs,
    match: [
      /Public key for (?<package>\S+) is not (?:installed|trusted)/,
      /Package (?<package>\S+) is not signed/,
      /GPG key retrieval failed: (?<package>.+)/,
    ],
    cause: 'the signature of a package cannot be checked: {package}',
    remedy: 'give the repository its key (`repositories[].gpgkey`)',
    source: 'dnf/base.py _sig_check_pkg; yum/__init__.py',
  },
  {
    id: 'dnf.disk-full',
    title: 'The disk of the image is too small for the packages',
    logs,
    match: [
      /At least (?<size>\d+)MB more space needed on the (?<folder>\S+) filesystem/,
      /needs (?<size>\d+)MB (?:more space )?on the (?<folder>\S+) filesystem/,
    ],
    cause: 'the packages need {size} MB more on {folder} of the image',
    remedy: 'raise `disk.size`, make that file system larger in the kickstart, or install less',
    source: 'dnf/base.py _trans_error_summary; cli.py of yum errorSummary',
  },
  {
    id: 'dnf.checksum',
    title: 'A download is not what its repository announced',
    logs,
    match: [
      /^(?!\[MIRROR\]).*Downloading successful, but checksum doesn't match/m,
      /^\[MIRROR\].*checksum doesn't match[^]*?No more mirrors to try/m,
      /Package does not match intended download/,
      /(?:repomd\.xml|metadata|primary|filelists)\S* ?(?:does not match|doesn't match) (?:repomd|metalink|checksum)/i,
    ],
    cause: 'a mirror gave other bytes than its repository announces',
    remedy:
      'try again in an hour, when the mirror is whole, or use another one; a proxy that caches can be the cause too',
    source: 'librepo downloader.c; yum/__init__.py; yum/yumRepo.py',
  },
  {
    id: 'dnf.no-address',
    title: 'A repository has no URL',
    logs,
    match: [
      /Cannot find a valid baseurl for repo: (?<repo>\S+)/,
      /Failed to download metadata for repo '(?<repo>[^']+)': Cannot prepare internal mirrorlist: No URLs in mirrorlist/,
    ],
    cause: 'the repository {repo} has no mirror any more',
    remedy:
      'the release may be at its end, and its mirror list gone: name the URL of an archive or of your own mirror in a repository of the recipe',
    source: 'yum/yumRepo.py; librepo handle.c; yankils/Simple-DevOps-Project#86',
  },
  {
    id: 'dnf.no-repositories',
    title: 'The guest has no repository',
    logs,
    match: [/There are no enabled repo(?:s\b|sitories in)/],
    cause: 'no repository is enabled in the guest',
    remedy: 'name some in the recipe: `subscription.repositories`, or `repositories` of your own',
    source: 'dnf/base.py, dnf/cli/commands/__init__.py; yumcommands.py',
  },
  {
    id: 'dnf.database',
    title: 'The package database of the guest cannot be opened',
    logs,
    match: [/rpmdb open failed|error: (?:cannot|failed to) open Packages (?:index|database)/],
    cause: 'the package database of the guest cannot be opened',
    remedy:
      'the image that the build starts from is damaged, or was made by a newer rpm: rebuild the database there (`rpm --rebuilddb`)',
    source: 'rpm lib/rpmdb.cc; yum/__init__.py',
  },
  {
    id: 'dnf.download',
    title: 'A package cannot be downloaded',
    logs,
    match: [
      lastMirror('(?<why>.+)'),
      /^Error: Error downloading packages:\s+(?<file>\S+): (?<why>.+)/m,
      /^Error downloading packages:\s+(?<file>\S+): (?<why>.+)/m,
    ],
    cause: '{file} cannot be downloaded: {why}',
    remedy:
      'see whether the mirror, and what stands between, lets large files through; try again, or use another mirror',
    source: 'librepo downloader.c; dnf/exceptions.py DownloadError; openEuler CI reports of curl error 92',
    isGeneral: true,
  },
  {
    id: 'dnf.scriptlet',
    title: 'A script of a package failed',
    logs,
    // One that follows an installation stops nothing.
    match: [
      /Error in (?<what>PRE\w+) scriptlet in rpm package (?<package>\S+)/,
      /^error: %(?<what>\w+)\((?<package>[^)\s]+)\) scriptlet failed/m,
    ],
    cause: 'the script {what} of the package {package} failed',
    remedy:
      'look above this line for what it said; a service that it cannot start in the appliance is the usual reason',
    source: 'dnf/yum/rpmtrans.py; rpm lib/rpmscript.cc "%%%s scriptlet failed, exit status %d"',
    isGeneral: true,
  },
  {
    id: 'dnf.metadata',
    title: 'A repository cannot be read',
    logs,
    match: [
      /Failed to (?:download metadata|synchronize cache) for repo '(?<repo>[^']+)'(?:: (?<why>.+))?/,
      /Cannot retrieve (?:repository metadata \(repomd\.xml\)|metalink) for repository: (?<repo>[^\s.]+)(?<why>)/,
      /failure: repodata\/repomd\.xml from (?<repo>[^\s:]+): (?<why>.+)/,
    ],
    cause: 'the repository {repo} cannot be read[: {why}]',
    remedy: 'see whether its URL answers from this host, and whether the release still has it',
    source: 'libdnf repo/Repo.cpp; yum/yumRepo.py',
    isGeneral: true,
  },
  {
    id: 'dnf.gpg-check',
    title: 'Signatures of packages do not hold',
    logs,
    match: [/GPG check FAILED/],
    cause: 'the signatures of packages do not hold',
    remedy: 'look above this line for the package, and give its repository the right key (`repositories[].gpgkey`)',
    source: 'dnf/cli/cli.py gpgsigcheck',
    isGeneral: true,
  },
];
