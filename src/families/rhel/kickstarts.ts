import { join } from 'node:path';
import type { RhelRecipe } from './recipe.ts';
import { rhelRelease } from './releases.ts';

/** Kickstart templates that vmkiln ships. */
export const shippedKickstarts = join(import.meta.dirname, '../../../kickstart');

/** The kickstart template of a recipe, by default the shipped one of its release. */
export function kickstartOf(recipe: RhelRecipe): string {
  return recipe.install.kickstart ?? join(shippedKickstarts, rhelRelease(recipe).kickstart);
}
