import { resolve } from 'node:path';
import type { Event } from '../model.ts';
import { planRecipe } from '../pipeline/build-recipe.ts';
import { savePlan } from '../pipeline/kept-plan.ts';
import { labelled } from '../ui/error-text.ts';
import { paintFor } from '../ui/format.ts';
import { planWithArgv, showPlan } from '../ui/plan-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { requestOf, type RecipeOptions } from './build.ts';
import { harmless, jsonText } from '../text.ts';

/** `vmkiln plan`: what a build would do, as text or as one JSON value on standard output. Changes nothing. */
export async function plan(
  recipe: string,
  options: RecipeOptions & { json?: boolean; save?: string; offline?: boolean },
  { signal, world }: CommandContext,
): Promise<void> {
  const emit = (event: Event) => {
    if (event.type !== 'warning') return;
    const next = event.hint === undefined ? '' : `${labelled('next', harmless(event.hint))}\n`;
    process.stderr.write(`vmkiln: warning: ${harmless(event.message)}\n${next}`);
  };
  const offline = options.offline ?? false;
  const found = await planRecipe(requestOf(recipe, options), { signal, world, emit }, { offline });
  if (options.save !== undefined) await savePlan(found.plan, resolve(world.cwd, options.save));
  const text = options.json
    ? jsonText(planWithArgv(found.plan, found.targets))
    : showPlan(found.plan, found.targets, paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
}
