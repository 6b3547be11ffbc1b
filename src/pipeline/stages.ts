import { customize } from '../stages/customize.ts';
import { describe } from '../stages/describe.ts';
import { disk } from '../stages/disk.ts';
import { install } from '../stages/install.ts';
import { sparsify } from '../stages/sparsify.ts';
import type { Stage } from '../stages/stage.ts';
import { sysprep } from '../stages/sysprep.ts';
import { verify } from '../stages/verify.ts';
import { upload } from '../stages/upload.ts';

/**
 * The whole pipeline, in order. What a stage leaves is kept in the checkpoint store, found again by its fingerprint; the
 * stages before it, since the last one that left something, are run for it together (segments.ts).
 *
 *     disk      qemu-img create                       an empty qcow2
 *     install   virt-install, watched                 → layer: the installed guest, powered off
 *     customize virt-customize on an overlay          → layer: the guest with its updates and packages
 *     sysprep   virt-sysprep on an overlay            edits and steps; no identity, no traces
 *     sparsify  virt-sparsify, qemu-img convert       → layer: the small, flat image
 *     verify    qemu-system, ssh                      → document: two clones of the image, booted and checked
 *     describe  guestfish                             → document: inventory, bill of materials, statements; signed
 *     upload    the recipe's targets                  the image where it is used
 */
export const stages: readonly Stage[] = [disk, install, customize, sysprep, sparsify, verify, describe, upload];
