import { readFile } from 'node:fs/promises';
import { judgeStatements } from '../describe/check.ts';
import { type Documents, suffixes } from '../describe/names.ts';
import { sha256Of } from '../describe/statements.ts';
import type { Layer } from '../store/checkpoints.ts';
import type { ImageDocument, ImageToPublish } from '../targets/target.ts';

/** What the stage describe keeps about an image: its texts in one file. */
export type Kept = { version: 1; documents: Documents };

/** The texts that were kept about an image. */
export async function readDocuments({ path }: Pick<Layer, 'path'>): Promise<Documents> {
  return (JSON.parse(await readFile(path, 'utf8')) as Kept).documents;
}

/** What targets take of it: the texts, what the image was made from, and its SHA-512. */
export function toPublish(
  documents: Documents,
  sha256: string,
): Pick<ImageToPublish, 'documents' | 'media' | 'sha512'> {
  const found = judgeStatements(documents.statements, sha256, undefined, undefined);
  return { documents: documentsOf(documents), ...(found.ok && { media: found.media, sha512: found.sha512 }) };
}

function documentsOf(documents: Documents): ImageDocument[] {
  return (['inventory', 'sbom', 'statements'] as const).map((kind) => {
    return { kind, suffix: suffixes[kind], text: documents[kind], sha256: sha256Of(documents[kind]) };
  });
}
