import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { diskFull } from '../store/files.ts';
import type { MachineNeeds } from '../model.ts';
import { blockingFolder, qemuAccount } from './access.ts';
import { packageManager } from './checks/tools.ts';
import { defaultConnect } from './libvirt.ts';
import { machineAbilities, machineFault } from './machine.ts';

/** Bytes of free space below which no build begins: an installed system, the layer above it and the image need more. */
export const leastRoom = 4 * 1024 ** 3;

/** A path that QEMU opens, and how it could be moved to where QEMU gets. */
export type Needed = { path: string; move: string };

/** The error for a machine that this host cannot make, if it cannot. */
export async function machineError(
  connect: string,
  wanted: MachineNeeds,
  signal: AbortSignal,
): Promise<VmkilnError | undefined> {
  if (!Object.values(wanted).includes(true)) return undefined;
  const given = await machineAbilities(connect, signal);
  const fault = given && machineFault(wanted, given, await packageManager());
  if (!fault) return undefined;
  return new VmkilnError(
    'HOST_UNFIT',
    `the machine of this recipe needs ${fault.missing}, which libvirt does not find`,
    {
      hint: fault.fix ?? '`vmkiln doctor RECIPE` shows what this host has',
    },
  );
}

/**
 * Makes sure, before anything is made, that this host can make the machine, that the disks of a build have room in the folder `cache`, and that QEMU gets to
 * what it opens: the system libvirt runs it as another user. Nothing is read, and a file that is not there passes.
 *
 * @throws VmkilnError HOST_UNFIT naming the folder in the way, DISK_FULL with numbers, or INTERRUPTED.
 */
export async function checkNeeds(
  needs: { connect: string | undefined; machine: MachineNeeds; cache: string; files: readonly Needed[] },
  signal: AbortSignal,
): Promise<void> {
  const connect = needs.connect ?? defaultConnect(process.getuid?.() ?? 0);
  const account = connect.startsWith('qemu:///system') ? await qemuAccount(connect) : undefined;
  for (const file of account ? needs.files : []) {
    const blocking = account && (await blockingFolder(file.path, account, signal));
    if (blocking !== undefined) throw outOfReach(file, account?.name ?? '', blocking);
  }
  const unable = await machineError(connect, needs.machine, signal);
  if (unable) throw unable;
  const full = roomError(needs.cache, await freeSpace(needs.cache));
  if (full) throw full;
}

/** The error for a file that QEMU's user does not get to, with both ways out. */
export function outOfReach({ path, move }: Needed, user: string, blocking: string): VmkilnError {
  const message = `QEMU runs as ${user}, which may not pass through ${blocking} on the way to ${path}`;
  const hint = `${move}, or let it pass: chmod o+x ${blocking} (for that user alone: setfacl -m u:${user}:x ${blocking})`;
  return new VmkilnError('HOST_UNFIT', message, { hint });
}

/** The error for a folder with too few bytes `free`, if they are. */
export function roomError(folder: string, free: number): VmkilnError | undefined {
  return free < leastRoom ? diskFull(folder, undefined, { needed: leastRoom, free }) : undefined;
}

/** Bytes an ordinary user may still write on the filesystem of a path, or of its nearest folder that exists. */
export async function freeSpace(path: string): Promise<number> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined);
    if (found !== undefined) return found.bavail * found.bsize;
    if (at === dirname(at)) return 0;
  }
}
