import { readFile, stat } from 'node:fs/promises';
import { VmkilnError } from '../errors.ts';
import { type Documents, suffixes } from './names.ts';

/** In bytes: what vmkiln writes beside an image is a hundredth of it. */
const largest = 256 * 1024 ** 2;

/**
 * The files that lie beside an image; one that is not there is left out.
 *
 * @throws VmkilnError USAGE when one cannot be read, PROVENANCE_INVALID when it is larger than any that vmkiln writes.
 */
export async function readBeside(image: string): Promise<Partial<Documents>> {
  const found: Partial<Documents> = {};
  for (const [kind, suffix] of Object.entries(suffixes) as [keyof Documents, string][]) {
    const path = `${image}${suffix}`;
    try {
      if ((await stat(path)).size > largest) throw tooLarge(path);
      found[kind] = await readFile(path, 'utf8');
    } catch (cause) {
      if (cause instanceof VmkilnError) throw cause;
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new VmkilnError('USAGE', `${path} cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
  return found;
}

function tooLarge(path: string): VmkilnError {
  return new VmkilnError('PROVENANCE_INVALID', `file-changed: ${path} is larger than any that vmkiln writes`, {
    hint: 'fetch the image and what lies beside it again',
  });
}
