import type { InstallerLog } from '../model.ts';

/** What only the practice media of a family print, and its real ones do not. */
const practice: Readonly<Record<string, Pick<InstallerLog, 'fatal' | 'finished'>>> = {
  // The dialogs of practice Setup; below it, and below the practice Windows, is a Linux kernel.
  windows: {
    fatal: ['Windows Setup: error:', 'Kernel panic - not syncing'],
    finished: 'reboot: Power down|System halted',
  },
};

/** They say so where they accept a command without acting on it. */
const remark = 'not rehearsed: (.+)$';

/** How to read the log of a family's installer when it runs from practice media. */
export function practiceLog(log: InstallerLog, family: string): InstallerLog {
  const own = practice[family];
  return { ...log, ...own, fatal: [...log.fatal, ...(own?.fatal ?? [])], remark };
}
