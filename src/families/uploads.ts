import type { RecipeFiles } from '../recipe/files.ts';
import { findFile } from '../recipe/paths.ts';

/** The absolute path of a file of the user's that goes into the guest. virt-customize separates paths with colons. */
export function findUpload(path: string, where: readonly PropertyKey[], { folder, report }: RecipeFiles): string {
  const found = findFile(path, folder, where, report);
  if (found.includes(':')) report(where, `virt-customize cannot upload a file with a colon in its path: ${found}`);
  return found;
}
