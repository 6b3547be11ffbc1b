import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parse } from 'yaml';
import { VmkilnError } from '../errors.ts';
import type { Answers, First } from '../families/first.ts';
import { familyOf, usualRecipe } from '../families/index.ts';
import { firstRecipe, secretNames } from '../recipe/first.ts';
import { writeAtomic } from '../store/files.ts';
import type { CommandContext } from '../ui/ui.ts';
import { validate } from '../pipeline/validate.ts';
import { didYouMean, harmless } from '../text.ts';

/** What `vmkiln init` was told on its command line: what every recipe has, and answers to the questions of its family. */
export type InitOptions = {
  from?: string;
  name?: string;
  iso?: string;
  disk?: string;
  force?: boolean;
  [own: string]: string | boolean | undefined;
};

const ofEveryFamily = ['from', 'name', 'iso', 'disk', 'force'];

const shippedRecipes = join(import.meta.dirname, '../../recipes');
const schema = join(import.meta.dirname, '../../recipe.schema.json');

/** Names of the recipes that come with vmkiln, which a first recipe starts from. */
function shippedNames(): string[] {
  return readdirSync(shippedRecipes).flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -5)] : []));
}

/**
 * `vmkiln init`: writes a first recipe from a shipped one. On a terminal it asks for what the options leave open; elsewhere it
 * takes the defaults.
 *
 * @throws VmkilnError USAGE for an unknown recipe or a file that is there already; RECIPE_INVALID for a value that the
 * recipe cannot have. Nothing is written then.
 */
export async function init(
  file: string | undefined,
  options: InitOptions,
  { signal, world }: CommandContext,
): Promise<void> {
  const answers = process.stdin.isTTY && process.stderr.isTTY ? await ask(options, signal) : options;
  const from = known(answers.from ?? usualRecipe);
  const name = answers.name ?? from;
  const path = file ?? `${name}.yaml`;
  if (existsSync(path) && !options.force) {
    throw new VmkilnError('USAGE', `${path} is already there`, { hint: 'name another file, or pass --force' });
  }
  const { iso, disk } = answers;
  const { first, recipe } = started(from);
  const own = ownAnswers(answers, from, first, recipe);
  const text = firstRecipe(shippedText(from), { name, iso, disk, schema }, (document) => first?.write(document, own));
  // Where it will lie decides what its relative paths mean: it is checked there, and does not stay if it is wrong.
  const checked = `${resolve(path)}.checked-${process.pid}.yaml`;
  await writeAtomic(checked, text, 0o644);
  try {
    const problems = (await validate([checked], {}, { cwd: world.cwd })).flatMap((result) => result.problems);
    if (problems.length > 0) {
      const words = problems.map((problem) =>
        problem.replaceAll(relative('.', checked), path).replaceAll(checked, path),
      );
      throw new VmkilnError('RECIPE_INVALID', words.join('\n'));
    }
    await rename(checked, path);
  } finally {
    await rm(checked, { force: true });
  }
  process.stdout.write(`${harmless(path)}\n`);
  const secrets = secretNames(text);
  const [, medium] = /\$\{(iso|image)\b/.exec(text) ?? [];
  const steps = [
    ...(secrets.length > 0 ? [`set ${secrets.join(' and ')} in the environment`] : []),
    `vmkiln rehearse ${path}   to try it on practice media`,
    `vmkiln build ${path}${medium ? ` --set ${medium}=PATH` : ''}`,
  ];
  process.stderr.write(steps.map((step) => `  next: ${step}\n`).join(''));
}

function known(from: string): string {
  const names = shippedNames();
  if (names.includes(from)) return from;
  throw new VmkilnError('USAGE', `there is no recipe ${from}${didYouMean(from, names)}`, {
    hint: `--from is one of ${names.join(', ')}`,
  });
}

function shippedText(from: string): string {
  return readFileSync(join(shippedRecipes, `${from}.yaml`), 'utf8');
}

type Started = { family: string } & Record<string, unknown>;

/** A shipped recipe, and what its family asks for one of one's own. */
function started(from: string): { recipe: Started; first: First | undefined } {
  const recipe = parse(shippedText(from)) as Started;
  return { recipe, first: familyOf(recipe).first };
}

/** The questions that a shipped recipe raises. */
function raised(first: First | undefined, recipe: Started): First['questions'] {
  return (first?.questions ?? []).filter(({ isRaised }) => isRaised?.(recipe) ?? true);
}

/** The answers to the questions of a family. @throws VmkilnError USAGE for an option that is not for its recipes */
function ownAnswers(options: InitOptions, from: string, first: First | undefined, recipe: Started): Answers {
  const own = Object.entries(options).filter(([name, value]) => !ofEveryFamily.includes(name) && value !== undefined);
  const stranger = own.find(([name]) => !raised(first, recipe).some(({ option }) => option === name));
  if (stranger === undefined) return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
  throw new VmkilnError('USAGE', `--${stranger[0]} is not for a recipe from ${from}`, { hint: 'leave it out' });
}

/** Asks for what is not given, with the default in brackets; an empty answer takes it. */
async function ask(options: InitOptions, signal: AbortSignal): Promise<InitOptions> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = async (text: string, usual: string, choices?: readonly string[]) => {
    for (;;) {
      const answer = (await terminal.question(`${text} [${usual}]: `, { signal })).trim() || usual;
      if (choices === undefined || choices.includes(answer)) return answer;
    }
  };
  const answers = { ...options };
  // What is answered as usual stays as it is in the shipped recipe.
  const askFor = async (name: string, text: string, usual: string, choices?: readonly string[]) => {
    answers[name] ??= await question(text, usual, choices);
    if (answers[name] === usual) delete answers[name];
  };
  try {
    const names = shippedNames();
    const from = known(options.from ?? (await question(`Operating system: ${names.join(', ')}`, usualRecipe, names)));
    const name = options.name ?? (await question('Name of the image', from));
    await askFor('iso', 'Installation DVD or ready image, path or URL', 'later, with --set');
    await askFor('disk', 'Size of the disk', 'as usual for it');
    const { first, recipe } = started(from);
    for (const { option, text, usual, choices, isAsked } of raised(first, recipe)) {
      if (isAsked?.(ownAnswers(answers, from, first, recipe), recipe) ?? true)
        await askFor(option, text, usual, choices);
    }
    return { ...answers, from, name };
  } finally {
    terminal.close();
  }
}
