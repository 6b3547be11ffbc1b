import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { checkFiles, type OwnCheck, withFiles } from '../recipe/verify.ts';
import { digestFile } from '../store/digest.ts';

/**
 * The checks with copies of their files in `folder`, which are what the plan took them for: whoever edits one now changes neither what is run
 * nor what the verdict is named after. `planned` has their digests by their paths.
 *
 * @throws VmkilnError INPUT_CHANGED when one was changed or removed since, INTERRUPTED.
 */
export async function takePlanned(
  checks: readonly OwnCheck[],
  planned: Readonly<Record<string, string>>,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<OwnCheck[]> {
  const taken: OwnCheck[] = [];
  for (const [index, check] of checks.entries()) {
    const copies = new Map<string, string>();
    for (const [number, file] of checkFiles([check]).entries()) {
      const place = join(folder, `check-${index}-${number}`);
      await mkdir(place, { mode: 0o700 });
      // Its name is in the result.
      const copy = join(place, basename(file));
      await copyFile(file, copy).catch((cause: NodeJS.ErrnoException) => {
        throw cause.code === 'ENOENT' ? changed(file, 'removed') : cause;
      });
      if ((await digestFile(copy, signal)) !== planned[file]) throw changed(file, 'changed');
      copies.set(file, copy);
    }
    taken.push(withFiles(check, (file) => copies.get(file)));
  }
  return taken;
}

function changed(path: string, how: 'changed' | 'removed'): VmkilnError {
  return new VmkilnError('INPUT_CHANGED', `${path} was ${how} while the build ran`, {
    hint: 'run the build again: it starts from the last checkpoint',
  });
}
