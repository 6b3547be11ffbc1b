import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SecretRef } from '../model.ts';

/** Receives what is wrong with a value, and where in the recipe it stands. */
export type Report = (path: readonly PropertyKey[], message: string) => void;

/** The absolute path of a file that must be there; a relative one belongs to `folder`. */
export function findFile(path: string, folder: string, where: readonly PropertyKey[], report: Report): string {
  const found = resolve(folder, path);
  if (!isFile(found)) report(where, `there is no file ${found}`);
  return found;
}

/** The file of a secret is looked for when the secret is needed. */
export function resolveSecret(secret: SecretRef, folder: string): SecretRef {
  return 'file' in secret ? { file: resolve(folder, secret.file) } : secret;
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
