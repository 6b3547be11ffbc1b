import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { renderTemplate } from '../../answers/templates.ts';
import { VmkilnError } from '../../errors.ts';
import type { RenderedFile } from '../../model.ts';
import type { WindowsCommand } from './command-keys.ts';
import type { WindowsRecipe } from './recipe.ts';
import { updatesOf } from './updates.ts';

/**
 * A command as build.cmd runs it: `file` is the batch file of its own on the answer CD, without its ending, and the section of
 * build.cmd that runs it; `next` is the section after that.
 */
type CommandFile = { number: number; file: string; title: string; variable: string; next: string };

/** All commands of a recipe, in their order: first those that run before the updates. */
function allCommands(recipe: WindowsRecipe): readonly WindowsCommand[] {
  return [...(updatesOf(recipe)?.before ?? []), ...recipe.install.commands];
}

/** Names of what `commandFiles` renders. */
export function commandFileNames(recipe: WindowsRecipe): string[] {
  const commands = allCommands(recipe);
  const own = commands.flatMap((command, index) => [
    `command-${numbered(index)}.cmd`,
    ...(typeof command === 'string' ? [] : [`script-${numbered(index)}.ps1`]),
  ]);
  return [...own, ...(commands.some((command) => typeof command === 'object') ? ['script.ps1'] : [])];
}

/** The commands before the updates, and those after Cloudbase-Init. */
export function commandsOf(recipe: WindowsRecipe): { before: CommandFile[]; after: CommandFile[] } {
  const before = updatesOf(recipe)?.before.length ?? 0;
  const commands = allCommands(recipe);
  const files = commands.map((command, index) => ({
    number: index + 1,
    file: `command-${numbered(index)}`,
    variable: variableFor(lineOf(command, index)),
    title: typeof command === 'string' ? '' : `: ${basename(command.script).replace(/[^A-Za-z0-9._-]/g, '_')}`,
    next: index + 1 === before ? 'updates' : index + 1 === commands.length ? 'image' : `command-${numbered(index + 1)}`,
  }));
  return { before: files.slice(0, before), after: files.slice(before) };
}

/**
 * The files of the recipe's commands. Each command is the last line of a batch file that reads it with `for /f`, whose variables
 * cmd replaces after it has looked for special characters ("for" in Microsoft's "Windows Commands"; `help for`): all of `% & | " ^`
 * reaches the inner cmd as it would from a prompt, and its exit status is that of the file. @throws VmkilnError TEMPLATE_INVALID
 * for a script that is not UTF-8.
 */
export function commandFiles(recipe: WindowsRecipe, templates: string): RenderedFile[] {
  const commands = allCommands(recipe);
  const files = commands.flatMap((command, index): RenderedFile[] => {
    const line = lineOf(command, index);
    // oxlint-disable-next-line no-control-regex
    const view = { line, variable: variableFor(line), wide: /[^\u0000-\u007f]/.test(line) };
    const batch = renderTemplate(join(templates, 'command.cmd.hbs'), `command-${numbered(index)}.cmd`, 'text', view);
    return typeof command === 'string' ? [batch] : [batch, scriptFile(command.script, index)];
  });
  if (!commands.some((command) => typeof command === 'object')) return files;
  return [...files, renderTemplate(join(templates, 'script.ps1.hbs'), 'script.ps1', 'text', {})];
}

function numbered(index: number): string {
  return String(index + 1).padStart(3, '0');
}

/** A letter for the variable of `for` that a command does not use: wine's cmd, by which these files are tested, replaces it again. */
function variableFor(line: string): string {
  return (
    [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !line.includes(`%${letter}`)) ?? 'a'
  );
}

/** `for /f` passes over lines that begin with a semicolon, where cmd passes over the semicolon. */
function lineOf(command: WindowsCommand, index: number): string {
  if (typeof command === 'string') return command.replace(/^[;\s]+/, '');
  const log = String.raw`%SystemRoot%\vmkiln\script-${numbered(index)}.log`;
  return `powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%answers%script.ps1" "%answers%script-${numbered(index)}.ps1" "${log}"`;
}

/** A script as it is: with the byte order mark by which Windows PowerShell tells UTF-8, if it has one. */
function scriptFile(path: string, index: number): RenderedFile {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
    return { name: `script-${numbered(index)}.ps1`, text, holes: [] };
  } catch (cause) {
    throw new VmkilnError('TEMPLATE_INVALID', `${path} cannot be read as UTF-8`, {
      hint: `find out what it is with \`file ${path}\`, then convert it: iconv -f UTF-16 -t UTF-8`,
      cause,
    });
  }
}
