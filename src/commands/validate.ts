import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { loadRecipe } from '../recipe/load.ts';
import { labelled } from '../ui/error-text.ts';

/** A recipe and what is wrong with it: one line each, none when it is valid. */
export type Validation = { path: string; problems: readonly string[] };

/** Checks recipes and the templates they use, as far as that goes without media, secrets or a hypervisor. */
export async function validate(
  paths: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<Validation[]> {
  return Promise.all(paths.map(async (path) => ({ path, problems: await problemsOf(path, variables) })));
}

async function problemsOf(path: string, variables: Readonly<Record<string, string>>): Promise<string[]> {
  try {
    const { recipe } = await loadRecipe(path, variables);
    const family = familyOf(recipe);
    family.render(recipe);
    family.customize(recipe);
    return [];
  } catch (error) {
    if (!(error instanceof VmkilnError)) throw error;
    return [...error.message.split('\n'), ...(error.hint === undefined ? [] : [labelled('next', error.hint)])];
  }
}
