import type { Argument, Command, Option } from 'commander';
import { bashScript, fishScript, zshScript } from './completion-scripts.ts';

/** A command as a completion needs to know it: its words, and what may follow them. */
export type Verb = {
  /** As it is typed, `image list`; empty for the program itself. */
  path: string;
  summary: string;
  options: readonly Flag[];
  /** The commands below it, by their last word. */
  below: readonly { name: string; summary: string }[];
  /** The values of its own argument, if they are known. */
  choices: readonly string[];
  /** Whether its own argument is a file. */
  files: boolean;
};

/** An option: what its value is, and its values where they are known. */
export type Flag = {
  name: string;
  summary: string;
  value: 'none' | 'file' | 'other';
  choices: readonly string[];
  repeats: boolean;
};

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `vmkiln completion SHELL`: prints a script made from the command line itself. It starts no program while one types. */
export async function completion(shell: keyof typeof shells, program: Command): Promise<void> {
  const names = program.commands.map((command) => command.name());
  const verbs = verbsOf(program, '').map((verb) =>
    verb.path === 'help' ? { ...verb, choices: names, files: false } : verb,
  );
  process.stdout.write(shells[shell](verbs));
}

/** A command and all below it. An option of two commands may have other values in each. */
function verbsOf(command: Command, path: string): Verb[] {
  const [argument] = command.registeredArguments as readonly Argument[];
  const help: Flag = { name: '--help', summary: 'show help', value: 'none', choices: [], repeats: false };
  const below = command.commands.map((each) => ({ name: each.name(), summary: each.description() }));
  const verb: Verb = {
    path,
    summary: command.description(),
    options: [...command.options.map(flagOf), help],
    below,
    choices: argument?.argChoices ?? [],
    files: argument !== undefined && argument.argChoices === undefined && argument.name() !== 'build',
  };
  return [verb, ...command.commands.flatMap((each) => verbsOf(each, `${path} ${each.name()}`.trim()))];
}

function flagOf(option: Option): Flag {
  const kind = /<(file|dir)>/.test(option.flags) ? 'file' : 'other';
  return {
    name: option.long ?? option.flags,
    summary: option.description,
    value: option.required || option.optional ? kind : 'none',
    choices: option.argChoices ?? [],
    repeats: Array.isArray(option.defaultValue),
  };
}
