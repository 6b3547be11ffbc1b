import type { KnownFailure } from '../../explain/failure.ts';

// Windows Setup and Sysprep. Windows has no source to read: the words are those of Microsoft's articles and of public reports.

const logs = ['installer'] as const;

const setupFailures: readonly KnownFailure[] = [
  {
    id: 'setup.no-drives',
    title: 'Windows Setup sees no disk',
    logs,
    match: [/No drives were found|A media driver your computer needs is missing|load (?:a|the) storage driver/i],
    cause: 'Windows Setup has no driver for the disk',
    remedy:
      'give the virtio ISO that has drivers of this release (`source.virtioIso`), or set `machine.diskBus` to sata',
    source: 'Microsoft: "A media driver your computer needs is missing"; the usual report of users of virtio',
  },
  {
    id: 'setup.driver-path',
    title: 'A driver path of the answer file is wrong',
    logs,
    match: [/[Aa] driver path of the answer file does not exist: (?<path>.+)/],
    cause: 'the answer file names a folder of drivers that no medium has: {path}',
    remedy: 'compare the path with the folders of the virtio ISO',
    source: 'Microsoft-Windows-PnpCustomizationsWinPE DriverPaths',
  },
  {
    id: 'setup.product-key',
    title: 'The product key does not fit',
    logs,
    match: [
      /Windows cannot read the <ProductKey> setting/,
      /failed to validate the product key/i,
      /product key entered does not match any of the Windows images/i,
      /ProductKey installation failed \((?<code>0x[0-9a-fA-F]+)\)/,
    ],
    cause: 'the product key does not fit the edition on the medium[ ({code})]',
    remedy: 'set `productKey` to a key of that edition, or to generic; `install.image` chooses the edition',
    source: 'StefanScherer/packer-windows#151; microsoft/SurfaceDeploymentAccelerator#2; ChrisTitusTech/winutil#4395',
  },
  {
    id: 'setup.answer-file',
    title: 'The answer file cannot be applied',
    logs,
    match: [
      /could not parse or process (?:the )?unattend answer file(?: \[[^\]\n]*\])? for pass \[(?<pass>\w+)\](?:.*component \[(?<component>[^\]\n]+)\])?/i,
      /unattend action failed.*|User input error was detected in unattend file/i,
    ],
    cause: 'Windows cannot apply the answer file[ in the pass {pass}][, component {component}]',
    remedy: 'correct that part of the answer file: Windows got it as rendered/Autounattend.xml',
    source:
      'Microsoft support 2425962; jc-tech.info "Unattended Windows setup may fail due to wrongly encoded password"',
    isGeneral: true,
  },
  {
    id: 'setup.password',
    title: 'Windows does not take a password',
    logs,
    match: [
      /Failed to decode password \((?<code>0x[0-9a-fA-F]+)\)/,
      /Unable to enable local account \[(?<account>[^\]\n]+)\]; hr = 0x800708[cC]5/,
      /does not meet the password policy requirements/,
    ],
    cause: 'Windows does not take a password of the answer file[: account {account}][ ({code})]',
    remedy: 'choose one of at least eight characters with three of: small letters, capitals, digits, others',
    source: 'Symantec TECH198460 (0x800708C5); jc-tech.info (0x8007000d)',
  },
  {
    id: 'setup.partitions',
    title: 'The disk layout of the answer file does not work',
    logs,
    match: [
      /could not (?:create|format|set) a partition (?:active )?on disk (?<disk>\d+).*?(?:Error code: (?<code>0x[0-9a-fA-F]+))?$/m,
      /applying the unattend answer file's <DiskConfiguration> setting.*?(?:Error code: (?<code>0x[0-9a-fA-F]+))?$/m,
      /The partition selected for installation \(\d+\) does not exist on disk (?<disk>\d+)/,
      /The selected disk (?:is of the GPT partition style|has an MBR partition table)/,
      /We couldn't create a new partition or locate an existing one/,
    ],
    cause: 'the disk layout of the answer file cannot be made[ on disk {disk}][ ({code})]',
    remedy:
      'let it fit `disk.size` and `machine.firmware`: UEFI wants GPT with an EFI partition, BIOS an MBR with an active one',
    source: 'Microsoft: DiskConfiguration, CreatePartitions; users of unattended installations',
  },
  {
    id: 'setup.boot-files',
    title: 'Windows cannot write what the firmware boots from',
    logs,
    match: [
      /could not (?:update the computer's boot configuration|prepare the computer to boot into the next phase of installation)/i,
    ],
    cause: 'Windows Setup cannot make the disk bootable',
    remedy:
      'let the disk layout fit `machine.firmware`: UEFI boots from an EFI partition of at least 100 MB, BIOS from an active partition of the first disk',
    source:
      'Microsoft: "Windows could not update the computer\'s boot configuration"; users of unattended installations',
  },
  {
    id: 'setup.image',
    title: 'The medium has no such edition',
    logs,
    match: [
      /Windows could not find the Microsoft Software License Terms/i,
      /no (?:matching )?image (?:was )?found.*(?:MetaData|install\.wim|\/IMAGE\/)/i,
      /The specified image in the specified WIM was not found/i,
    ],
    cause: 'Windows Setup does not find the edition on the medium',
    remedy: 'take the name of `install.image` from the ISO: wiminfo sources/install.wim',
    source: 'Microsoft: ImageInstall OSImage InstallFrom; users of unattended installations',
  },
  {
    id: 'setup.disk-full',
    title: 'The disk is too small for Windows',
    logs,
    match: [/0x80070070/i],
    cause: 'the disk is too small for Windows',
    remedy: 'raise `disk.size`',
    source: 'winerror.h ERROR_DISK_FULL',
  },
  {
    id: 'setup.medium-damaged',
    title: 'The medium is damaged',
    logs,
    match: [/Windows cannot install required files.*Error code: (?<code>0x8007(?:000D|0570|0017|0241|045D))/i],
    cause: 'Windows Setup cannot read a file of the ISO ({code})',
    remedy: 'download it again, and give its SHA-256 in `source.sha256`',
    source:
      'winerror.h ERROR_INVALID_DATA, ERROR_FILE_CORRUPT, ERROR_CRC; Microsoft: "Windows cannot install required files"',
  },
  {
    id: 'setup.requirements',
    title: 'The machine does not meet the requirements of Windows',
    logs,
    match: [/This PC can't run Windows 11|This PC doesn't (?:currently )?meet .*requirements/i],
    cause: 'the machine does not meet the requirements of Windows 11',
    remedy:
      'set `machine.firmware` to uefi, leave `machine.tpm` on, and give it 4G of `machine.memory` and 2 processors',
    source: 'Microsoft: "This PC can\'t run Windows 11"',
  },
  {
    id: 'setup.installer',
    title: 'An installer failed in Windows',
    logs,
    match: [/vmkiln: FAILED installing (?<what>.+?): status (?<status>16\d\d)/],
    cause: '{what} could not be installed: Windows Installer ended with {status}',
    remedy:
      '1619 and 1620: the file is not whole, or no installer of that kind; 1618: another installation runs; 1603: it failed, and the lines below say why',
    source: 'Microsoft: MsiExec.exe and InstMsi.exe error messages',
  },
  {
    id: 'setup.step',
    title: 'A step in the installed Windows failed',
    logs,
    match: [
      /vmkiln: FAILED (?<step>.+?): status (?<status>-?\d+)(?:\s+vmkiln: (?<detail>the command: .+|.+ cannot be removed))?/,
    ],
    cause: 'a step in the installed Windows ended with status {status}: {step}[ ({detail})]',
    remedy: 'what it said stands below this line of console.log',
    source: 'templates/windows/build.cmd.hbs',
    isGeneral: true,
  },
  {
    id: 'setup.not-completed',
    title: 'Windows could not complete the installation',
    logs,
    match: [/Failure occured during online installation/],
    cause: 'Windows could not complete the installation',
    remedy: 'see setuperr.log and setupact.log above this line for what failed first',
    source: 'Symantec TECH198460; jc-tech.info',
    isGeneral: true,
  },
];

