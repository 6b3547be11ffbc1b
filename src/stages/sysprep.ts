import { guestfsProgress, virtSysprep } from '../tools/guestfs.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { runWithProgress, type Stage } from './stage.ts';

/** Takes the machine's identity and the traces of the build out of the guest. */
export const sysprep: Stage = {
  name: 'sysprep',
  plan: ({ recipe, family, host }) => {
    const work = family.sysprep(recipe);
    if ('omitted' in work) return { commands: [], keys: [], omitted: work.omitted };
    const { args, keys } = work;
    const edits = family.editsOnly(recipe) ? family.customize(recipe) : { args: [], keys: [] };
    const disk = { work: 'sysprep.qcow2' };
    const below = { layer: family.editsOnly(recipe) ? ('install' as const) : ('customize' as const) };
    return {
      // What ends the guest's preparation stays last; virt-sysprep's own operations run before all of these.
      commands: [createOverlay(disk, below), virtSysprep(disk, [...edits.args, ...args], host)],
      keys: [...edits.keys, ...keys],
    };
  },
  run: (commands, _input, context) => runWithProgress('sysprep', commands, context, guestfsProgress),
};
