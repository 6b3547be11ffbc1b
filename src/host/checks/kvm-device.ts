import { stat } from 'node:fs/promises';
import { type Account, qemuAccount } from '../access.ts';
import { asRoot, type Check } from './check.ts';

/**
 * Whether QEMU's user may open /dev/kvm, which matters even where KVM is of no use: libvirt, as root, finds that QEMU
 * has KVM, then sees that QEMU's user has not, drops what it knows of QEMU and asks it anew, at every connection.
 */
export async function checkKvmDevice(connect: string): Promise<Check[]> {
  const device = await stat('/dev/kvm').catch(() => undefined);
  const account = await qemuAccount(connect);
  if (!device || !account || mayOpen(device, account)) return [];
  return [
    {
      id: 'kvm-device',
      title: '/dev/kvm',
      status: 'warn',
      detail: `${account.name} may not open it: libvirt examines QEMU anew at every connection, for many seconds`,
      fix: `${asRoot('chgrp kvm /dev/kvm')} && ${asRoot('chmod 0660 /dev/kvm')}`,
    },
  ];
}

/** The rule of access(2) for reading and writing: one class counts, the owner's before the group's before the others'. */
function mayOpen(device: { mode: number; uid: number; gid: number }, account: Account): boolean {
  if (account.uid === 0) return true;
  const shift = device.uid === account.uid ? 6 : account.groups.includes(device.gid) ? 3 : 0;
  return ((device.mode >> shift) & 0o6) === 0o6;
}
