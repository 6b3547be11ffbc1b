import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { convertDisk } from '../../tools/qemu-img.ts';
import { VmkilnError } from '../../errors.ts';
import type { ImageToPublish, TargetContext } from '../target.ts';

/** The Image service's names of formats, as qemu-img spells them with the options that clouds expect. */
const spellings: Readonly<Record<string, { format: string; options?: string }>> = {
  qcow2: { format: 'qcow2' },
  raw: { format: 'raw' },
  vmdk: { format: 'vmdk', options: 'subformat=streamOptimized' },
  vdi: { format: 'vdi' },
  vhd: { format: 'vpc', options: 'subformat=dynamic' },
  vhdx: { format: 'vhdx' },
};

/**
 * Converts an image on this host to the format that a cloud is to have, into a temporary file whose path it returns. A
 * failure or an abort leaves none.
 *
 * @throws VmkilnError TARGET_FAILED for a format that cannot be made; errors of qemu-img.
 */
export async function convertForCloud(image: ImageToPublish, format: string, context: TargetContext): Promise<string> {
  const spelling = spellings[format];
  if (spelling === undefined) {
    throw new VmkilnError('TARGET_FAILED', `an image in ${image.format} cannot be converted to ${format}`, {
      hint: `use one of ${Object.keys(spellings).join(', ')}, or leave the format out`,
    });
  }
  // The name of an image may be `a/b` or `../a`.
  const to = context.work(`vmkiln-${randomUUID()}.${format}`);
  context.progress(`converting ${image.format} to ${format}`);
  try {
    await context.exec(convertDisk(image.path, image.format, to, spelling));
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
  return to;
}
