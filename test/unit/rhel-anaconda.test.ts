import { expect, test } from 'vitest';
import { anaconda } from '../../src/families/rhel/anaconda.ts';
import { compileLog } from '../../src/stages/watch.ts';

const patterns = compileLog(anaconda);

/** Lines in the forms that Anaconda 21 (RHEL 7) writes them: its log, syslog on the virtio port, and the text console. */
const log = `
02:11:20,514 INFO anaconda: /sbin/anaconda 21.48.22.159-1
INFO anaconda:anaconda called with cmdline = ['/sbin/anaconda']
02:11:24,101 INFO anaconda: Parsing kickstart: /run/install/ks.cfg
Starting automated install......
02:11:41,310 INFO anaconda: Setting up the installation environment
Creating disklabel on /dev/vda
Creating xfs on /dev/vda1
02:11:44,010 INFO anaconda: Running pre-installation scripts
Starting package installation process
02:11:52,000 DEBUG packaging: Preparing transaction from installation source
Installing libgcc (1/303)
Installing kernel (297/303)
Performing post-installation setup tasks
Installing boot loader
Performing post-installation setup tasks
Configuring installed system
Writing network configuration
Creating users
Configuring addons
Generating initramfs
Running post-installation scripts
`.trim();

const phaseOf = (line: string) => patterns.phases.findLast(({ match }) => match.test(line));

test('an installation moves forward from phase to phase, without a line that looks fatal', () => {
  let fraction = 0;
  const seen = new Set<string>();
  for (const line of log.split('\n')) {
    expect(
      patterns.fatal.filter((pattern) => pattern.test(line)),
      line,
    ).toEqual([]);
    expect(patterns.finished?.test(line), line).toBe(false);
    const phase = phaseOf(line);
    if (phase && phase.fraction >= fraction) {
      fraction = phase.fraction;
      seen.add(phase.phase);
    }
  }
  expect(seen.size).toBe(anaconda.phases.length);
  expect(fraction).toBe(0.97);
});

test('the steps that Anaconda 13 (RHEL 6) logs are phases in the same order', () => {
  const steps = ['enablefilesystems', 'reposetup', 'preinstallconfig', 'installpackages', 'instbootloader'];
  const lines = steps.map((step) => `02:11:41,310 INFO    : moving (1) to step ${step}`);
  const fractions = ['Running anaconda 13.21.263, the system installer - please wait.', ...lines].map(
    (line) => phaseOf(line)?.fraction ?? 0,
  );
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(new Set(fractions).size).toBe(steps.length + 1);
});

test('phases are in order', () => {
  const fractions = anaconda.phases.map(({ fraction }) => fraction);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
});

test.each([
  'The following problem occurred on line 7 of the kickstart file:',
  "The package 'nonsense' is required for this installation. This package does not exist. This is a fatal error and installation will be aborted.",
  "You have specified that the package 'nonsense' should be installed.  This package does not exist.  Would you like to ignore this package and continue with installation?",
  'There was an error running the kickstart script at line 31.  This is a fatal error and installation will be aborted.  The details of this error are:',
  'An error has occurred - no valid devices were found on which to create new file systems.  Please check your hardware for the cause of this problem.',
  'For a UEFI installation, you must include an EFI System Partition on a GPT-formatted disk, mounted at /boot/efi.',
  '02:11:41,310 ERR anaconda: storage configuration failed: not enough free space on disks',
  'Traceback (most recent call last):',
  'An unknown error has occured, look at the /tmp/anaconda-tb* file(s) for more details',
  "  Please make your choice from above ['q' to quit | 'b' to begin installation |",
  '[    3.141592] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
  '[  201.003144] dracut-initqueue[653]: Starting Dracut Emergency Shell...',
  'Red Hat Enterprise Linux 9.6 requires 1170 MB of memory to install, but you only have 973 MB on this machine.',
])('%s is fatal', (line) => {
  expect(patterns.fatal.some((pattern) => pattern.test(line))).toBe(true);
});

test.each(['[  812.104233] reboot: Power down', '[  OK  ] Reached target Shutdown.', 'Powering off.'])(
  '%s is the end',
  (line) => {
    expect(patterns.finished?.test(line)).toBe(true);
  },
);
