import type { Plan, StagePlan } from '../model.ts';
import type { Recipe } from '../families/recipe.ts';
import type { Weight } from './pool.ts';

const mib = 1024 ** 2;

/** The part of its vCPUs that an installer keeps busy: most of its time it unpacks packages, on one of them. */
const busyShare = 0.5;
/** What QEMU takes besides the guest's memory, in bytes. Under TCG translated code comes to it: 200 MiB in a short run. */
const qemuOverhead = { kvm: 256 * mib, tcg: 512 * mib } as const;
/** MiB of an appliance unless LIBGUESTFS_MEMSIZE says otherwise: guestfs(3), `guestfs_set_memsize`. */
const applianceMemory = 1280;

/** Bytes a stage without a prediction is taken to write at most: a quarter of the disk, up to this. */
const mostBytes = 4 * 1024 ** 3;

/**
 * What a stage takes of the host while it runs.
 *
 * An appliance does its work in one program at a time, so it counts one core. So does sparsify, whose second half compresses
 * on all cores: the appliance of the first half takes longer, a conversion beside another build's stage leaves no core
 * idle, and two beside each other share the cores at no loss.
 */
export function weightOf(stage: StagePlan, { recipe, host }: Pick<Plan<Recipe>, 'recipe' | 'host'>): Weight {
  const overhead = qemuOverhead[host.accelerator];
  const disk = stage.predicted?.bytes ?? Math.min((recipe.disk.size ?? Infinity) / 4, mostBytes);
  switch (stage.stage) {
    case 'disk':
      return { memory: 0, cores: 0, disk: 0 };
    case 'install': {
      const { memory, vcpus } = recipe.machine;
      return { memory: memory + overhead, cores: vcpus * busyShare, disk };
    }
    case 'upload':
      return { memory: 0, cores: 0, disk };
    default: {
      const memory = Number(process.env['LIBGUESTFS_MEMSIZE']) || applianceMemory;
      return { memory: memory * mib + overhead, cores: 1, disk };
    }
  }
}
