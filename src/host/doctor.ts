import type { Env } from '../model.ts';
import type { MachineNeeds } from '../model.ts';
import type { Check } from './checks/check.ts';
import { checkGuestfs } from './checks/guestfs.ts';
import { checkKvmDevice } from './checks/kvm-device.ts';
import { checkMachine } from './checks/machine.ts';
import { checkReach, checkRoom } from './checks/storage.ts';
import { checkTools, packageManager, type ToolList } from './checks/tools.ts';
import { checkVirtualisation } from './checks/virtualisation.ts';
import { defaultConnect } from './libvirt.ts';

export type { Check } from './checks/check.ts';

export type ExamineOptions = {
  /** libvirt connection URI; default: the system's for root, the session's for others. */
  connect?: string;
  /** Where vmkiln keeps its builds and its disks. */
  state: string;
  cache: string;
  /** Further files that a guest reads, such as an ISO. */
  files: readonly string[];
  /** Programs that the images of some systems need. */
  tools: readonly ToolList[];
  /** What the machine of a recipe needs. */
  machine?: MachineNeeds;
  env: Env;
  signal: AbortSignal;
};

/**
 * Looks at everything on this host that a build depends on. Faults are findings, never errors; nothing is changed
 * except the cached verdict about KVM.
 *
 * @throws VmkilnError INTERRUPTED.
 */
export async function examine(options: ExamineOptions): Promise<Check[]> {
  const { state, cache, env, signal } = options;
  const connect = options.connect ?? defaultConnect(process.getuid?.() ?? 0);
  const manager = await packageManager();
  const groups = await Promise.all([
    [nodeCheck(process.versions.node)],
    checkTools(manager, options.tools, env),
    checkVirtualisation(connect, { cacheDir: cache, env, signal }),
    checkMachine(connect, options.machine, manager, signal).then((check) => [check]),
    checkKvmDevice(connect),
    checkGuestfs(manager),
    checkRoom({ state, cache }),
    checkReach(connect, { state, cache }, options.files, signal),
  ]);
  return groups.flat();
}

/** The finding about a Node.js version: package.json asks for 20.19 or newer. */
export function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const base = { id: 'node', title: 'Node.js', detail: version };
  return major > 20 || (major === 20 && minor >= 19)
    ? { ...base, status: 'ok' }
    : { ...base, status: 'fail', detail: `${version} is too old: 20.19 or newer is needed` };
}
