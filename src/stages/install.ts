import { setTimeout as sleep } from 'node:timers/promises';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Command } from '../model.ts';
import { removeBootFiles, removeDomain, removeStoragePool, type Virsh } from '../store/leftovers.ts';
import { copyOutArguments } from '../tools/guestfs.ts';
import { parseDomstate, parseDomstats, pausedByDisk, screenshotToPng } from '../tools/virsh.ts';
import { virtInstall } from '../tools/virt-install.ts';
import { follow } from './follow.ts';
import { startAlone } from './start-alone.ts';
import type { Stage, StageContext, StageInput } from './stage.ts';
import { seeActivity, seeLine, startWatch, verdict, type Watch } from './watch.ts';

/** Milliseconds between two looks at the logs, and between two looks at the domain's counters. */
const logInterval = 400;
const activityInterval = 15_000;
/** From this fraction on an installation is in its last phases, whose end the log may not show any more. */
const lastPhases = 0.85;
/** Seconds that virt-install itself may take longer than the installation: the watcher decides, not this. */
const margin = 300;

/** Runs the installer from the media, driven by the rendered answer file, and watches it to its end. */
export const install: Stage = {
  name: 'install',
  leaves: 'install.qcow2',
  plan: ({ recipe, family, host, media }) => {
    if (media['image']) return { commands: [], keys: [], omitted: 'the source is a ready image' };
    const { before, devices, args, keys } = family.install(recipe, media, host);
    const machine = {
      memory: recipe.machine.memory,
      vcpus: recipe.machine.vcpus,
      disk: { work: 'install.qcow2' },
      devices,
      console: { work: 'console.log' },
      installerLog: { work: 'installer.log' },
      osinfo: family.osinfo(recipe),
    };
    return { commands: [...before, virtInstall(machine, args, host, recipe.install.timeout + margin)], keys };
  },
  run: async (commands, input, context) => {
    const command = commands.at(-1);
    if (!command) return;
    for (const before of commands.slice(0, -1)) await context.run(before);
    const started = Date.now();
    let succeeded = false;
    try {
      if ((await installWatched(command, input, context, 'tell')) === 'frozen') {
        context.emit({
          type: 'warning',
          stage: 'install',
          message: 'the guest hung while it booted: it is started again',
        });
        await removeGuest(input, context, started);
        for (const log of ['console.log', 'installer.log']) await rm(context.work(log), { force: true });
        await installWatched(command, input, context, 'fail');
      }
      succeeded = true;
    } finally {
      await keepLogs(context, '');
      if (succeeded) await removeGuest(input, context, started);
      // The failure matters more than a guest that stays: whoever ends the build tries again, and the reaper after that.
      else if (!context.keepOnFailure || context.signal.aborted) {
        await removeGuest(input, context, started).catch(() => undefined);
        if (!context.signal.aborted) await bringLogs(input, context);
      }
    }
  },
};

/**
 * Installs. A kernel may hang while it boots, above all without KVM and when its clock was calibrated on a busy host:
 * `ifFrozen` says whether that is told or a failure. Nothing has been written then.
 */
async function installWatched(
  command: Command,
  input: StageInput,
  context: StageContext,
  ifFrozen: 'tell' | 'fail',
): Promise<'installed' | 'frozen'> {
  const ended = new AbortController();
  const stop = new AbortController();
  const running = startAlone(input.host.connect, context, () => context.run(command, { signal: stop.signal }))
    .catch((error: unknown) => ({ error }))
    .finally(() => ended.abort());
  const { watch, failure } = await watchInstaller(input, context, ended.signal);
  if (failure === 'frozen' && ifFrozen === 'tell') {
    stop.abort();
    await running;
    return 'frozen';
  }
  if (failure) {
    const bundle = await collectBundle(input, watch, context);
    stop.abort();
    await running;
    throw explain(failure, watch, input, bundle);
  }
  const result = await running;
  if ('error' in result) {
    if (!context.signal.aborted && result.error instanceof VmkilnError) {
      result.error.bundle = await collectBundle(input, watch, context);
    }
    throw result.error;
  }
  await checkPoweredOff(input, context, watch);
  if (watch.remarks.length > 0) {
    context.emit({ type: 'warning', stage: 'install', message: `not rehearsed: ${watch.remarks.join(', ')}` });
  }
  return 'installed';
}

