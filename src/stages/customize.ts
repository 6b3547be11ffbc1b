import { fileOf } from '../families/family.ts';
import { guestfsProgress, virtCustomize } from '../tools/guestfs.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { runWithProgress, type Stage } from './stage.ts';
import { applianceTakes } from './weight.ts';

/** What takes long and needs the network: registration to unregistration, updates, packages, in one launch. */
export const customize: Stage = {
  name: 'customize',
  leaves: { file: 'customize.qcow2' },
  plan: ({ recipe, family, host, files }) => {
    const work = family.customize(recipe, fileOf(files));
    if ('omitted' in work) return { commands: [], keys: [], omitted: work.omitted };
    const disk = { work: 'customize.qcow2' };
    return {
      commands: [createOverlay(disk, { layer: 'install' }), virtCustomize(disk, work.args, host)],
      keys: work.keys,
      maxAge: family.maxAge(recipe),
      takes: applianceTakes(host),
    };
  },
  run: ({ commands }, context) => runWithProgress('customize', commands, context, guestfsProgress),
};
