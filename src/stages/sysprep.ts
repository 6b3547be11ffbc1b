import { fileOf } from '../families/family.ts';
import { guestfsProgress, virtSysprep } from '../tools/guestfs.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { lastLayer, runWithProgress, type Stage } from './stage.ts';
import { applianceTakes } from './weight.ts';

/**
 * Removes the machine's identity and the traces of the build from the guest, and in the same launch makes the edits and the
 * user's steps: a change of theirs takes one launch, and neither installs nor updates anything again.
 */
export const sysprep: Stage = {
  name: 'sysprep',
  plan: ({ recipe, family, host, files }) => {
    const work = family.sysprep(recipe, fileOf(files));
    if ('omitted' in work) return { commands: [], keys: [], omitted: work.omitted };
    const disk = { work: 'sysprep.qcow2' };
    const below = lastLayer(family.customize(recipe, fileOf(files)));
    return {
      commands: [createOverlay(disk, below), virtSysprep(disk, work.args, host)],
      keys: work.keys,
      takes: applianceTakes(host),
    };
  },
  run: ({ commands }, context) => runWithProgress('sysprep', commands, context, guestfsProgress),
};
