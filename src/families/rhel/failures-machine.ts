import type { KnownFailure } from '../../explain/failure.ts';

// What stops Anaconda besides its kickstart: the machine, the medium, the packages. The words are those of its dracut/ folder and
// pyanaconda, of the kernel and of glibc.

const logs = ['installer'] as const;

export const machineFailures: readonly KnownFailure[] = [
  {
    id: 'anaconda.memory',
    title: 'The machine has too little memory',
    logs,
    match: [/requires (?<needed>\d+) MB of memory to\s+install, but you only have (?<total>\d+) MB/],
    cause: 'the installer needs {needed} MB of memory, and the machine has {total} MB',
    remedy: 'raise `machine.memory`',
    source: 'pyanaconda/startup_utils.py check_memory',
  },
  {
    id: 'kernel.out-of-memory',
    title: 'The installer ran out of memory',
    logs,
    match: [/Out of memory: Kill(?:ed)? process \d+ \((?<process>[^)\n]+)\)/],
    cause: 'the kernel of the installer killed {process} for want of memory',
    remedy: 'raise `machine.memory`',
    source: 'linux mm/oom_kill.c',
  },
  {
    id: 'glibc.cpu',
    title: 'The processor is too old for the release',
    logs,
    match: [/CPU does not support x86-64-v(?<level>\d)/],
    cause: 'the processor of the machine does not have what the release needs: x86-64-v{level}',
    remedy:
      'build on a host with such a processor; without KVM use a QEMU that emulates it (RHEL 9: v2, RHEL 10: v3, QEMU 7.2 and newer)',
    source: 'glibc sysdeps/x86/dl-platform.h, "Fatal glibc error: CPU does not support x86-64-v%d"',
  },
  {
    id: 'anaconda.hardware',
    title: 'The release does not support the machine',
    logs,
    match: [/Unsupported Hardware Detected|This hardware \(or a combination thereof\) is not/],
    cause: 'Anaconda does not support this processor or machine',
    remedy: 'write unsupported_hardware in the kickstart, or build on another host',
    source: 'RHEL 6 and 7 pyanaconda/installclasses; pykickstart commands/unsupported_hardware.py',
  },
  {
    id: 'kernel.medium-damaged',
    title: 'The medium is damaged',
    logs,
    match: [/SQUASHFS error: .+/, /media check is complete, the result is: FAIL|Failed to start Media check on /],
    cause: 'the ISO cannot be read without errors',
    remedy: 'download it again, and give its SHA-256 in `source.sha256`',
    source: 'linux fs/squashfs/block.c, block/blk-core.c; isomd5sum checkisomd5.c',
  },
  {
    id: 'anaconda.stage2',
    title: 'The installer did not find its medium',
    logs,
    match: [
      /anaconda: failed to fetch stage2 from (?<url>\S+)/,
      /missing inst\.stage2 or inst\.repo boot parameters(?<url>)/,
    ],
    cause: 'the initial RAM disk did not find the rest of the installer[: {url}]',
    remedy:
      'leave inst.repo and inst.stage2 out of `install.kernelArguments`, and see that the ISO is the complete DVD',
    source: 'anaconda dracut/anaconda-lib.sh, anaconda-error-reporting.sh; dracutdevs/dracut#2047',
  },
  {
    id: 'kernel.medium-unread',
    title: 'The medium could not be read everywhere',
    logs,
    match: [/I\/O error, dev sr0/],
    cause: 'the kernel of the installer met an error of the ISO',
    remedy: 'compare its SHA-256 (`source.sha256`); an error at its very end alone means nothing',
    source: 'linux block/blk-core.c',
    isGeneral: true,
  },
  {
    id: 'kernel.panic',
    title: 'The kernel of the installer panicked',
    logs,
    match: [/Kernel panic - not syncing: (?<why>.+)/],
    cause: 'the kernel of the installer panicked: {why}',
    remedy:
      'the lines above it in console.log say what went before; a kernel argument of `install.kernelArguments` may be the reason',
    source: 'linux kernel/panic.c',
    isGeneral: true,
  },
  {
    id: 'dracut.emergency',
    title: 'The boot of the installer ended in the emergency shell',
    logs,
    match: [/Starting Dracut Emergency Shell|Entering emergency mode/],
    cause: 'the installer did not boot to its end: dracut gave up',
    remedy: 'the warnings above it in console.log say what dracut waited for',
    source: 'dracut modules.d/98dracut-systemd',
    isGeneral: true,
  },
];

export const payloadFailures: readonly KnownFailure[] = [
  {
    id: 'anaconda.software',
    title: 'The chosen software does not go together',
    logs,
    match: [/software marked for installation has errors\.(?:\s+This is likely.*)?(?:\s+(?<why>.+))?/],
    cause: 'the software that the kickstart chooses does not go together[: {why}]',
    remedy: 'use repositories of the same minor release as the medium, or choose less in the kickstart',
    source: 'pyanaconda/modules/payloads/payload/dnf/dnf_manager.py',
    isGeneral: true,
  },
  {
    id: 'anaconda.payload',
    title: 'The packages could not be installed',
    logs,
    match: [
      /error occurred while (?:installing|setting up) the payload\..*\s+(?<why>.+)/,
      /error occurred while installing\. {1,2}This is a fatal error and installation will be aborted\.\s+(?<why>.+)/,
      /Error populating transaction(?:, (?<why>.+))?/,
      /An error occurred during the transaction: (?<why>.+)/,
      /Error setting up repositories|Failed to set up installation sources?(?<why>)/,
    ],
    cause: 'Anaconda could not install the packages[: {why}]',
    remedy: 'see whether the ISO is whole (`source.sha256`), and whether the repositories of the kickstart answer',
    source: 'pyanaconda/errors.py _payload_install_handler; payload/dnf/transaction_progress.py',
    isGeneral: true,
  },
  {
    id: 'anaconda.stopped',
    title: 'Anaconda stopped because nobody is there to answer',
    logs,
    match: [
      /The exact error message is:\s+(?:Non interactive installation failed: )?(?<why>.+)/,
      /installation was stopped due to .+ detected while running in non-interactive cmdline mode(?<why>)/,
    ],
    cause: 'Anaconda stopped, since nobody is there to answer[: {why}]',
    remedy: 'answer it in the kickstart, or mend what the message names',
    source: 'pyanaconda/ui/tui/__init__.py (cmdline mode); openshift/microshift#3743, rhinstaller/anaconda#931',
    isGeneral: true,
  },
  {
    id: 'anaconda.crash',
    title: 'Anaconda crashed',
    logs,
    match: [
      /Traceback \(most recent call last\)(?:.*[\n\u2028]){1,80}?(?<error>[A-Za-z_][\w.]*(?:Error|Exception|Failure)(?::.*)?)$/m,
      /An unknown error has occurr?ed|Traceback \(most recent call last\)|(?<error>dasbus\.error.*)|^Pane is dead/m,
    ],
    cause: 'Anaconda itself crashed[: {error}]',
    remedy: 'search for that error among the bugs of the release; an unusual line of the kickstart is the usual reason',
    source: 'pyanaconda/exception.py',
    isGeneral: true,
  },
];
