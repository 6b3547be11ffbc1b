import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { collectContents, type Contents, readCollected } from '../describe/collect.ts';
import { rpmFormat } from '../describe/packages.ts';
import type { ExecResult } from '../tools/exec.ts';
import type { Question } from '../tools/guestfs.ts';
import { guestInventory } from '../tools/inventory.ts';
import { coverImage, imageOptions } from '../tools/qemu-img.ts';
import type { StageContext } from './stage.ts';

/** What one stage has read for a later one, in the work folder. */
const file = 'contents.json';

/**
 * Asks an overlay of the finished image by commands of guestfish(1), and reads in the same launch what `readContents` returns
 * later. What cannot be read is left to that, which can say why.
 */
export async function askAndRead(
  overlay: string,
  questions: readonly Question[],
  context: StageContext,
): Promise<ExecResult> {
  return withFolder(context, async (folder) => {
    const call = guestInventory(overlay, folder, rpmFormat, context.host, questions);
    const answers = await context.control({ ...call, accept: [1] });
    const contents = await readCollected(folder).catch(() => undefined);
    if (contents) await writeFile(context.work(file), JSON.stringify(contents), { mode: 0o600 });
    return answers;
  });
}

/** What is in the finished image: what was read already in this build, or else by a launch of its own. */
export async function readContents(path: string, format: string, context: StageContext): Promise<Contents> {
  const kept = await readFile(context.work(file), 'utf8').catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept) as Contents;
  const overlay = context.work('described.qcow2');
  try {
    return await withFolder(context, (folder) =>
      collectContents(
        async (call) => {
          await context.control(coverImage(imageOptions(path, format, { backing: false }), format, overlay));
          return context.control(call(overlay));
        },
        folder,
        context.host,
      ),
    );
  } finally {
    await rm(overlay, { force: true });
  }
}

/** What is copied out includes the accounts of the guest: it goes at once. */
async function withFolder<T>(context: StageContext, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = context.work('contents');
  await mkdir(folder, { mode: 0o700 });
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
