import { readFile } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Inventory } from './inventory.ts';

/**
 * An inventory as `vmkiln describe --format json` prints it, and as it lies beside an image.
 *
 * @throws VmkilnError USAGE when the file is none, or one of a newer version.
 */
export async function loadInventory(path: string): Promise<Inventory> {
  const refuse = (why: string, cause?: unknown) => {
    const hint = '`vmkiln describe IMAGE --format json` writes one';
    return new VmkilnError('USAGE', `${path} is no inventory of an image: ${why}`, { hint, cause });
  };
  let value: Partial<Inventory>;
  try {
    value = JSON.parse(await readFile(path, 'utf8')) as Partial<Inventory>;
  } catch (cause) {
    throw refuse(messageOf(cause), cause);
  }
  const { version, image, packages, services, users, boot, filesystems, files, system } = value ?? {};
  if (version !== 1) throw refuse(`its version is ${JSON.stringify(version)}, not 1`);
  const isWhole = [packages, services, users, filesystems, boot?.entries].every((list) => Array.isArray(list));
  if (!isWhole || !image || !system || !files) throw refuse('a part of it is missing');
  return value as Inventory;
}
