import { arch, availableParallelism, cpus, homedir, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { ApplianceHost, Env, Host, World } from '../model.ts';
import { statePaths } from '../store/paths.ts';
import { exec } from '../tools/exec.ts';
import { applianceOf } from '../tools/guestfs.ts';
import { listOsinfoIds } from '../tools/osinfo.ts';
import { qemuNames } from '../tools/qemu-system.ts';
import { openHostCache, type HostCache } from './cache.ts';
import { findAccelerator, kvmDevice, type Accelerator } from './kvm.ts';
import { askLibvirt, defaultConnect, findNetwork } from './libvirt.ts';
import { findProgram, stamp } from './programs.ts';

export type ProbeOptions = {
  /** libvirt connection URI; default: the system's for root, the session's for others. */
  connect?: string;
  /** Folder of host.json, where slow findings are kept until the host changes. */
  cacheDir: string;
  env: Env;
  signal: AbortSignal;
  progress?: (message: string) => void;
};

/** The same once the findings of before are read. */
type Probing = Omit<ProbeOptions, 'connect' | 'cacheDir'> & { cache: HostCache };

/**
 * Finds out what this host can do. Takes a second at first and a fraction of one later.
 *
 * @throws VmkilnError HOST_UNFIT when libvirt does not answer, TOOL_MISSING, or INTERRUPTED.
 */
export async function probeHost(options: ProbeOptions): Promise<Host> {
  const { env, signal } = options;
  const connect = options.connect ?? defaultConnect(process.getuid?.() ?? 0);
  const cache = await openHostCache(options.cacheDir, false);
  const probing = { ...options, cache };
  const [libvirt, network, osinfo, virtInstall, guestfsTools, found] = await Promise.all([
    askLibvirt(connect, signal),
    findNetwork(connect, signal),
    knownOsinfo(cache, signal),
    versionOf('virt-install', probing),
    versionOf('virt-customize', probing),
    probeAccelerator(connect, probing),
  ]);
  await cache.save();
  return {
    arch: machineArch(),
    accelerator: found.accelerator,
    acceleratorReason: found.acceleratorReason,
    connect,
    network,
    osinfo,
    cores: availableParallelism(),
    memory: totalmem(),
    appliance: applianceOf(env),
    versions: {
      qemu: found.qemu,
      libvirt: libvirt.libvirt,
      'virt-install': virtInstall,
      'guestfs-tools': guestfsTools,
      kernel: release(),
    },
  };
}

/** The machine's architecture as the kernel and libvirt call it. */
function machineArch(): string {
  const names: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', ppc64: 'ppc64le' };
  return names[arch()] ?? arch();
}

/** What libguestfs's programs have to know of this host; libvirt is not asked. @throws VmkilnError TOOL_MISSING or INTERRUPTED */
export async function probeAppliance(
  { env }: World,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<ApplianceHost> {
  const uid = process.getuid?.() ?? 0;
  const cache = await openHostCache(statePaths(env, uid).cache, false);
  const { accelerator } = await probeAccelerator(defaultConnect(uid), { cache, env, signal, progress });
  await cache.save();
  return { accelerator, appliance: applianceOf(env) };
}

/** The accelerator that works here, and the QEMU it was tried with. */
export async function probeAccelerator(
  connect: string,
  { cache, env, signal, progress }: Probing,
): Promise<Accelerator & { qemu: string }> {
  const qemu = await findProgram(qemuNames, env);
  if (qemu === undefined) {
    throw new VmkilnError('TOOL_MISSING', `${qemuNames[0]} is not installed`, {
      hint: '`vmkiln doctor` names the package to install',
    });
  }
  const version = await versionOf(qemu, { cache, env, signal });
  const device = await kvmDevice(connect);
  const key = [release(), qemu, version, cpus()[0]?.model ?? '', machineArch(), JSON.stringify(device)].join('|');
  const verdict = await cache.remember('kvm', key, () => {
    progress?.('running a test guest to see whether KVM works');
    return findAccelerator(qemu, machineArch(), device, signal);
  });
  return { ...verdict, qemu: version };
}

/** The osinfo short ids this host knows. */
export async function knownOsinfo(cache: HostCache, signal: AbortSignal): Promise<string[]> {
  // The places osinfo-db-import(1) writes to; its VERSION file is replaced at every import.
  const folders = ['/usr/share/osinfo', '/etc/osinfo', join(homedir(), '.config/osinfo')];
  const key = await stamp(...folders.flatMap((folder) => [folder, join(folder, 'VERSION'), join(folder, 'os')]));
  return cache.remember('osinfo', key, () => listOsinfoIds(signal));
}

/** The first version number that `PROGRAM --version` prints: Python and libguestfs make these calls slow. */
async function versionOf(program: string, { cache, env, signal }: Probing): Promise<string> {
  const path = (await findProgram([program], env)) ?? program;
  return cache.remember(`version ${program}`, await stamp(path), async () => {
    const { stdout } = await exec({ program: path, args: ['--version'], timeout: 30, signal });
    return parseVersion(stdout);
  });
}

/** Reads "QEMU emulator version 7.2.22 (Debian …)", "virt-customize 1.48.2", "4.1.0". */
export function parseVersion(text: string): string {
  return /\d+(?:\.\d+)+\S*/.exec(text)?.[0] ?? 'unknown';
}
