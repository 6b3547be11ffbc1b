import { loadRecipe } from '../families/index.ts';
import { readVariables } from '../recipe/variables.ts';
import { paintFor } from '../ui/format.ts';
import { render } from './render.ts';
import type { CommandContext } from '../ui/ui.ts';
import { validate } from '../pipeline/validate.ts';
import { labelled } from '../ui/error-text.ts';
import { harmless, jsonText } from '../text.ts';

type VariableOptions = { set: string[]; vars?: string; json?: boolean };

/** `vmkiln render`: writes the answer files and lists them. */
export async function showRender(
  path: string,
  options: VariableOptions & { out: string },
  { world: { stdin } }: CommandContext,
): Promise<void> {
  const { values, shared } = await readVariables(options);
  const { recipe } = await loadRecipe(path, values, { stdin, shared });
  const files = await render(recipe, options.out);
  process.stdout.write(files.map((file) => `${harmless(file)}\n`).join(''));
}

/** `vmkiln validate`: one line per valid recipe, one per problem, or one JSON array. Returns 2 when there is any problem. */
export async function showValidate(
  paths: readonly string[],
  options: VariableOptions,
  { world }: CommandContext,
): Promise<number> {
  const { values, shared } = await readVariables(options);
  const { cwd, stdin } = world;
  const results = await validate(paths, values, { cwd, stdin, shared });
  const status = results.some(({ problems }) => problems.length > 0) ? 2 : 0;
  if (options.json) {
    const told = results.map(({ path, ...rest }) => ({ path, valid: rest.problems.length === 0, ...rest }));
    process.stdout.write(`${jsonText(told)}\n`);
    return status;
  }
  for (const { path, problems, warnings, hint } of results) {
    for (const warning of warnings) process.stderr.write(`warning: ${harmless(warning)}\n`);
    if (problems.length === 0)
      process.stdout.write(`${harmless(path)}: ${paintFor(process.stdout, world.env)('good', 'valid')}\n`);
    for (const problem of problems) process.stderr.write(`${harmless(problem)}\n`);
    if (hint !== undefined) process.stderr.write(`${labelled('next', harmless(hint))}\n`);
  }
  return status;
}

/** `vmkiln schema`: prints the JSON Schema of recipes, or that of factories. */
export async function showSchema({ factory = false }: { factory?: boolean }): Promise<void> {
  const { factorySchema, schema } = await import('./schema.ts');
  const found = factory ? factorySchema((await import('../factory/form.ts')).factoryForm) : schema();
  process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
}
