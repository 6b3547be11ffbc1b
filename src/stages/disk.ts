import { mediumPiece } from '../families/family.ts';
import { readyImage } from '../recipe/media.ts';
import { growLastPartition } from '../tools/guestfs.ts';
import { createDisk, createOverlay } from '../tools/qemu-img.ts';
import type { Stage } from './stage.ts';

/** Bytes of an empty disk, when the recipe does not say. */
const defaultSize = 8 * 1024 ** 3;

/** Bytes: partitions end at a boundary of 1 MiB, and none must become smaller. */
const leastGrowth = 2 * 1024 ** 2;

/** The empty disk that the installer fills, or an overlay on a ready image, grown when the recipe wants a larger disk. */
export const disk: Stage = {
  name: 'disk',
  plan: ({ recipe, host, media }) => {
    const path = { work: 'install.qcow2' };
    const { size } = recipe.disk;
    const source = media[readyImage];
    if (!source) return { commands: [createDisk(path, size ?? defaultSize)], keys: ['disk'] };
    const ready = source.image;
    const larger = ready && size !== undefined && size > ready.virtualSize ? size : undefined;
    const root = ready && larger && larger - ready.virtualSize >= leastGrowth ? ready.root : undefined;
    const grow = root && larger ? [growLastPartition(path, root, Math.floor(larger / 512), host)] : [];
    return {
      commands: [createOverlay(path, mediumPiece(media, readyImage), larger), ...grow],
      keys: ['source', 'disk'],
      base: source.path,
    };
  },
};
