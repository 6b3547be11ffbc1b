import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { makeFolders } from '../store/paths.ts';

/**
 * Writes the answer files and guest scripts of a recipe into a folder, and returns their paths.
 * Where a secret belongs they show its name, never its value.
 * @throws VmkilnError TEMPLATE_INVALID; USAGE if the folder cannot be written
 */
export async function render(recipe: Recipe, folder: string): Promise<string[]> {
  const files = familyOf(recipe).render(recipe);
  try {
    await makeFolders(folder);
    return await Promise.all(
      files.map(async ({ name, text }) => {
        await writeFile(join(folder, name), text);
        return join(folder, name);
      }),
    );
  } catch (cause) {
    throw new VmkilnError('USAGE', `the rendered files cannot be written: ${messageOf(cause)}`, {
      hint: 'choose another --out',
      cause,
    });
  }
}
