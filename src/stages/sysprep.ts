import { guestfsProgress, virtSysprep } from '../tools/guestfs.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { runWithProgress, type Stage } from './stage.ts';

/** Takes the machine's identity and the traces of the build out of the guest. */
export const sysprep: Stage = {
  name: 'sysprep',
  plan: ({ recipe, family, host }) => {
    const { args, keys } = family.sysprep(recipe);
    const disk = { work: 'sysprep.qcow2' };
    return { commands: [createOverlay(disk, { layer: 'customize' }), virtSysprep(disk, args, host)], keys };
  },
  run: (commands, _input, context) => runWithProgress('sysprep', commands, context, guestfsProgress),
};
