import { resolve } from 'node:path';
import type { Event } from '../model.ts';
import { planRecipe } from '../pipeline/build-recipe.ts';
import { savePlan } from '../pipeline/kept-plan.ts';
import { labelled } from '../ui/error-text.ts';
import { paintFor } from '../ui/format.ts';
import { planWithArgv, showPlan } from '../ui/plan-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { requestOf, type RecipeOptions } from './build.ts';
import { harmless, jsonText, shellQuote } from '../text.ts';

/** `vmkiln plan`: what a build would do, as text or as one JSON value on standard output. Changes nothing. */
export async function plan(
  recipe: string,
  options: RecipeOptions & { full?: boolean; json?: boolean; save?: string; offline?: boolean },
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
    : showPlan(found.plan, found.targets, {
        full: options.full ?? false,
        next: nextCommand(recipe, options),
        paint: paintFor(process.stdout, world.env),
      });
  process.stdout.write(`${text}\n`);
}

/** The command that does what this plan says. */
function nextCommand(recipe: string, options: RecipeOptions & { save?: string }): string {
  const { set, vars, out, cache, from, until, connect, save } = options;
  if (save !== undefined) return ['vmkiln', 'build', '--plan', save].map(shellQuote).join(' ');
  const given = Object.entries({ vars, out, from, until, connect });
  const words = [
    ...['vmkiln', 'build', recipe],
    ...set.flatMap((variable) => ['--set', variable]),
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...(cache ? [] : ['--no-cache']),
  ];
  return words.map(shellQuote).join(' ');
}
