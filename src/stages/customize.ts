import { guestfsProgress, virtCustomize } from '../tools/guestfs.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { runWithProgress, type Stage } from './stage.ts';

/** Registration to unregistration, updates, packages, the built-in edits and the user's steps: one appliance launch. */
export const customize: Stage = {
  name: 'customize',
  leaves: 'customize.qcow2',
  plan: ({ recipe, family, host }) => {
    if (family.editsOnly(recipe)) {
      return { commands: [], keys: [], omitted: 'nothing but the built-in edits: virt-sysprep makes them too' };
    }
    const { args, keys } = family.customize(recipe);
    const disk = { work: 'customize.qcow2' };
    return {
      commands: [createOverlay(disk, { layer: 'install' }), virtCustomize(disk, args, host)],
      keys,
      maxAge: family.maxAge(recipe),
    };
  },
  run: (commands, _input, context) => runWithProgress('customize', commands, context, guestfsProgress),
};
