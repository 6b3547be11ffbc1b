import { VmkilnError } from '../errors.ts';
import { fileOf, findingText, type Finding } from '../families/family.ts';
import { familyOf, loadRecipe } from '../families/index.ts';
import type { LoadOptions } from '../recipe/load.ts';

/** A recipe, what is wrong with it, and what is doubtful: one line each. `hint` says what would help. */
export type Validation = { path: string; problems: readonly string[]; warnings: readonly string[]; hint?: string };

/** Checks recipes and the templates they use, as far as that goes without media, secrets or a hypervisor. */
export async function validate(
  paths: readonly string[],
  variables: Readonly<Record<string, string>>,
  context: LoadOptions,
): Promise<Validation[]> {
  return Promise.all(paths.map(async (path) => ({ path, ...(await problemsOf(path, variables, context)) })));
}

async function problemsOf(
  path: string,
  variables: Readonly<Record<string, string>>,
  options: LoadOptions,
): Promise<Omit<Validation, 'path'>> {
  try {
    const { recipe } = await loadRecipe(path, variables, options);
    const family = familyOf(recipe);
    const rendered = family.render(recipe);
    const findings = family.lint?.(recipe, rendered) ?? [];
    family.customize(recipe, fileOf(new Map()));
    return {
      problems: textOf(path, findings, 'error'),
      warnings: textOf(path, findings, 'warning'),
    };
  } catch (error) {
    if (!(error instanceof VmkilnError)) throw error;
    const { message, hint } = error;
    return { problems: message.split('\n'), warnings: [], ...(hint !== undefined && { hint }) };
  }
}

function textOf(path: string, findings: readonly Finding[], level: Finding['level']): string[] {
  return findings.filter((finding) => finding.level === level).map((finding) => `${path}: ${findingText(finding)}`);
}