type Failure = 'fatal' | 'paused' | 'frozen' | 'stalled' | 'hung' | 'timeout';

/** Looks at the logs and the domain until virt-install ends or the installation has failed. */
async function watchInstaller(
  { recipe, family, host, media }: StageInput,
  context: StageContext,
  ended: AbortSignal,
): Promise<{ watch: Watch; failure?: Failure }> {
  const now = () => performance.now();
  const logs = [follow(context.work('installer.log')), follow(context.work('console.log'))];
  const { stallTimeout, timeout } = recipe.install;
  const limits = { startedAt: now(), stallTimeout, timeout, bootSilence: family.installer.bootSilence };
  let watch = startWatch(now());
  let shown = '';
  let lookedAt = now();
  const look = async () => {
    for (const read of logs) {
      for (const line of await read()) watch = seeLine(watch, line, family.installer, now());
    }
    const line = `${watch.phase} ${watch.fraction}`;
    if (line === shown) return;
    shown = line;
    context.emit({ type: 'progress', stage: 'install', message: watch.phase, fraction: watch.fraction });
  };
  const counters = async () => {
    if (now() - lookedAt < activityInterval) return false;
    lookedAt = now();
    const args = ['-c', host.connect, 'domstats', '--state', '--cpu-total', '--block', '--interface', context.domain];
    const { stdout, exitCode } = await context.control('virsh', args, { accept: [1] });
    if (exitCode !== 0) return false;
    watch = seeActivity(watch, parseDomstats(stdout), now());
    return pausedByDisk(stdout);
  };
  const { bootKey } = family.install(recipe, media, host).devices;
  let pressedAt = -Infinity;
  const press = async () => {
    const seconds = (now() - limits.startedAt) / 1000;
    if (!bootKey || watch.fraction > 0 || seconds > bootKey.during || seconds - pressedAt < bootKey.every) return;
    pressedAt = seconds;
    // Before the domain runs there is nothing to press a key on.
    await context.control('virsh', ['-c', host.connect, 'send-key', context.domain, bootKey.key], { accept: [1] });
  };
  while (!ended.aborted && !context.signal.aborted) {
    await look();
    await press();
    if (await counters()) return { watch, failure: 'paused' };
    const say = verdict(watch, limits, now());
    if (say !== 'go on') return { watch, failure: say };
    await sleep(logInterval, undefined, { signal: ended }).catch(() => undefined);
  }
  await look();
  return watch.fatal ? { watch, failure: 'fatal' } : { watch };
}

/** A guest that was switched off from outside, or crashed, did not install anything. */
async function checkPoweredOff({ host }: StageInput, context: StageContext, watch: Watch): Promise<void> {
  const { stdout } = await context.control('virsh', ['-c', host.connect, 'domstate', '--reason', context.domain]);
  const { state, reason } = parseDomstate(stdout);
  // Somebody may also have shut the guest down half-way, which libvirt reports like the end of the installation.
  const done = watch.finished || watch.fraction === 0 || watch.fraction >= lastPhases;
  if (done && state === 'shut off' && reason !== 'crashed' && reason !== 'destroyed') return;
  throw new VmkilnError('INSTALL_FAILED', `the guest ended as "${stdout.trim()}" while ${watch.phase}`, {
    hint: `the console is in ${context.kept('console.log')}`,
  });
}

