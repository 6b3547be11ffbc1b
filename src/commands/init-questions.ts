import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { input, select } from '@inquirer/prompts';
import { usualRecipe } from '../families/index.ts';
import type { World } from '../model.ts';
import { atHome, type InitOptions, problemOf, questionsAfter, shippedRecipeNames } from './init.ts';

type Asked = { file: string | undefined; options: InitOptions; world: World; signal: AbortSignal };

/**
 * Asks for what the options leave open. An answer is checked when it is given, as the recipe will be; an empty one leaves the shipped
 * recipe as it is. Undefined when Ctrl-C or Ctrl-D has ended the questions.
 */
export async function ask({ file, options, world, signal }: Asked): Promise<InitOptions | undefined> {
  const left = new AbortController();
  const terminal = { output: process.stderr, signal: AbortSignal.any([signal, left.signal]) };
  const leave = (_: string | undefined, key: { ctrl?: boolean; name?: string }) => {
    if (key.ctrl && key.name === 'd') left.abort();
  };
  process.stdin.on('keypress', leave);
  try {
    const choices = shippedRecipeNames().map(({ name, about }) => ({
      value: name,
      name: `${name.padEnd(22)} ${about}`,
    }));
    const from =
      options.from ??
      (await select({ message: 'Operating system', choices, default: usualRecipe, pageSize: 15 }, terminal));
    const answers: InitOptions & { from: string } = { ...options, from };
    const askFor = async (
      option: string,
      message: string,
      usual: string,
      check?: (answer: string) => string | undefined,
    ) => {
      if (answers[option] !== undefined) return;
      const validate = async (answer: string) => {
        const given = answer.trim();
        if (given === '') return true;
        return check?.(given) ?? (await problemOf(file, { ...answers, [option]: given }, world)) ?? true;
      };
      const given = (await input({ message: `${message} (empty: ${usual})`, validate }, terminal)).trim();
      if (given !== '') answers[option] = given;
    };
    await askFor('name', 'Name of the image', from, (name) =>
      file === undefined && !options.force && existsSync(`${name}.yaml`)
        ? `${name}.yaml is already there: choose another name, or pass --force`
        : undefined,
    );
    await askFor('iso', 'Installation DVD or ready image, path or URL', 'later, with --set', (given) => {
      const path = resolve(world.cwd, atHome(given, world));
      return given.includes('://') || existsSync(path)
        ? undefined
        : `there is no file ${path}: leave it empty to name it later`;
    });
    await askFor('disk', 'Size of the disk', 'as usual for it');
    // An answer may raise a question, or make one needless.
    for (let asked = 0; ; asked += 1) {
      const next = questionsAfter(answers)[asked];
      if (next === undefined) break;
      const { option, text, usual, choices: known } = next;
      if (!known) await askFor(option, text, usual);
      else if (answers[option] === undefined) {
        const given = await select(
          {
            message: text,
            choices: Object.entries(known).map(([value, about]) => ({ value, name: `${value.padEnd(10)} ${about}` })),
            default: usual,
          },
          terminal,
        );
        if (given !== usual) answers[option] = given;
      }
    }
    return answers;
  } catch (error) {
    // Ctrl-C, which readline takes from the terminal, or Ctrl-D.
    if (left.signal.aborted || (error instanceof Error && error.name === 'ExitPromptError')) return undefined;
    throw error;
  } finally {
    process.stdin.off('keypress', leave);
  }
}
