import type { InstallerLog } from '../../model.ts';

/** Anaconda's phases in order, as it names them in its log, on the virtio port and on its text console alike. Anaconda 13 (RHEL 6) logs its steps instead. */
const phases: InstallerLog['phases'] = [
  {
    match: String.raw`anaconda\b.* started\.|anaconda called with cmdline|Starting installer|Running anaconda [\d.]+,`,
    phase: 'starting Anaconda',
    fraction: 0.05,
  },
  { match: 'Parsing kickstart|Starting automated install', phase: 'reading the kickstart', fraction: 0.08 },
  { match: 'Setting up the installation environment', phase: 'setting up the installation environment', fraction: 0.1 },
  {
    match: 'Creating (disklabel|xfs|ext[234]|efi|biosboot) on |step enablefilesystems',
    phase: 'partitioning',
    fraction: 0.12,
  },
  { match: 'Running pre-installation scripts', phase: 'running pre-installation scripts', fraction: 0.15 },
  {
    match: 'Starting package installation process|step reposetup',
    phase: 'starting the package installation',
    fraction: 0.18,
  },
  {
    match: 'Preparing transaction from installation source|step preinstallconfig',
    phase: 'preparing the transaction',
    fraction: 0.2,
  },
  {
    match: String.raw`Installing:? \S+ \(\d+/\d+\)|step installpackages`,
    phase: 'installing packages',
    fraction: 0.3,
  },
  { match: 'Performing post-installation setup tasks', phase: 'setting up the installed system', fraction: 0.8 },
  { match: 'Installing boot loader|step instbootloader', phase: 'installing the boot loader', fraction: 0.85 },
  { match: 'Configuring installed system|step writeconfig', phase: 'configuring the installed system', fraction: 0.88 },
  { match: 'Generating initramfs', phase: 'generating the initramfs', fraction: 0.92 },
  {
    match: 'Running post-installation scripts|step dopostaction',
    phase: 'running post-installation scripts',
    fraction: 0.97,
  },
];

/** Lines after which Anaconda has given up, or waits for somebody who is not there. */
const fatal: InstallerLog['fatal'] = [
  // A kickstart that it does not accept.
  String.raw`The following problem occurred on line \d+|There was a problem reading from line \d+`,
  'mandatory spokes are not completed|Kickstart insufficient',
  'Please make your choice from above|to ignore the warning and attempt to install anyway',
  // A machine that it does not accept: `unsupported_hardware` in the kickstart goes on.
  String.raw`Unsupported Hardware Detected|This hardware \(or a combination thereof\) is not`,
  String.raw`requires \d+ MB of memory to install`,
  // Disks.
  'No usable disks|no valid devices were found on which to create new file systems',
  'The following errors occurred with your partitioning|problem with your existing storage configuration',
  '[Ss]torage (activation|configuration) failed',
  'For a UEFI installation, you must include|needs a special partition to boot from a GPT disk label',
  'Not enough space in file systems for the current software selection',
  // Packages, scripts and the boot loader.
  'This is a fatal error and installation will be aborted',
  String.raw`There was an error running the kickstart script at line \d+`,
  "You have specified that the (package|group) '[^']*' should be",
  'The following software marked for installation has errors|Error populating transaction',
  'error occurred while installing the boot loader|due to an error installing the boot loader',
  // Anaconda itself.
  String.raw`(?:^|\banaconda: )Traceback \(most recent call last\)|An unknown error has occurr?ed|dasbus\.error`,
  'The installation was stopped due to|The installer will now terminate|The installation cannot continue',
  // Before Anaconda: the kernel, and the initramfs that looks for the media.
  'Kernel panic - not syncing',
  'Starting Dracut Emergency Shell|Entering emergency mode',
];

/** The machine is on its way down, which in text mode only happens after a complete installation. */
const finished = String.raw`reboot: (Power down|System halted)|^Power down\.$|Reached target (Power-Off|Shutdown)|Powering off|Installation complete`;

/** A kernel that unpacks its initial RAM disk without KVM is silent for one or two minutes. */
const bootSilence = 600;

export const anaconda: InstallerLog = { phases, bootSilence, fatal, finished };
