import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { practiceHint } from '../host/checks/tools.ts';
import type { World } from '../model.ts';

type Making = { what: string; workDir: string; world: World; signal: AbortSignal };

/**
 * A folder in the cache that is made once. `make` fills a folder in `workDir`, on the same filesystem, and what it holds
 * then appears under `path` by rename: what is half made is never found there. `what` is it called in messages.
 *
 * @throws VmkilnError COMMAND_FAILED when it cannot be made.
 */
export async function makeOnce(
  path: string,
  { what, workDir, world, signal }: Making,
  make: (folder: string) => Promise<void>,
): Promise<void> {
  if (existsSync(path)) return;
  await mkdir(dirname(path), { recursive: true });
  const made = await mkdtemp(join(workDir, 'practice-'));
  try {
    await mkdir(join(made, 'media'));
    await make(join(made, 'media'));
    signal.throwIfAborted();
    await rename(join(made, 'media'), path);
  } catch (cause) {
    if (signal.aborted) throw cause;
    const hint = await practiceHint(world);
    throw new VmkilnError('COMMAND_FAILED', `${what} could not be made`, { hint, cause });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}
