import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { World } from '../model.ts';
import { occupied, plannedTargets } from '../targets/index.ts';
import { type BuildRequest, readRecipe } from './request.ts';
import { stages } from './stages.ts';

/**
 * Makes sure that the recipes of one command line do not replace each other's images: builds that run at the same time
 * have no order in which one of them could be meant to win. What cannot be read is left to its own build to refuse.
 *
 * @throws VmkilnError USAGE naming both recipes.
 */
export async function checkDistinct(requests: readonly BuildRequest[], world: World): Promise<void> {
  if (requests.length < 2) return;
  const recipes = new Map<string, string>();
  const images = new Map<string, string>();
  for (const request of requests) {
    const path = await realpath(resolve(world.cwd, request.recipe)).catch(() => resolve(world.cwd, request.recipe));
    // A recipe with other variables is another one.
    const recipe = JSON.stringify([path, request.set, request.vars]);
    if (recipes.has(recipe)) {
      throw new VmkilnError('USAGE', `${request.recipe} is given twice`, {
        hint: 'name each recipe once; a build uses what another one of the same recipe made',
      });
    }
    recipes.set(recipe, request.recipe);
    for (const image of await imagesOf(request, world)) {
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

/** What the publications of a build will take the place of, as far as its recipe can be read. */
async function imagesOf(request: BuildRequest, world: World): Promise<string[]> {
  const wanted = await readRecipe(request, world).catch(() => undefined);
  if (wanted === undefined || !publishes(request.until)) return [];
  const { recipe, name } = wanted;
  return occupied(plannedTargets(recipe.upload), { name, format: recipe.output.format }, world.cwd);
}

/** Whether a build that ends with this stage comes to one that publishes. */
function publishes(until: string | undefined): boolean {
  const end = until === undefined ? stages.length : stages.findIndex(({ name }) => name === until) + 1;
  return stages.slice(0, end).some((stage) => stage.publishes !== undefined);
}
