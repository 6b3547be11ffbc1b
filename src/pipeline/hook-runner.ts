import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inBuild } from '../describe/names.ts';
import { type HookContext, runHook } from '../hooks.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { EventBody, World } from '../model.ts';
import { buildVariable } from '../store/process.ts';
import { exec } from '../tools/exec.ts';
import type { RunHook } from './run.ts';

/** The build that hooks belong to. `secrets` grows while it runs, and is read for each hook anew. */
type HookedBuild = {
  id: string;
  task: { name: string; recipeFile: string; rehearsal: boolean; recipe: Pick<Recipe, 'hooks'> };
  context: { signal: AbortSignal; world: World };
  folder: string;
  work: string;
  log: { emit: (event: EventBody) => void };
  secrets: readonly string[];
};

/** Runs the hooks of a build's recipe: their output in its logs, without secrets, their warnings among its events. */
export function hookRunner(build: HookedBuild): RunHook {
  const { id, task, context, folder, work, log } = build;
  const { name, recipeFile, rehearsal, recipe } = task;
  return (hook, more) =>
    runHook(
      hook,
      recipe.hooks[hook],
      { build: id, name, recipe: recipeFile, rehearsal, folder, documents: documentsIn(folder), ...more },
      {
        exec: (options) => {
          const env = { ...context.world.env, [buildVariable]: id, ...options.env };
          return exec({ ...options, env, log: join(folder, 'logs', `hook-${hook}.log`), redact: build.secrets });
        },
        warn: (message, hint) => log.emit({ type: 'warning', message, ...(hint && { hint }) }),
        contextFile: join(work, `hook-${hook}.json`),
        signal: context.signal,
      },
    );
}

/** The documents about the image that are there, by their names. */
function documentsIn(folder: string): NonNullable<HookContext['documents']> {
  const found = Object.entries(inBuild).map(([name, file]) => [name, join(folder, file)] as const);
  return Object.fromEntries(found.filter(([, path]) => existsSync(path)));
}
