import type { Recipe } from './recipe.ts';
import type { Family } from './family.ts';
import { rhel } from './rhel/rhel.ts';
import { windows } from './windows/windows.ts';

/** A family sees the recipes of its own form alone: the key it is found under says which. */
const families: { [Name in Recipe['family']]: Family<Extract<Recipe, { family: Name }>> } = { rhel, windows };

/** The family of operating systems that a recipe belongs to. */
export function familyOf(recipe: Recipe): Family {
  return families[recipe.family] as Family;
}
