import { readFile } from 'node:fs/promises';
import { type Documents, suffixes } from '../describe/names.ts';
import { sha256Of } from '../describe/statements.ts';
import type { Layer } from '../store/checkpoints.ts';
import type { ImageDocument } from '../targets/target.ts';

/** What the stage describe keeps about an image: its texts in one file. */
export type Kept = { version: 1; documents: Documents };

/** The texts that were kept about an image. */
export async function readDocuments({ path }: Pick<Layer, 'path'>): Promise<Documents> {
  return (JSON.parse(await readFile(path, 'utf8')) as Kept).documents;
}

/** The same as targets take them. */
export function toPublish(documents: Documents): ImageDocument[] {
  return (['inventory', 'sbom', 'statements'] as const).map((kind) => {
    return { kind, suffix: suffixes[kind], text: documents[kind], sha256: sha256Of(documents[kind]) };
  });
}
