import type { WindowsExpectation } from '../../verify/expectation.ts';

/** Where build.cmd keeps what the installers, commands and scripts have said, and how far it is. Commands may clean up Temp. */
export const buildLogs = '/Windows/vmkiln';

/**
 * What may be left of the answer file, the logs of the build, and what no image needs. One answer file stays,
 * Panther/unattend.xml: Sysprep caches there what it is given by /unattend, and the first boot reads it there ("Windows Setup
 * Automation Overview", "Use Answer Files with Sysprep"). build.cmd has removed Setup's own before.
 */
export const leftovers = [
  '/Windows/Panther/unattend-original.xml',
  '/Windows/Panther/Unattend',
  '/Windows/System32/Sysprep/unattend.xml',
  '/Windows/System32/Sysprep/Panther/unattend.xml',
  buildLogs,
  // What Windows Update has downloaded.
  '/Windows/SoftwareDistribution/Download/*',
  // Windows makes them anew, by the memory of the instance; these are by that of the build.
  '/pagefile.sys',
  '/swapfile.sys',
];

/** What is known of an image without booting it. */
export const expectation: Omit<WindowsExpectation, 'diskBus'> = {
  system: 'windows',
  answerFile: '/Windows/Panther/unattend.xml',
  present: ['/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/cloudbase-init.conf'],
  traces: [...leftovers, '/Windows/System32/Sysprep/*.xml', '/[Aa]uto[Uu]nattend.xml', '/[Uu]nattend.xml'],
};
