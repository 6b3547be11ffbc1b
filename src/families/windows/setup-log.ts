import type { InstallerLog } from '../../model.ts';

/** Seconds. The agent says nothing while it installs, and a hanging one keeps the processor busy enough to look alive. */
const updateLimit = 2 * 3600;

/**
 * What the answer file and build.cmd say on the serial line. Windows says nothing there when it powers off: the last phase is
 * near enough to the end.
 */
export const windowsSetup: InstallerLog = {
  phases: [
    { match: 'vmkiln: Windows Setup has started', phase: 'laying down Windows', fraction: 0.05 },
    { match: 'vmkiln: Windows is being configured', phase: 'configuring Windows', fraction: 0.4 },
    { match: 'vmkiln: installing the virtio drivers', phase: 'installing the virtio drivers and tools', fraction: 0.6 },
    { match: 'vmkiln: installing the QEMU guest agent', phase: 'installing the QEMU guest agent', fraction: 0.68 },
    {
      match: String.raw`vmkiln: running command \d+ before the updates`,
      phase: 'running the commands before the updates',
      fraction: 0.69,
    },
    {
      match: String.raw`vmkiln: (updating Windows|restarting Windows, restart \d+)`,
      phase: '$1',
      fraction: 0.7,
      limit: updateLimit,
    },
    { match: 'vmkiln: updates: (.*)', phase: 'updating Windows: $1', fraction: 0.7, limit: updateLimit },
    {
      match: 'vmkiln: cleaning the component store',
      phase: 'cleaning the component store',
      fraction: 0.71,
      limit: updateLimit,
    },
    { match: 'vmkiln: installing Cloudbase-Init', phase: 'installing Cloudbase-Init', fraction: 0.72 },
    {
      match: String.raw`vmkiln: running command \d+ of the recipe`,
      phase: 'running the commands of the recipe',
      fraction: 0.76,
    },
    {
      match: 'vmkiln: generalizing with Sysprep',
      phase: 'generalizing with Sysprep',
      fraction: 0.9,
      // Sysprep takes minutes. One that hangs keeps the processor busy enough to look alive.
      limit: 45 * 60,
    },
  ],
  fatal: ['vmkiln: FAILED '],
};
