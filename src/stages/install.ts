import { mkdir, rm } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Command } from '../model.ts';
import { removeBootFiles, removeDomain, removeStoragePool } from '../store/leftovers.ts';
import { copyOut } from '../tools/guestfs.ts';
import { dumpDomain, type RunVirsh } from '../tools/virsh.ts';
import { virtInstall } from '../tools/virt-install.ts';
import { collectBundle, explainFailure, keepLogs } from './install-failure.ts';
import { checkPoweredOff, type InstallSettings, watchInstaller } from './install-watch.ts';
import { startAlone, startLimit } from './start-alone.ts';
import type { Stage, StageContext, Step } from './stage.ts';
import { guestTakes } from './weight.ts';

/** Seconds that virt-install itself may take longer than the installation: the watcher decides, not this. */
const margin = startLimit + 300;

/** Runs the installer from the media, driven by the rendered answer file, and watches it to its end. */
export const install: Stage<InstallSettings> = {
  name: 'install',
  leaves: { file: 'install.qcow2' },
  hook: { name: 'afterInstall', after: 'run' },
  plan: ({ recipe, family, installer, host, media }) => {
    const work = family.install(recipe, media, host);
    if ('omitted' in work) return { commands: [], keys: [], omitted: work.omitted };
    if (!installer) throw new Error(`${recipe.family} has no log of its installer`);
    const { before, devices, limits, args, keys, maxAge } = work;
    const machine = {
      memory: work.machine.memory,
      vcpus: work.machine.vcpus,
      disk: { work: 'install.qcow2' },
      devices,
      console: { work: 'console.log' },
      installerLog: { work: 'installer.log' },
      osinfo: family.osinfo(recipe),
    };
    const { timeout, stallTimeout } = limits;
    const { bootKey } = devices;
    const logs = family.logs?.(recipe);
    return {
      commands: [...before, virtInstall(machine, args, host, timeout + margin)],
      keys,
      maxAge,
      takes: guestTakes(work.machine, host),
      settings: { log: installer, timeout, stallTimeout, ...(bootKey && { bootKey }), ...(logs && { logs }) },
    };
  },
  run: async (step, context) => {
    const command = step.commands.at(-1);
    if (!command) return;
    for (const before of step.commands.slice(0, -1)) await context.run(before);
    const started = Date.now();
    let succeeded = false;
    try {
      await installTwice(command, step, context, started);
      succeeded = true;
    } finally {
      await keepLogs(context, '');
      if (succeeded) await removeGuest(context, started);
      // The failure matters more than a guest that stays: whoever ends the build tries again, and the reaper after that.
      else if (!context.keepOnFailure || context.signal.aborted) {
        await removeGuest(context, started).catch(() => undefined);
        if (!context.signal.aborted) await copyInstallerLogs(step, context);
      }
    }
  },
};

/** Installs, and once more when the guest froze while it booted: nothing has been written then. */
async function installTwice(
  command: Command,
  step: Step<InstallSettings>,
  context: StageContext,
  started: number,
): Promise<void> {
  if ((await installWatched(command, step, context, 'tell')) === 'installed') return;
  context.emit({ type: 'warning', stage: 'install', message: 'the guest hung while it booted: it is started again' });
  await removeGuest(context, started);
  for (const log of ['console.log', 'installer.log']) await rm(context.work(log), { force: true });
  await installWatched(command, step, context, 'fail');
}

/**
 * Installs. A kernel may hang while it boots, above all without KVM and when its clock was calibrated on a busy host:
 * `ifFrozen` says whether that is told or a failure.
 */
async function installWatched(
  command: Command,
  { settings }: Step<InstallSettings>,
  context: StageContext,
  ifFrozen: 'tell' | 'fail',
): Promise<'installed' | 'frozen'> {
  const ended = new AbortController();
  const stop = new AbortController();
  const guest = await startAlone(context.host.connect, context, (signal) =>
    context.run(command, { signal: AbortSignal.any([signal, stop.signal]) }),
  );
  const running = guest.running.catch((error: unknown) => ({ error })).finally(() => ended.abort());
  const { watch, failure } = await watchInstaller(settings, context, ended.signal);
  if (failure === 'frozen' && ifFrozen === 'tell') {
    stop.abort();
    await running;
    return 'frozen';
  }
  if (failure) {
    const bundle = await collectBundle(watch, context);
    stop.abort();
    await running;
    throw explainFailure(failure, watch, settings, bundle);
  }
  const result = await running;
  if ('error' in result) {
    if (!context.signal.aborted && result.error instanceof VmkilnError && (await hasDomain(context))) {
      result.error.bundle = await collectBundle(watch, context);
    }
    throw result.error;
  }
  await checkPoweredOff(watch, context);
  if (watch.remarks.length > 0) {
    context.emit({ type: 'warning', stage: 'install', message: `not rehearsed: ${watch.remarks.join(', ')}` });
  }
  return 'installed';
}

/** Whether there is a domain: virt-install may fail before it has made one. */
async function hasDomain(context: StageContext): Promise<boolean> {
  const { exitCode } = await context.control(dumpDomain(context.host.connect, context.domain, [1]));
  return exitCode === 0;
}

/** The logs that the installer left on the disk: the guest no longer runs, and the disk is only read. */
async function copyInstallerLogs({ settings: { logs } }: Step<InstallSettings>, context: StageContext): Promise<void> {
  if (!logs) return;
  const folder = context.kept('failure');
  await mkdir(folder, { recursive: true });
  const copying = copyOut(context.work('install.qcow2'), logs, folder, context.host);
  await context.control(copying).catch((error: unknown) => {
    const message = `the installer's own logs could not be copied from the disk: ${messageOf(error)}`;
    context.emit({ type: 'warning', stage: 'install', message });
  });
}

async function removeGuest(context: StageContext, started: number): Promise<void> {
  // The build may have been aborted; cleaning up must still happen, and quickly.
  const signal = AbortSignal.timeout(5000);
  const run: RunVirsh = (call) => context.control({ ...call, timeout: 5 }, signal);
  await removeDomain(run, { connect: context.host.connect, domain: context.domain, env: context.world.env });
  await removeStoragePool(run, context.host.connect, context.build);
  await removeBootFiles(started, context.world.env);
}
