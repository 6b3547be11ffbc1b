import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { probeAppliance } from '../host/probe.ts';
import { findKept, guestState, keptDisk } from '../pipeline/kept.ts';
import { buildVariable } from '../store/process.ts';
import { exec, execAtTerminal } from '../tools/exec.ts';
import { openGuestfish } from '../tools/guestfs.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { withTemporary } from '../tools/temporary.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln shell`: guestfish on an overlay of the disk that a failed build was told to keep, by default the latest. What is changed
 * there goes with it, so the disk stays as the failure left it.
 *
 * @returns the exit status of guestfish.
 * @throws VmkilnError USAGE when nothing is kept, or the guest still runs; TOOL_MISSING, COMMAND_FAILED, DISK_FULL, INTERRUPTED.
 */
export async function shell(word: string | undefined, { signal, say, world }: CommandContext): Promise<number> {
  const kept = await findKept(word, ['kept'], world);
  const { build, connect, domain, work } = kept;
  const state = await guestState(kept, signal);
  if (state !== undefined && state !== 'shut off') {
    throw new VmkilnError('USAGE', `the guest of ${build.build} is ${state}, and writes to its disk`, {
      hint: `look at it with \`vmkiln console ${build.build}\`; to end it: virsh -c ${connect} destroy ${domain}`,
    });
  }
  const disk = await keptDisk(kept);
  const host = await probeAppliance(world, signal, say);
  // Before it is installed there is no system to find on it.
  const isInstalled = build.failure?.stage !== 'install' && build.failure?.stage !== 'disk';
  // In the work folder, and marked as the build's: `vmkiln clean` ends it and removes its overlay.
  return withTemporary(
    'shell-',
    async (folder) => {
      const overlay = join(folder, 'overlay.qcow2');
      const { program, args, timeout } = createOverlay(overlay, disk);
      await exec({ program, args: args.map(String), timeout, signal });
      say(`a copy-on-write overlay of ${disk}: what you change is gone at the end`);
      say(
        isInstalled
          ? 'its file systems are mounted: `ll /`, `sh ...`, `exit`'
          : 'begin with `run`, `list-filesystems`, `mount DEVICE /`',
      );
      const { env, ...call } = openGuestfish(overlay, isInstalled, host);
      return atTerminal(() =>
        execAtTerminal({ ...call, env: { ...world.env, ...env, [buildVariable]: build.build } }, signal),
      );
    },
    work,
  );
}

/** Ctrl-C is for the program at the terminal, which gets it too, and not for vmkiln. */
async function atTerminal<T>(run: () => Promise<T>): Promise<T> {
  const listeners = process.listeners('SIGINT');
  const ignore = () => undefined;
  process.removeAllListeners('SIGINT').on('SIGINT', ignore);
  try {
    return await run();
  } finally {
    process.off('SIGINT', ignore);
    for (const listener of listeners) process.on('SIGINT', listener);
  }
}
