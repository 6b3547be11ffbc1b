import type { KnownFailure } from '../../explain/failure.ts';
import { machineFailures, payloadFailures } from './failures-machine.ts';

// Anaconda, from RHEL 6 to 10, and what runs before it. The words are those of pyanaconda (errors.py, startup_utils.py,
// modules/storage, modules/payloads, ui/tui), of its dracut/ folder, of pykickstart's errors.py and blivet's partitioning.py.

const logs = ['installer'] as const;

const kickstartFailures: readonly KnownFailure[] = [
  {
    id: 'anaconda.unknown-command',
    title: 'A command of the kickstart is not known',
    logs,
    match: [/problem (?:occurred on|reading from) line (?<line>\d+).*\s+Unknown command: (?<command>.+)/],
    cause: 'line {line} of the kickstart has a command that this release does not know: {command}',
    remedy: 'remove it, or use that of this release; the kickstart as Anaconda got it is rendered/ks.cfg',
    source: 'pykickstart base.py, errors.py',
  },
  {
    id: 'anaconda.no-such-disk',
    title: 'The kickstart names a disk that is not there',
    logs,
    match: [
      /(?:Disk|Device|Partition) "(?<disk>[^"\n]+)" given in (?<command>\w+) (?:command|device list) does\s+not\s+exist/,
      /Specified nonexistent disk (?<disk>\S+) in (?<command>\w+) command/,
    ],
    cause: 'the command {command} of the kickstart names a disk that the machine does not have: {disk}',
    remedy: 'the machine has one disk, vda: name that one, or leave the name out',
    source: 'pyanaconda/modules/storage/disk_selection/selection.py, disk_initialization; RHEL 6 kickstart.py',
  },
  {
    id: 'anaconda.package-missing',
    title: 'The medium has no such package',
    logs,
    match: [/You have specified that the (?<kind>package|group) '(?<name>[^'\n]*)' should be/],
    cause: 'the kickstart asks for a {kind} that the medium does not have: {name}',
    remedy: 'remove it from %packages and install it with `packages` of the recipe, or correct its name',
    source: 'pyanaconda/errors.py (RHEL 7) _missing_package_handler; RHEL 6 yuminstall.py',
  },
  {
    id: 'anaconda.open-question',
    title: 'The kickstart leaves a question open',
    logs,
    match: [/following mandatory spokes are not completed:\s*(?<spokes>[^\n=]+(?:\n[^\n=]+)*)/],
    cause: 'the kickstart does not answer everything that Anaconda must know: {spokes}',
    remedy: 'add the command for it (rootpw or user, timezone, lang, keyboard, network, clearpart and part)',
    source: 'pyanaconda/ui/tui/hubs/summary.py',
  },
  {
    id: 'anaconda.script',
    title: 'A script of the kickstart failed',
    logs,
    match: [
      /There was an error running the kickstart script at line (?<line>\d+)(?:\..*details of this error are:(?:[ \t]*[\n\u2028])+(?<why>(?!There was an error|\s*anaconda \d|\d\d:\d\d:).+))?/,
    ],
    cause: 'the script of the kickstart at line {line} failed[: {why}]',
    remedy:
      'the line is one of rendered/ks.cfg; a command in a script with --erroronfail ended with an error: try it in an installed system',
    source: 'pyanaconda/errors.py _script_error_handler',
  },
  {
    id: 'anaconda.kickstart-fetch',
    title: 'The kickstart was not found',
    logs,
    match: [/anaconda: failed to fetch kickstart from (?<url>\S+)/, /Kickstart file (?<url>\/\S+) is missing\./],
    cause: 'Anaconda could not get the kickstart from {url}',
    remedy: 'do not set inst.ks in `install.kernelArguments`: a build hands its own kickstart over',
    source: 'anaconda dracut/fetch-kickstart-net.sh; pyanaconda/kickstart.py',
  },
  {
    id: 'anaconda.kickstart',
    title: 'Anaconda does not accept the kickstart',
    logs,
    match: [
      /problem occurred on line (?<line>\d+) of the kickstart file:\s+(?<why>.+)/,
      /problem reading from line (?<line>\d+) of the kickstart file(?:[: ]*\n\s*(?<why>.+))?/,
    ],
    cause: 'Anaconda does not accept line {line} of the kickstart[: {why}]',
    remedy: 'correct that line: the kickstart as Anaconda got it is rendered/ks.cfg',
    source: 'pykickstart errors.py',
    isGeneral: true,
  },
  {
    id: 'anaconda.question',
    title: 'Anaconda waits for an answer',
    logs,
    match: [/Please make your choice from above/],
    cause: 'Anaconda shows its menu and waits for an answer: the kickstart leaves something open',
    remedy: 'screenshot.png or the end of console.log shows what is marked with [!]',
    source: 'pyanaconda/ui/tui/__init__.py; simpleline',
    isGeneral: true,
  },
];

