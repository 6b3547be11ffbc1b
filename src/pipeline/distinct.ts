import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { type BuildRequest, imageNameOf, readRecipe } from './build.ts';

/**
 * Makes sure that the recipes of one command line do not replace each other's images: builds that run at the same time
 * have no order in which one of them could be meant to win. What cannot be read is left to its own build to refuse.
 *
 * @throws VmkilnError USAGE naming both recipes.
 */
export async function checkDistinct(requests: readonly BuildRequest[]): Promise<void> {
  if (requests.length < 2) return;
  const recipes = new Map<string, string>();
  const images = new Map<string, string>();
  for (const request of requests) {
    const path = await realpath(request.recipe).catch(() => resolve(request.recipe));
    if (recipes.has(path)) {
      throw new VmkilnError('USAGE', `${request.recipe} is given twice`, {
        hint: 'name each recipe once; a build uses what another one of the same recipe made',
      });
    }
    recipes.set(path, request.recipe);
    for (const image of await imagesOf(request)) {
      const other = images.get(image);
      if (other !== undefined) {
        throw new VmkilnError('USAGE', `${other} and ${request.recipe} would both publish ${image}`, {
          hint: 'give one of them another `name` or another folder, or build one after the other',
        });
      }
      images.set(image, request.recipe);
    }
  }
}

/** The files that a build will publish, as far as its recipe can be read. */
async function imagesOf(request: BuildRequest): Promise<string[]> {
  const recipe = await readRecipe(request).catch(() => undefined);
  const end = request.until ?? 'upload';
  if (recipe === undefined || end !== 'upload') return [];
  const folders = recipe.upload.flatMap(({ directory }) => (directory ? [resolve(directory.path)] : []));
  const file = `${imageNameOf(recipe, request)}.${recipe.output.format}`;
  return [...new Set(folders)].map((folder) => join(folder, file));
}