const sysprepFailures: readonly KnownFailure[] = [
  {
    id: 'sysprep.store-app',
    title: 'A Store app is installed for one user',
    logs,
    match: [/Package (?<app>\S+) was installed for a user, but not provisioned for all users/],
    cause: 'Sysprep refuses a Store app that one user alone has: {app}',
    remedy:
      'remove it before Sysprep (`install.commands`): Get-AppxPackage -AllUsers NAME | Remove-AppxPackage -AllUsers',
    source: 'Microsoft KB 2769827; notepad-plus-plus/notepad-plus-plus#13675',
  },
  {
    id: 'sysprep.bitlocker',
    title: 'BitLocker is on',
    logs,
    match: [/BitLocker is on for the OS volume|dwRet = 0x80310039/],
    cause: 'Sysprep refuses a disk that BitLocker encrypts',
    remedy:
      'keep Windows from encrypting it: PreventDeviceEncryption in the answer file, as the shipped one has it, or manage-bde -off C: before',
    source: 'antifob/incus-windows#30; canonical/packer-maas#341',
  },
  {
    id: 'sysprep.reserved-storage',
    title: 'An update is under way',
    logs,
    match: [/reserved storage is in use|0x800F0975/i],
    cause: 'Sysprep refuses while Windows Update or servicing uses the reserved storage',
    remedy: 'let updates end and restart once before Sysprep, or keep the guest from the network while it is built',
    source: 'Microsoft: Sysprep, "Audit mode can\'t be turned on if reserved storage is in use" (0x800F0975)',
  },
  {
    id: 'sysprep.rearm',
    title: 'Windows was generalized too often',
    logs,
    match: [/0xC004D307/i],
    cause: 'the licence of this Windows was reset as often as it may be',
    remedy: 'start from an installation that was not generalized before, or set SkipRearm in the answer file',
    source: 'slerror.h SL_E_MAX_REARM_EXCEEDED; Microsoft: SkipRearm',
  },
  {
    id: 'sysprep.state',
    title: 'Sysprep was interrupted before',
    logs,
    match: [/either the machine is in an invalid state or we couldn.t update the recorded state/],
    cause: 'Sysprep refuses a Windows in which it failed before, which nothing sets right',
    remedy:
      'look at the first error of setuperr.log, mend that, and build from the installation again (`--from install`)',
    source: 'Microsoft: "A fatal error occurred while trying to Sysprep the machine" (dwRet = 31)',
  },
  {
    id: 'sysprep.upgraded',
    title: 'Windows was upgraded',
    logs,
    match: [/Sysprep will not run on an upgraded OS/i],
    cause: 'Sysprep refuses a Windows that was upgraded from an earlier release',
    remedy: 'install the release itself',
    source: 'Microsoft: Sysprep, limitations',
  },
  {
    id: 'sysprep.action',
    title: 'A part of Sysprep failed',
    logs,
    match: [
      /Failure occurred while executing '(?<part>[^'\n]+?)' from (?<file>[^\s;]+).*?dwRet = (?<code>0x[0-9a-fA-F]+)/,
      /Error in executing action for (?<part>[\w-]+); dwRet = (?<code>0x[0-9a-fA-F]+)/,
      /An error occurred while running registry sysprep DLLs, halting sysprep execution\. dwRet = (?<code>0x[0-9a-fA-F]+)/,
    ],
    cause: 'a part of Sysprep failed with {code}[: {part}]',
    remedy:
      'the lines above it in setupact.log name what it could not do; a service or program of yours may keep it from that',
    source: 'actions/runner-images#9659; canonical/packer-maas#341',
    isGeneral: true,
  },
];

/** What is known to fail in an installation of Windows. */
export const windowsFailures: readonly KnownFailure[] = [...setupFailures, ...sysprepFailures];
