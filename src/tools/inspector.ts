import type { ApplianceHost } from '../model.ts';
import type { Call } from './exec.ts';
import { environment } from './guestfs.ts';

/** virt-inspector(1) on one qcow2, read-only. */
export function virtInspector(disk: string, host: ApplianceHost): Call {
  return {
    program: 'virt-inspector',
    args: ['--no-applications', '--no-icon', '--format=qcow2', '-a', disk],
    timeout: 900,
    env: environment(host),
  };
}

/** virt-get-kernel(1) on one qcow2: the newest kernel of its guest as `vmlinuz` and its initial RAM disk as `initrd…` or `initramfs…`. */
export function virtGetKernel(disk: string, folder: string, host: ApplianceHost): Call {
  return {
    program: 'virt-get-kernel',
    args: ['--format=qcow2', '-a', disk, '--output', folder, '--unversioned-names'],
    timeout: 900,
    env: environment(host),
  };
}
