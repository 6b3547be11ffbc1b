import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { VmkilnError } from '../errors.ts';
import type { Answers, First } from '../families/first.ts';
import { familyOf, usualRecipe } from '../families/index.ts';
import type { World } from '../model.ts';
import { firstRecipe, secretNames } from '../recipe/first.ts';
import { writeAtomic } from '../store/files.ts';
import type { CommandContext } from '../ui/ui.ts';
import { validate } from '../pipeline/validate.ts';
import { didYouMean, harmless } from '../text.ts';
import { recipeSchemaUrl } from './schema.ts';

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

/** The recipes that come with vmkiln, which a first recipe starts from: their names, and what each is for. */
export function shippedRecipeNames(): { name: string; about: string }[] {
  return readdirSync(shippedRecipes).flatMap((file) => {
    if (!file.endsWith('.yaml')) return [];
    const name = file.slice(0, -5);
    return [{ name, about: /^# ([A-Z].*?) for OpenStack/m.exec(shippedText(name))?.[1] ?? name }];
  });
}

/**
 * `vmkiln init`: writes a first recipe from a shipped one. On a terminal it asks for what the options leave open; elsewhere it
 * takes the defaults. Returns 130 when the questions were left by Ctrl-C or Ctrl-D.
 *
 * @throws VmkilnError USAGE for an unknown recipe or a file that is there already; RECIPE_INVALID for a value that the
 * recipe cannot have. Nothing is written then.
 */
export async function init(
  file: string | undefined,
  options: InitOptions,
  { signal, world }: CommandContext,
): Promise<number> {
  if (options.from !== undefined) known(options.from);
  if (file !== undefined) refuseTaken(file, options);
  const isAsking = process.stdin.isTTY && process.stderr.isTTY;
  const answers = isAsking
    ? await (await import('./init-questions.ts')).ask({ file, options, world, signal })
    : options;
  if (answers === undefined) return 130;
  const { path, text } = recipeOf(file, answers, world);
  refuseTaken(path, options);
  const problems = await writeValid(path, text, world.cwd, true);
  if (problems.length > 0) throw new VmkilnError('RECIPE_INVALID', problems.join('\n'));
  process.stdout.write(`${harmless(path)}\n`);
  const secrets = secretNames(text);
  const [, medium] = /\$\{(iso|image)\b/.exec(text) ?? [];
  const steps = [
    ...(secrets.length > 0 ? [`set ${secrets.join(' and ')} in the environment`] : []),
    `vmkiln rehearse ${path}   to try it on practice media`,
    `vmkiln build ${path}${medium ? ` --set ${medium}=PATH` : ''}`,
  ];
  process.stderr.write(steps.map((step) => `  next: ${step}\n`).join(''));
  return 0;
}

/** @throws VmkilnError USAGE when a file cannot be written there, or would replace another one */
function refuseTaken(path: string, { force }: InitOptions): void {
  if (!existsSync(dirname(path))) throw new VmkilnError('USAGE', `there is no folder ${dirname(path)} for ${path}`);
  if (force || !existsSync(path)) return;
  throw new VmkilnError('USAGE', `${path} is already there`, { hint: 'name another file, or pass --force' });
}

/** The recipe that answers make, and its file. @throws VmkilnError USAGE for an answer that is not for its recipes */
function recipeOf(file: string | undefined, answers: InitOptions, world: World): { path: string; text: string } {
  const from = known(answers.from ?? usualRecipe);
  const name = answers.name ?? from;
  const path = file ?? `${name}.yaml`;
  const { first, recipe } = started(from);
  const own = ownAnswers(answers, from, first, recipe);
  const iso = answers.iso === undefined ? undefined : atHome(answers.iso, world);
  const wanted = { name, iso, disk: answers.disk, file: path, schema: recipeSchemaUrl };
  return { path, text: firstRecipe(shippedText(from), wanted, (document) => first?.write(document, own)) };
}

/** A path with `~` for the home folder, which no shell replaces in an answer or after `=`. */
export function atHome(path: string, { env }: World): string {
  return path.replace(/^~(?=\/|$)/, env['HOME'] || homedir());
}

/** What is wrong with a recipe in the file that it will be, one line each: where it lies decides what its relative paths mean. */
async function writeValid(path: string, text: string, cwd: string, isKept: boolean): Promise<string[]> {
  const checked = `${resolve(path)}.checked-${process.pid}.yaml`;
  await writeAtomic(checked, text, 0o644);
  try {
    const problems = (await validate([checked], {}, { cwd })).flatMap((result) => result.problems);
    if (problems.length === 0 && isKept) await rename(checked, path);
    return problems.map((problem) => problem.replaceAll(relative('.', checked), path).replaceAll(checked, path));
  } finally {
    await rm(checked, { force: true });
  }
}

/** What is wrong with a recipe of these answers, in words without its place; undefined if nothing is. */
export async function problemOf(
  file: string | undefined,
  answers: InitOptions,
  world: World,
): Promise<string | undefined> {
  // A name that will not do is no file to check it in.
  const { path, text } = recipeOf(file ?? 'first.yaml', answers, world);
  const [problem] = await writeValid(path, text, world.cwd, false);
  return problem?.replace(/^\S+:\d+:\d+ /, '');
}

function known(from: string): string {
  const names = shippedRecipeNames().map(({ name }) => name);
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

/** The questions of its family that a recipe raises after these answers. */
export function questionsAfter(answers: InitOptions & { from: string }): First['questions'] {
  const { first, recipe } = started(answers.from);
  return raised(first, recipe).filter(
    ({ isAsked }) => isAsked?.(ownAnswers(answers, answers.from, first, recipe), recipe) ?? true,
  );
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
