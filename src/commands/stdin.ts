import { randomUUID } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { interrupted, isFull, messageOf, VmkilnError } from '../errors.ts';
import { type Progress, transferReporter } from '../media/progress.ts';
import type { World } from '../model.ts';
import { largestRecipe } from '../recipe/load.ts';
import { diskFull } from '../store/files.ts';

/** Whether standard input is a file or a pipe (a socket, if Node.js has made it), and so may hold an image. */
export function isDataOnStdin(): boolean {
  try {
    const stats = fstatSync(0);
    return stats.isFile() || stats.isFIFO() || stats.isSocket();
  } catch {
    // It is closed.
    return false;
  }
}

/**
 * Writes standard input to a file in TMPDIR, and gives its path to `use`: it is looked at and sent like any other file,
 * and removed afterwards, whatever happens.
 *
 * @throws VmkilnError DISK_FULL, USAGE when it cannot be read or written, INTERRUPTED.
 */
export async function withStdin<T>(
  input: Readable,
  { signal, world, progress }: { signal: AbortSignal; world: World; progress: Progress },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = world.env['TMPDIR'] || tmpdir();
  const path = join(folder, `vmkiln-stdin-${randomUUID()}`);
  try {
    await spool(input, path, { signal, report: transferReporter('reading standard input', undefined, 0, progress) });
  } catch (error) {
    await rm(path, { force: true });
    if (signal.aborted) throw interrupted('reading standard input', signal);
    if (isFull(error)) throw diskFull(folder, error);
    throw new VmkilnError('USAGE', `standard input cannot be kept in ${folder}: ${messageOf(error)}`, {
      hint: 'set TMPDIR to a folder that is there and has room for the image',
      cause: error,
    });
  }
  try {
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Reads a recipe from standard input.
 *
 * @throws VmkilnError USAGE when it is no text of at most 1 MiB, INTERRUPTED.
 */
export async function recipeOnStdin(input: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of addAbortSignal(signal, input)) {
      chunks.push(chunk as Buffer);
      if ((size += (chunk as Buffer).length) > largestRecipe)
        throw new Error('it is larger than 1 MiB, which no recipe is');
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    if (signal.aborted) throw interrupted('reading standard input', signal);
    const what = cause instanceof TypeError ? 'it is not UTF-8 text' : messageOf(cause);
    throw new VmkilnError('USAGE', `standard input cannot be read as a recipe: ${what}`, { cause });
  }
}

async function spool(
  input: Readable,
  path: string,
  { signal, report }: { signal: AbortSignal; report: (done: number) => void },
): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    let done = 0;
    for await (const chunk of addAbortSignal(signal, input)) {
      await file.writeFile(chunk as Buffer);
      done += (chunk as Buffer).length;
      report(done);
    }
  } finally {
    await file.close();
  }
}
