import { createDisk } from '../tools/qemu-img.ts';
import type { Stage } from './stage.ts';

/** The empty disk that the installer fills. */
export const disk: Stage = {
  name: 'disk',
  plan: ({ recipe }) => ({ commands: [createDisk({ work: 'install.qcow2' }, recipe.disk.size)], keys: ['disk'] }),
};
