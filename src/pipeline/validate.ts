import { VmkilnError } from '../errors.ts';
import { fileOf, findingText, type Finding } from '../families/family.ts';
import { familyOf, loadRecipe } from '../families/index.ts';
import { validateAnswers } from '../tools/ksvalidator.ts';

/** A recipe, what is wrong with it, and what is doubtful: one line each. `hint` says what would help. */
export type Validation = { path: string; problems: readonly string[]; warnings: readonly string[]; hint?: string };

/** Checks recipes and the templates they use, as far as that goes without media, secrets or a hypervisor. */
export async function validate(
  paths: readonly string[],
  variables: Readonly<Record<string, string>>,
  context: { signal: AbortSignal; cwd: string },
): Promise<Validation[]> {
  return Promise.all(paths.map(async (path) => ({ path, ...(await problemsOf(path, variables, context)) })));
}

async function problemsOf(
  path: string,
  variables: Readonly<Record<string, string>>,
  { signal, cwd }: { signal: AbortSignal; cwd: string },
): Promise<Omit<Validation, 'path'>> {
  try {
    const { recipe } = await loadRecipe(path, variables, { cwd });
    const family = familyOf(recipe);
    const rendered = family.render(recipe);
    const findings = family.lint?.(recipe, rendered) ?? [];
    family.customize(recipe, fileOf(new Map()));
    const own = family.validator?.(recipe);
    const text = rendered.find(({ name }) => name === own?.file)?.text;
    const more = own && text !== undefined ? await validateAnswers({ ...own, text }, signal) : [];
    return {
      problems: [...textOf(path, findings, 'error'), ...more.map((line) => `${path}: ${line}`)],
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
