import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError, messageOf } from '../errors.ts';
import type { Host } from '../model.ts';
import { formatDuration } from '../text.ts';
import { exec } from '../tools/exec.ts';
import { bootDisk } from '../tools/qemu-system.ts';
import { withTemporary } from '../tools/temporary.ts';
import { permissions, qemuAccount } from './access.ts';
import { exitPort, guestDisk, guestDone } from './kvm-guest.ts';

export type Accelerator = Pick<Host, 'accelerator' | 'acceleratorReason'>;

/** What `/dev/kvm` looks like from here: the part of a verdict's key that a person can change. */
export type KvmDevice = 'absent' | 'forbidden' | 'open' | { closedTo: string };

/** Seconds the test guest gets. It needs a fifth of one; a KVM that does not work makes it hang for ever. */
const deadline = 5;

/** Seconds after which KVM has to be compared with emulation: it may be a hypervisor below that carries out each instruction. */
const prompt = 1;

/**
 * Looks at the device file without starting anything. The system libvirt lets a domain have the device, but leaves its
 * owner and mode as they are: QEMU opens it as its own user.
 */
export async function kvmDevice(connect: string): Promise<KvmDevice> {
  const device = await stat('/dev/kvm').catch(() => undefined);
  if (!device) return 'absent';
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'forbidden';
  }
  const account = connect.startsWith('qemu:///system') ? await qemuAccount(connect) : undefined;
  return account && (permissions(device, account) & 6) !== 6 ? { closedTo: account.name } : 'open';
}

/**
 * Decides between KVM and TCG by running a guest. A device that opens, and libvirt's capabilities, prove nothing:
 * under some hypervisors QEMU then aborts, the guest hangs when its kernel enters long mode, or it runs at a fraction of
 * the speed of emulation. A host that is only busy is told from these by how long emulation takes there.
 *
 * @throws VmkilnError INTERRUPTED or TOOL_MISSING.
 */
export async function findAccelerator(
  qemu: string,
  arch: string,
  device: KvmDevice,
  signal: AbortSignal,
): Promise<Accelerator> {
  if (arch !== 'x86_64') return tcg(`this host is ${arch} and the guests are x86_64`);
  if (device === 'absent') {
    return tcg("/dev/kvm is not there: virtualisation is off in this machine's firmware, or not passed on to it");
  }
  if (device === 'forbidden') return tcg('this user may not open /dev/kvm');
  if (device !== 'open') {
    return tcg(
      `QEMU runs as ${device.closedTo}, which may not open /dev/kvm (chgrp kvm /dev/kvm && chmod 0660 /dev/kvm fixes it)`,
    );
  }
  try {
    const kvm = () => secondsToRun(qemu, ['-accel', 'kvm', '-cpu', 'host'], signal);
    const first = await kvm();
    if (first < prompt) return compareWithEmulation(first, Infinity);
    const emulated = await secondsToRun(qemu, ['-accel', 'tcg'], signal);
    return compareWithEmulation(Math.min(first, await kvm()), emulated);
  } catch (error) {
    if (error instanceof WrongEnd) return tcg(`/dev/kvm opens, but the CPU of a test guest failed (${error.message})`);
    if (!(error instanceof VmkilnError)) throw error;
    if (error.code === 'COMMAND_FAILED') return tcg(`/dev/kvm opens, but QEMU cannot use it: ${qemuError(error)}`);
    throw error;
  }
}

/** Decides by the seconds that the test guest took under each; Infinity when it did not end. Pure. */
export function compareWithEmulation(kvm: number, emulated: number): Accelerator {
  if (kvm === Infinity) return tcg(`/dev/kvm opens, but a test guest hung for ${formatDuration(deadline)}`);
  if (kvm <= 3 * emulated) return { accelerator: 'kvm', acceleratorReason: 'a test guest ran under KVM' };
  const [slow, fast] = [kvm, emulated].map(formatDuration);
  return tcg(`/dev/kvm opens, but a test guest took ${slow} under KVM and ${fast} without`);
}

class WrongEnd extends Error {}

/** Seconds until the test guest was done; Infinity when it hung. @throws WrongEnd; VmkilnError as `runGuest` does. */
async function secondsToRun(qemu: string, accelerator: readonly string[], signal: AbortSignal): Promise<number> {
  const started = performance.now();
  try {
    const exitCode = await runGuest(qemu, accelerator, signal);
    if (exitCode !== guestDone) throw new WrongEnd(`QEMU exited with status ${exitCode}`);
    return (performance.now() - started) / 1000;
  } catch (error) {
    if (error instanceof VmkilnError && error.code === 'COMMAND_TIMEOUT') return Infinity;
    throw error;
  }
}

/**
 * Runs the test guest and returns QEMU's exit status: `guestDone` when it reached 64-bit mode.
 *
 * @throws VmkilnError as `exec` does; COMMAND_FAILED when QEMU could not run it, COMMAND_TIMEOUT when it hung.
 */
export async function runGuest(qemu: string, accelerator: readonly string[], signal: AbortSignal): Promise<number> {
  return withTemporary('vmkiln-kvm-', async (folder) => {
    const disk = join(folder, 'disk.raw');
    await writeFile(disk, guestDisk());
    const call = bootDisk(qemu, accelerator, { disk, exitPort, timeout: deadline });
    const { exitCode } = await exec({ ...call, signal, cwd: folder, accept: [guestDone] });
    return exitCode;
  });
}

function tcg(why: string): Accelerator {
  return { accelerator: 'tcg', acceleratorReason: why };
}

/** QEMU's own words, without its name: "failed to set MSR 0x10a to 0x69". */
function qemuError(error: VmkilnError): string {
  const line = messageOf(error)
    .split('\n')
    .find((text) => /\berror:|: /.test(text));
  return (line ?? messageOf(error)).replace(/^.*\berror: /, '').replace(/^\S*qemu\S*: /, '');
}