function explain(failure: Failure, watch: Watch, { recipe }: StageInput, bundle: string): VmkilnError {
  const where = `console, screenshot, domain XML and logs are in ${bundle}`;
  const error = {
    fatal: () =>
      new VmkilnError(
        'INSTALL_FAILED',
        `the installer stopped while ${watch.phase}:\n${watch.fatal?.lines.join('\n')}`,
        {
          hint: where,
        },
      ),
    paused: () =>
      new VmkilnError('DISK_FULL', `QEMU paused the guest while ${watch.phase}: its disk could not be written`, {
        hint: `most likely the filesystem of VMKILN_HOME is full: free some space there; ${where}`,
      }),
    frozen: () =>
      new VmkilnError(
        'INSTALL_STALLED',
        'the guest hung while it booted, and again when it was started anew: it printed, read and wrote nothing',
        { hint: `see the end of console.log; ${where}` },
      ),
    stalled: () =>
      new VmkilnError(
        'INSTALL_STALLED',
        `nothing moved for ${recipe.install.stallTimeout} s while ${watch.phase}: the installer is probably waiting for an answer`,
        { hint: `look at screenshot.png first; ${where}` },
      ),
    hung: () =>
      new VmkilnError(
        'INSTALL_STALLED',
        `the guest was still ${watch.phase} after ${watch.limit} s, which never takes that long: it hangs`,
        { hint: where },
      ),
    timeout: () =>
      new VmkilnError(
        'INSTALL_TIMEOUT',
        `the installation did not end within ${recipe.install.timeout} s; it was ${watch.phase}`,
        {
          hint: `raise install.timeout if it was still working; ${where}`,
        },
      ),
  }[failure]();
  error.bundle = bundle;
  return error;
}

/** What a person needs to understand a failed installation, in one folder. Each piece is taken if it can be. */
async function collectBundle({ host }: StageInput, watch: Watch, context: StageContext): Promise<string> {
  const bundle = context.kept('failure');
  await mkdir(bundle, { recursive: true });
  const virsh = (...args: string[]) => context.control('virsh', ['-c', host.connect, ...args]);
  const pieces = [
    async () => {
      const raw = context.work('screenshot');
      await virsh('screenshot', context.domain, raw);
      await writeFile(`${bundle}/screenshot.png`, screenshotToPng(await readFile(raw)));
    },
    async () => writeFile(`${bundle}/domain.xml`, (await virsh('dumpxml', context.domain)).stdout),
    async () => writeFile(`${bundle}/phase.txt`, `${[watch.phase, ...(watch.fatal?.lines ?? [])].join('\n')}\n`),
    () => keepLogs(context, 'failure/'),
  ];
  const results = await Promise.allSettled(pieces.map((piece) => piece()));
  for (const result of results) {
    if (result.status === 'rejected' && !context.signal.aborted) {
      context.emit({
        type: 'warning',
        stage: 'install',
        message: `part of the failure bundle is missing: ${String(result.reason)}`,
      });
    }
  }
  return bundle;
}

/** The logs are written into the work folder, which libvirt's daemons can reach, and kept in the build's folder. */
async function keepLogs(context: StageContext, folder: string): Promise<void> {
  for (const log of ['console.log', 'installer.log']) {
    await copyFile(context.work(log), context.kept(folder + log)).catch(() => undefined);
  }
}

/** The logs that the installer left on the disk: the guest no longer runs, and the disk is only read. */
async function bringLogs({ recipe, family, host }: StageInput, context: StageContext): Promise<void> {
  const logs = family.logs?.(recipe);
  if (!logs) return;
  const folder = context.kept('failure');
  await mkdir(folder, { recursive: true });
  const { args, env, timeout } = copyOutArguments(context.work('install.qcow2'), logs, folder, host);
  await context.control('guestfish', args, { timeout, env }).catch((error: unknown) => {
    const message = `the installer's own logs could not be brought out of the disk: ${messageOf(error)}`;
    context.emit({ type: 'warning', stage: 'install', message });
  });
}

async function removeGuest({ host }: StageInput, context: StageContext, started: number): Promise<void> {
  // The build may have been aborted; cleaning up must still happen, and quickly.
  const options = { signal: AbortSignal.timeout(5000), timeout: 5 };
  const virsh: Virsh = (args, mayFail) =>
    context.control('virsh', ['-c', host.connect, ...args], { ...options, accept: mayFail ? [1] : [] });
  await removeDomain(virsh, context.domain);
  await removeStoragePool(virsh, context.build);
  await removeBootFiles(started);
}
