import type { StageName } from '../model.ts';
import { customize } from '../stages/customize.ts';
import { disk } from '../stages/disk.ts';
import { install } from '../stages/install.ts';
import { sparsify } from '../stages/sparsify.ts';
import type { Stage } from '../stages/stage.ts';
import { sysprep } from '../stages/sysprep.ts';
import { upload } from '../stages/upload.ts';

/**
 * The whole pipeline, in order. A stage that `leaves` a file ends a segment: the file becomes a layer in the
 * checkpoint store, found again by its fingerprint; the stages since the last layer are run for it together.
 *
 *     disk      qemu-img create                       an empty qcow2
 *     install   virt-install, watched                 → layer: the installed guest, powered off
 *     customize virt-customize on an overlay          → layer: the guest with its updates and packages
 *     sysprep   virt-sysprep on an overlay            edits and steps; no identity, no traces
 *     sparsify  virt-sparsify, qemu-img convert       → layer: the small, flat image
 *     upload    the recipe's targets                  the image where it is used
 */
export const stages: readonly Stage[] = [disk, install, customize, sysprep, sparsify, upload];

/** A run of stages that together make one layer; the last segment (upload) makes none. */
export type Segment = { stages: readonly StageName[]; leaves: StageName | undefined };

/** The stages cut into segments. */
export const segments: readonly Segment[] = stages.reduce<Segment[]>((done, stage) => {
  const open = done.at(-1);
  const leaves = stage.leaves === undefined ? undefined : stage.name;
  return open && open.leaves === undefined
    ? [...done.slice(0, -1), { stages: [...open.stages, stage.name], leaves }]
    : [...done, { stages: [stage.name], leaves }];
}, []);
