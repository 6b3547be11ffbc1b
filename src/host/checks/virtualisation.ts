import { messageOf, VmkilnError } from '../../errors.ts';
import type { Env, HostNetwork } from '../../model.ts';
import { openHostCache } from '../cache.ts';
import type { Accelerator } from '../kvm.ts';
import type { LibvirtVersions } from '../../tools/virsh.ts';
import { askLibvirt, findNetwork } from '../libvirt.ts';
import { knownOsinfo, probeAccelerator } from '../probe.ts';
import { asRoot, type Check } from './check.ts';

/** Asks libvirt, KVM, the network and osinfo-db, anew: what was found earlier may be what the person has just fixed. */
export async function checkVirtualisation(
  connect: string,
  { cacheDir, env, signal }: { cacheDir: string; env: Env; signal: AbortSignal },
): Promise<Check[]> {
  const cache = await openHostCache(cacheDir, true);
  const [libvirt, accelerator, network, osinfo] = await Promise.allSettled([
    askLibvirt(connect, signal),
    probeAccelerator(connect, { cache, env, signal }),
    findNetwork(connect, signal),
    knownOsinfo(cache, signal),
  ]);
  signal.throwIfAborted();
  await cache.save();
  return [
    libvirtCheck(connect, libvirt),
    kvmCheck(accelerator),
    libvirt.status === 'fulfilled'
      ? settled('network', 'Guest network', 'fail', network, networkDetail)
      : { id: 'network', title: 'Guest network', status: 'warn', detail: 'unknown until libvirt answers' },
    settled(
      'osinfo',
      'osinfo-db',
      'warn',
      osinfo,
      (ids) => `knows ${ids.length} systems; others get the nearest older`,
    ),
  ];
}

function libvirtCheck(connect: string, result: PromiseSettledResult<LibvirtVersions>): Check {
  const check = settled('libvirt', 'libvirt', 'fail', result, ({ libvirt }) => `${libvirt} answers at ${connect}`);
  const hint = result.status === 'rejected' && result.reason instanceof VmkilnError && result.reason.hint;
  const fix = hint && /^start it: (.*)$/.exec(hint)?.[1];
  return fix ? { ...check, fix: asRoot(fix) } : check;
}

/** The finding about KVM. Without it everything works, so it never fails. */
export function kvmCheck(result: PromiseSettledResult<Accelerator>): Check {
  if (result.status === 'fulfilled' && result.value.accelerator === 'tcg') {
    const { acceleratorReason } = result.value;
    const check: Check = {
      id: 'kvm',
      title: 'KVM',
      status: 'warn',
      detail: `${acceleratorReason}; builds run under TCG, several times slower`,
    };
    return acceleratorReason.startsWith('this user may not open')
      ? { ...check, fix: 'sudo usermod -aG kvm "$USER"' }
      : check;
  }
  return settled('kvm', 'KVM', 'fail', result, ({ acceleratorReason }) => acceleratorReason);
}

function networkDetail(network: HostNetwork): string {
  if (network.kind === 'user') return "QEMU's user mode, which needs nothing from this host";
  return `the ${network.kind === 'network' ? 'libvirt network' : 'bridge'} ${network.name}`;
}

function settled<T>(
  id: string,
  title: string,
  status: 'warn' | 'fail',
  result: PromiseSettledResult<T>,
  detail: (value: T) => string,
): Check {
  return result.status === 'fulfilled'
    ? { id, title, status: 'ok', detail: detail(result.value) }
    : { id, title, status, detail: messageOf(result.reason).split('\n')[0] ?? '' };
}
