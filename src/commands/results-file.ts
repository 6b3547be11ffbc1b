import { writeFile } from 'node:fs/promises';
import { isFull, messageOf, VmkilnError } from '../errors.ts';

/** A place for results that cannot be written is told before anything begins; what is there stays. @throws VmkilnError USAGE, DISK_FULL */
export async function checkResultsFile(path: string): Promise<void> {
  await writeFile(path, '', { flag: 'a' }).catch(unwritable(path));
}

/** Writes results in place of what is there: a device, such as /dev/stdout, will do. @throws VmkilnError USAGE, DISK_FULL */
export async function writeResults(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch(unwritable(path));
}

function unwritable(path: string): (cause: unknown) => never {
  return (cause) => {
    const hint = 'name a file in a folder that is there and that you may write';
    const code = isFull(cause) ? 'DISK_FULL' : 'USAGE';
    throw new VmkilnError(code, `the results cannot be written to ${path}: ${messageOf(cause)}`, { hint, cause });
  };
}
