import { stat } from 'node:fs/promises';
import { permissions, qemuAccount } from '../access.ts';
import { asRoot, type Check } from './check.ts';

/**
 * Whether QEMU's user may open /dev/kvm. Without that libvirt's guests have no KVM, and more: libvirt, as root, finds
 * that QEMU has KVM, then sees that QEMU's user has not, drops what it knows of QEMU and asks it anew, at every
 * connection.
 */
export async function checkKvmDevice(connect: string): Promise<Check[]> {
  const device = await stat('/dev/kvm').catch(() => undefined);
  const account = await qemuAccount(connect);
  if (!device || !account || (permissions(device, account) & 6) === 6) return [];
  return [
    {
      id: 'kvm-device',
      title: '/dev/kvm',
      status: 'warn',
      detail: `${account.name} may not open it: guests run without KVM, and libvirt examines QEMU anew at every connection, for many seconds`,
      fix: `${asRoot('chgrp kvm /dev/kvm')} && ${asRoot('chmod 0660 /dev/kvm')}`,
    },
  ];
}
