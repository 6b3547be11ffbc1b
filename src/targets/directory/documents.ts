import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../../store/files.ts';
import type { ImageDocument } from '../target.ts';
import { type IndexEntry, readIndex } from './index-file.ts';

/**
 * Puts what is said of an image beside it, and takes away what was said of the one that lay there. What is there already stays as it
 * is. Gives what the index says of it.
 */
export async function layDocuments(
  folder: string,
  image: string,
  documents: readonly ImageDocument[] | undefined,
): Promise<IndexEntry['documents']> {
  const laid = (documents ?? []).map(
    ({ kind, suffix, sha256 }) => [kind, { file: `${image}${suffix}`, sha256 }] as const,
  );
  const listed = (await readIndex(folder)).find(({ file }) => file === image)?.documents ?? {};
  for (const { file } of Object.values(listed)) {
    // The index may be anybody's by now: nothing beyond what lies beside the image goes.
    const isBeside = file.startsWith(`${image}.`) && !file.includes('/');
    if (isBeside && !laid.some(([, each]) => each.file === file)) await rm(join(folder, file), { force: true });
  }
  for (const { suffix, text } of documents ?? []) {
    const path = join(folder, `${image}${suffix}`);
    const there = await readFile(path, 'utf8').catch(() => undefined);
    if (there !== text) await writeAtomic(path, text, 0o644);
  }
  return documents && Object.fromEntries(laid);
}
