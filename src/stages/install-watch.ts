import { setTimeout as sleep } from 'node:timers/promises';
import { VmkilnError } from '../errors.ts';
import type { InstallerLog } from '../model.ts';
import { askState, askStats, parseDomstate, parseDomstats, pausedByDisk, sendKey } from '../tools/virsh.ts';
import type { InstallDevices } from '../tools/virt-install.ts';
import { follow } from './follow.ts';
import type { StageContext } from './stage.ts';
import { compileLog, seeActivity, seeLine, startWatch, verdict, type Watch } from './watch.ts';

/** How an installation is watched. Times are in seconds. */
export type InstallSettings = {
  log: InstallerLog;
  timeout: number;
  stallTimeout: number;
  bootKey?: NonNullable<InstallDevices['bootKey']>;
  /** Folders of the installer's own logs on the disk, and the partition they are on. */
  logs?: { partition: number; folders: readonly string[] };
};

/** How an installation fails: by what the log says, by what QEMU says, or by taking too long in one way or another. */
export type InstallFailure = 'fatal' | 'paused' | 'frozen' | 'stalled' | 'hung' | 'timeout';

/** Milliseconds between two looks at the logs, and between two looks at the domain's counters. */
const logInterval = 400;
const activityInterval = 15_000;
/** From this fraction on an installation is in its last phases, whose end the log may not show any more. */
const lastPhases = 0.85;

/** What is done again and again while an installation runs: each changes `watch`, or tells of a failure. */
type Watcher = {
  watch: Watch;
  look: () => Promise<void>;
  press: () => Promise<void>;
  isPaused: () => Promise<boolean>;
};

/** Looks at the logs and the domain, from the start of the guest, until virt-install ends or the installation has failed. */
export async function watchInstaller(
  settings: InstallSettings,
  context: StageContext,
  ended: AbortSignal,
): Promise<{ watch: Watch; failure?: InstallFailure }> {
  const { stallTimeout, timeout, log } = settings;
  const limits = { startedAt: performance.now(), stallTimeout, timeout, bootSilence: log.bootSilence };
  const watcher = openWatcher(settings, context);
  while (!ended.aborted && !context.signal.aborted) {
    await watcher.look();
    await watcher.press();
    if (await watcher.isPaused()) return { watch: watcher.watch, failure: 'paused' };
    const say = verdict(watcher.watch, limits, performance.now());
    if (say !== 'go on') return { watch: watcher.watch, failure: say };
    await sleep(logInterval, undefined, { signal: ended }).catch(() => undefined);
  }
  await watcher.look();
  const { watch } = watcher;
  return watch.fatal ? { watch, failure: 'fatal' } : { watch };
}

function openWatcher({ log, bootKey }: InstallSettings, context: StageContext): Watcher {
  const startedAt = performance.now();
  const patterns = compileLog(log);
  const logs = [follow(context.work('installer.log')), follow(context.work('console.log'))];
  const { connect } = context.host;
  let shown = '';
  let lookedAt = startedAt;
  let pressedAt = -Infinity;
  let acceptedAt = Infinity;
  const watcher: Watcher = {
    watch: startWatch(startedAt),
    look: async () => {
      for (const read of logs) {
        for (const line of await read()) watcher.watch = seeLine(watcher.watch, line, patterns, performance.now());
      }
      const { phase, fraction } = watcher.watch;
      const line = `${phase} ${fraction}`;
      if (line === shown) return;
      shown = line;
      context.emit({ type: 'progress', stage: 'install', message: phase, fraction });
    },
    press: async () => {
      const seconds = (performance.now() - startedAt) / 1000;
      // The installer has spoken: from now on a key would answer its questions.
      const { fraction, fatal } = watcher.watch;
      if (!bootKey || fraction > 0 || fatal || seconds - acceptedAt > bootKey.during) return;
      if (seconds - pressedAt < bootKey.every) return;
      pressedAt = seconds;
      const { exitCode } = await context.control(sendKey(connect, context.domain, bootKey.key));
      // virsh refuses it while the domain does not run yet.
      if (exitCode === 0) acceptedAt = Math.min(acceptedAt, seconds);
    },
    isPaused: async () => {
      if (performance.now() - lookedAt < activityInterval) return false;
      lookedAt = performance.now();
      const { stdout, exitCode } = await context.control(askStats(connect, context.domain));
      if (exitCode !== 0) return false;
      watcher.watch = seeActivity(watcher.watch, parseDomstats(stdout), performance.now());
      return pausedByDisk(stdout);
    },
  };
  return watcher;
}

/**
 * A guest that was switched off from outside, or crashed, did not install anything.
 *
 * @throws VmkilnError INSTALL_FAILED.
 */
export async function checkPoweredOff(watch: Watch, context: StageContext): Promise<void> {
  const { stdout } = await context.control(askState(context.host.connect, context.domain));
  const { state, reason } = parseDomstate(stdout);
  // Somebody may also have shut the guest down half-way, which libvirt reports like the end of the installation.
  const done = watch.finished || watch.fraction === 0 || watch.fraction >= lastPhases;
  if (done && state === 'shut off' && reason !== 'crashed' && reason !== 'destroyed') return;
  throw new VmkilnError('INSTALL_FAILED', `the guest ended as "${stdout.trim()}" while ${watch.phase}`, {
    hint: `the console is in ${context.kept('console.log')}`,
  });
}
