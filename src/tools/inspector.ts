import type { ApplianceHost } from '../model.ts';
import type { Call } from './exec.ts';
import { environment } from './guestfs.ts';

/** virt-inspector(1) on one disk, read-only. `format` is by QEMU's name: libguestfs must not guess it. */
export function virtInspector(disk: string, format: string, host: ApplianceHost): Call {
  return {
    program: 'virt-inspector',
    args: ['--no-applications', '--no-icon', `--format=${format}`, '-a', disk],
    timeout: 900,
    env: environment(host),
  };
}

/** virt-get-kernel(1): the newest kernel of a guest as `vmlinuz` and its initial RAM disk as `initrd…` or `initramfs…`. */
export function virtGetKernel(disk: string, format: string, folder: string, host: ApplianceHost): Call {
  return {
    program: 'virt-get-kernel',
    args: [`--format=${format}`, '-a', disk, '--output', folder, '--unversioned-names'],
    timeout: 900,
    env: environment(host),
  };
}
