import { fileOf } from '../families/family.ts';
import { guestfsProgress, virtSparsify } from '../tools/guestfs.ts';
import { convertProgress, createOverlay, flattenDisk } from '../tools/qemu-img.ts';
import { lastLayer, runWithProgress, type Stage } from './stage.ts';
import { applianceTakes } from './weight.ts';

/**
 * Frees the blocks the guest no longer uses, then writes the small, flat image without a backing file. Where sysprep has
 * trimmed the guest in its own launch, another launch would free nothing.
 */
export const sparsify: Stage = {
  name: 'sparsify',
  leaves: { file: 'image', image: true },
  hook: { name: 'beforeVerify', after: 'result' },
  plan: ({ recipe, family, host, rendered, files }) => {
    const disk = { work: 'sysprep.qcow2' };
    // Where there is no sysprep stage, its overlay is still to make.
    const below = lastLayer(family.customize(recipe, fileOf(files)));
    const overlay = 'omitted' in family.sysprep(recipe, fileOf(files)) ? [createOverlay(disk, below)] : [];
    return {
      commands: [
        ...overlay,
        ...(family.trims(rendered) ? [] : [virtSparsify(disk, host)]),
        flattenDisk(disk, { work: 'image' }, recipe.output, host),
      ],
      keys: ['output'],
      takes: applianceTakes(host),
    };
  },
  run: ({ commands }, context) =>
    runWithProgress('sparsify', commands, context, (line) => convertProgress(line) ?? guestfsProgress(line)),
};
