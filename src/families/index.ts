import { z } from 'zod';
import { type RecipeFiles, resolveShared } from '../recipe/files.ts';
import { type LoadedRecipe, type LoadOptions, loadWith } from '../recipe/load.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { resolveUpload } from '../targets/recipe.ts';
import { debian } from './debian/debian.ts';
import type { Family } from './family.ts';
import { rhel } from './rhel/rhel.ts';
import { windows } from './windows/windows.ts';

/** The families of operating systems, by the name that recipes give: the one place that names them. */
const families: Readonly<Record<string, Family>> = { rhel, debian, windows };

/** The shipped recipe that a first recipe starts from when none is named. */
export const usualRecipe = 'rhel9';

/** The family of operating systems that a recipe belongs to. */
export function familyOf({ family: name }: Pick<Recipe, 'family'>): Family {
  const family = families[name];
  if (family === undefined) throw new Error(`there is no family ${name}`);
  return family;
}

/** The programs that only some families need, for `vmkiln doctor`. */
export const familyTools = Object.values(families).flatMap(({ tools }) => tools ?? []);

/** What is known to fail in installations of any family: a log does not always say whose it is. */
export const familyFailures = Object.values(families).flatMap(({ failures }) => failures ?? []);

const forms = Object.values(families).map(({ form }) => form);

/**
 * The one definition of a recipe: a form per family, told apart by `family`, its keys in the order the reference shows them.
 * Sizes come out in bytes, durations in seconds.
 */
export const recipeSchema = z.discriminatedUnion('family', forms as [(typeof forms)[number]]);

/** Reads a recipe of any family. @throws VmkilnError as `loadWith` does */
export function loadRecipe(
  path: string,
  variables: Readonly<Record<string, string>>,
  options: LoadOptions = {},
): Promise<LoadedRecipe> {
  return loadWith({ schema: recipeSchema, resolve }, path, variables, options);
}

/** Whoever knows a key resolves its paths: all recipes, the targets, or the family. */
function resolve(recipe: Recipe, files: RecipeFiles): Recipe {
  const family = familyOf(recipe);
  const upload = resolveUpload(recipe.upload, files.folder, files.report);
  return family.resolve({ ...recipe, ...resolveShared(recipe, family.media, files), upload }, files);
}