const storageFailures: readonly KnownFailure[] = [
  {
    id: 'anaconda.disk-too-small',
    title: 'The partitions do not fit',
    logs,
    match: [
      /Unable to allocate requested partition scheme/,
      /[Nn]ot enough free space (?:on selected disks|after|on disks)/,
      /not enough space for LVM requests/,
      /[Cc]ould not allocate requested partitions/,
    ],
    cause: 'the partitions of the kickstart do not fit on the disk',
    remedy: 'raise `disk.size`, or make the partitions smaller',
    source:
      'blivet/partitioning.py; pyanaconda/modules/storage/partitioning/automatic/utils.py; RHEL 6 partitioning.py',
  },
  {
    id: 'anaconda.software-too-large',
    title: 'The packages do not fit',
    logs,
    match: [
      /Not enough space in file systems for the current software selection(?:\. An additional (?<size>.+?) is needed)?/,
    ],
    cause: 'the packages do not fit into the partitions of the kickstart[: {size} more are needed]',
    remedy: 'raise `disk.size`, or choose fewer packages in the kickstart',
    source: 'pyanaconda/ui/lib/space.py',
  },
  {
    id: 'anaconda.no-disk',
    title: 'There is no disk to install on',
    logs,
    match: [/No usable disks|no valid devices were found on which to create new file systems/],
    cause: 'Anaconda finds no disk that it may install on',
    remedy:
      'see whether ignoredisk, clearpart or harddrive in the kickstart leave vda out; a disk smaller than what the release needs does not count either',
    source: 'pyanaconda/modules/storage/partitioning/automatic/utils.py; RHEL 6 storage/__init__.py',
  },
  {
    id: 'anaconda.no-boot-partition',
    title: 'The partitions lack what the firmware boots from',
    logs,
    match: [
      /For a UEFI installation, you must include (?<what>[^\n.]+)/,
      /needs a special partition to boot from a GPT disk label/,
      /No valid boot loader target device found/,
      /You have not created a bootable partition/,
    ],
    cause: 'the partitions of the kickstart lack what the firmware boots from[: {what}]',
    remedy:
      'write reqpart, or part /boot/efi --fstype=efi for UEFI and part biosboot --fstype=biosboot --size=1 for a GPT under BIOS',
    source: 'pyanaconda/modules/storage/platform.py, checker/utils.py',
  },
  {
    id: 'anaconda.no-root',
    title: 'There is no root partition',
    logs,
    match: [/You have not defined a root partition/],
    cause: 'the kickstart makes no root partition',
    remedy: 'add part / (or autopart)',
    source: 'pyanaconda/modules/storage/checker/utils.py',
  },
  {
    id: 'anaconda.storage',
    title: 'Anaconda cannot prepare the disk',
    logs,
    match: [
      /[Ss]torage (?:activation|configuration) failed(?:: (?<why>.+))?/,
      /error occurred while activating your storage configuration\.?(?:\s+(?<why>.+))?/,
      /errors occurred with your partitioning:\s+(?<why>.+)/,
      /There is a problem with your existing storage configuration(?<why>)/,
    ],
    cause: 'Anaconda cannot prepare the disk[: {why}]',
    remedy:
      'compare clearpart and part of the kickstart with the disk: zerombr and clearpart --all --initlabel begin on an empty one',
    source: 'pyanaconda/errors.py _storage_install_handler; pyanaconda/ui/tui/spokes/storage.py',
    isGeneral: true,
  },
  {
    id: 'anaconda.boot-loader',
    title: 'The boot loader was not installed',
    logs,
    match: [/error occurred while installing the boot loader|due to an error installing the boot loader/],
    cause: 'the boot loader could not be installed',
    remedy:
      'look above this line for what grub2-install said; /boot needs a partition or file system that GRUB of this release reads',
    source: 'pyanaconda/errors.py _bootloader_error_handler',
    isGeneral: true,
  },
];

/** What is known to fail in an installation of RHEL and those made like it. */
export const rhelFailures: readonly KnownFailure[] = [
  ...kickstartFailures,
  ...storageFailures,
  ...machineFailures,
  ...payloadFailures,
];
