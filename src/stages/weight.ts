import type { Host, Weight } from '../model.ts';

const mib = 1024 ** 2;

/** The part of its vCPUs that an installer keeps busy: most of its time it unpacks packages, on one of them. */
const busyShare = 0.5;
/** What QEMU takes besides the guest's memory, in bytes. Under TCG translated code comes to it: 200 MiB in a short run. */
const qemuOverhead = { kvm: 256 * mib, tcg: 512 * mib } as const;

/** What a guest takes while an installer runs in it. `memory` is in bytes. */
export function guestTakes(guest: { memory: number; vcpus: number }, { accelerator }: Host): Omit<Weight, 'disk'> {
  return { memory: guest.memory + qemuOverhead[accelerator], cores: guest.vcpus * busyShare };
}

/**
 * What libguestfs's appliance takes: it does its work in one program at a time, so it counts one core. So does a conversion
 * after it, which compresses on all cores: the appliance takes longer, a conversion beside another build's stage leaves no
 * core idle, and two beside each other share the cores at no loss.
 */
export function applianceTakes({ accelerator, appliance }: Host): Omit<Weight, 'disk'> {
  return { memory: appliance.memory + qemuOverhead[accelerator], cores: 1 };
}
