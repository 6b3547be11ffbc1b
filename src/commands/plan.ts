import { resolve } from 'node:path';
import { planRecipe } from '../pipeline/build-recipe.ts';
import { savePlan } from '../pipeline/kept-plan.ts';
import { labelled } from '../ui/error-text.ts';
import { paintFor } from '../ui/format.ts';
import { planWithArgv, showPlan } from '../ui/plan-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { requestOf, type RecipeOptions } from './build.ts';

/** `vmkiln plan`: what a build would do, as text or as one JSON value on standard output. Changes nothing. */
export async function plan(
  recipe: string,
  options: RecipeOptions & { json?: boolean; save?: string },
  { signal, world }: CommandContext,
): Promise<void> {
  const found = await planRecipe(requestOf(recipe, options), {
    signal,
    world,
    emit: (event) => {
      if (event.type !== 'warning') return;
      const next = event.hint === undefined ? '' : `${labelled('next', event.hint)}\n`;
      process.stderr.write(`vmkiln: warning: ${event.message}\n${next}`);
    },
  });
  if (options.save !== undefined) await savePlan(found, resolve(world.cwd, options.save));
  const text = options.json
    ? JSON.stringify(planWithArgv(found), null, 2)
    : showPlan(found, paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
}
