import type { Call } from './exec.ts';

/** Where QEMU may be; RHEL has it off the PATH under another name. */
export const qemuNames = ['qemu-system-x86_64', '/usr/libexec/qemu-kvm'] as const;

/**
 * A small machine, without a screen, that boots the raw disk `disk`. What the guest writes to the I/O port `exitPort` ends
 * QEMU: `value` gives the exit status 2 × value + 1 (isa-debug-exit). `accelerator` are words such as `-accel kvm`.
 */
export function bootDisk(
  qemu: string,
  accelerator: readonly string[],
  { disk, exitPort, timeout }: { disk: string; exitPort: number; timeout: number },
): Call {
  return {
    program: qemu,
    args: [
      ...accelerator,
      ...['-machine', 'q35', '-m', '64', '-smp', '1', '-display', 'none', '-nodefaults', '-no-reboot'],
      ...['-device', `isa-debug-exit,iobase=${exitPort},iosize=4`],
      ...['-drive', `file=${disk.replaceAll(',', ',,')},format=raw,if=ide`],
    ],
    timeout,
  };
}
