import type { Recipe } from '../recipe/schema.ts';
import type { Family } from './family.ts';
import { rhel } from './rhel.ts';

const families: Record<Recipe['family'], Family> = { rhel };

/** The family of operating systems that a recipe belongs to. */
export function familyOf(recipe: Recipe): Family {
  return families[recipe.family];
}
