import { namesIn } from '../../answers/templates.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import { reportUnusedFetching, type SayUnused, unusedSayer } from '../linux/unused.ts';
import { kickstartOf } from './kickstarts.ts';
import type { RhelRecipe } from './recipe.ts';
import { managesPackages } from './views.ts';

/** Reports every key that the recipe has and nothing would come of. The paths of the recipe are absolute. */
export function reportUnused(recipe: RhelRecipe, files: Pick<RecipeFiles, 'given' | 'report'>): void {
  const say = unusedSayer(files);
  if (recipe.source.image !== undefined) {
    for (const path of installerKeys) say(path, 'a ready image is not installed');
  } else {
    unusedByKickstart(recipe, files, say);
  }
  const isFetching = managesPackages(recipe);
  reportUnusedFetching(recipe, isFetching, say);
  if (!isFetching) say(['distributionRepositories'], 'nothing is updated or installed');
}

/** What is for the installer alone. */
const installerKeys = [
  ...[['language'], ['keyboard'], ['timezone'], ['machine', 'memory'], ['machine', 'vcpus']],
  ...['kickstart', 'timeout', 'stallTimeout', 'variables', 'kernelArguments'].map((key) => ['install', key]),
];

/** A kickstart of the user's own may do without what a recipe sets; those that vmkiln ships use no variables. */
function unusedByKickstart(recipe: RhelRecipe, { given }: Pick<RecipeFiles, 'given'>, say: SayUnused): void {
  const set = ['language', 'keyboard', 'timezone'].filter((key) => given([key]));
  if (set.length === 0 && Object.keys(recipe.install.variables).length === 0) return;
  const file = kickstartOf(recipe);
  const names = namesIn(file);
  if (!names) return;
  for (const key of set) {
    if (!names.has(key)) say([key], `the kickstart ${file} has no {{${key}}}`);
  }
  if (names.has('variables')) return;
  for (const name of Object.keys(recipe.install.variables)) {
    if (!names.has(`variables.${name}`)) {
      say(['install', 'variables', name], `the kickstart ${file} has no {{variables.${name}}}`);
    }
  }
}
