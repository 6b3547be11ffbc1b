import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import type { SecretRef } from '../model.ts';
import { isZxScript } from './hooks.ts';

/** Receives what is wrong with a value, and where in the recipe it stands. */
export type Report = (path: readonly PropertyKey[], message: string) => void;

/** The absolute path of a file that must be there; a relative one belongs to `folder`. */
export function findFile(path: string, folder: string, where: readonly PropertyKey[], report: Report): string {
  const found = resolve(folder, path);
  const problem = fileProblem(found);
  if (problem !== undefined) report(where, problem);
  return found;
}

/** The absolute path of a program or script of the user's that must be there and can be run. */
export function findScript(path: string, folder: string, where: readonly PropertyKey[], report: Report): string {
  const found = resolve(folder, path);
  const problem = scriptProblem(found);
  if (problem !== undefined) report(where, problem);
  return found;
}

/** Why a program or script cannot be run, if so. */
export function scriptProblem(path: string): string | undefined {
  const problem = fileProblem(path);
  if (problem !== undefined) return problem;
  const isScript = isZxScript(path);
  try {
    accessSync(path, isScript ? constants.R_OK : constants.X_OK);
    return undefined;
  } catch {
    if (isScript) return `${path} cannot be read`;
    return `${path} is not executable: make it so with chmod +x, or give it a name that ends in .mjs if it is a zx script`;
  }
}

/** The file of a secret is looked for when the secret is needed. */
export function resolveSecret(secret: SecretRef, folder: string): SecretRef {
  return 'file' in secret ? { file: resolve(folder, secret.file) } : secret;
}

export function isFile(path: string): boolean {
  return fileProblem(path) === undefined;
}

/** Why a path is none of a file, if so. */
export function fileProblem(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile()) return undefined;
    if (!found) return `there is no file ${path}`;
    return found.isDirectory() ? `${path} is a folder: expected a file` : `${path} is no regular file`;
  } catch (cause) {
    // Links that lead to each other, a folder that may not be entered, a name that is too long.
    return `${path} cannot be read: ${messageOf(cause)}`;
  }
}
