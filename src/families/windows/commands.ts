import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { renderTemplate } from '../../answers/templates.ts';
import { VmkilnError } from '../../errors.ts';
import type { RenderedFile } from '../../model.ts';
import type { WindowsCommand } from './command-keys.ts';
import type { WindowsRecipe } from './recipe.ts';
import { windowsRelease } from './releases.ts';
import { settingsOf } from './settings.ts';
import { updatesOf } from './updates.ts';

/** A batch file of the answer CD, without its ending, what it does, and the command in it, as at a prompt. */
type Step = { file: string; doing: string; line: string };

/** A script of the answer CD: the user's own file, or a shipped template. */
type Script = { name: string; path: string; isTemplate: boolean };

/** All commands of a recipe, in their order: first those that run before the updates. */
function allCommands(recipe: WindowsRecipe): readonly WindowsCommand[] {
  return [...(updatesOf(recipe)?.before ?? []), ...recipe.install.commands];
}

/**
 * What runs in the installed Windows: commands of the recipe before the updates; and after Cloudbase-Init the settings, the other
 * commands, and the removal of apps.
 */
function stepsOf(recipe: WindowsRecipe): { before: Step[]; after: Step[] } {
  const early = updatesOf(recipe)?.before.length ?? 0;
  const own = allCommands(recipe).map((command, index): Step => {
    const number = numbered(index);
    const shown = typeof command === 'string' ? '' : `: ${basename(command.script).replace(/[^A-Za-z0-9._-]/g, '_')}`;
    const line = typeof command === 'string' ? command.replace(/^[;\s]+/, '') : scriptLine(`script-${number}`);
    const when = index < early ? 'before the updates' : 'of the recipe';
    // `for /f` passes over lines that begin with a semicolon, where cmd passes over the semicolon.
    return { file: `command-${number}`, doing: `running command ${index + 1} ${when}${shown}`, line };
  });
  const settings = settingsOf(recipe).flatMap(({ name, doing, commands }) =>
    commands.map((line, index) => ({ file: `setting-${name}-${index + 1}`, doing, line })),
  );
  const apps = [appStep, ...(windowsRelease(recipe).isServer ? [] : storeSteps)];
  return { before: own.slice(0, early), after: [...settings, ...own.slice(early), ...apps] };
}

/** Servers with a desktop have Edge, which updates itself (antifob/incus-windows#28, canonical/packer-maas#335). */
const appStep: Step = { file: 'apps', doing: 'removing the apps at which Sysprep stops', line: scriptLine('apps') };

/** Takes back what the answer file of a client sets to keep the Store from making more of them. */
const storeSteps = [
  String.raw`reg.exe delete HKLM\SOFTWARE\Policies\Microsoft\WindowsStore /v AutoDownload /f`,
  String.raw`reg.exe delete HKLM\SOFTWARE\Policies\Microsoft\Windows\CloudContent /v DisableWindowsConsumerFeatures /f`,
].map((line, index): Step => ({
  file: `store-${index + 1}`,
  doing: 'letting the Store go on',
  line: `${line} & exit /b 0`,
}));

function scriptsOf(recipe: WindowsRecipe, templates: string): Script[] {
  const own = allCommands(recipe).flatMap((command, index) =>
    typeof command === 'string'
      ? []
      : [{ name: `script-${numbered(index)}.ps1`, path: command.script, isTemplate: false }],
  );
  const shipped = (name: string) => ({ name, path: join(templates, `${name}.hbs`), isTemplate: true });
  return [...own, shipped('apps.ps1'), shipped('script.ps1')];
}

/** Names of what `commandFiles` renders. */
export function commandFileNames(recipe: WindowsRecipe): string[] {
  const { before, after } = stepsOf(recipe);
  return [...[...before, ...after].map(({ file }) => `${file}.cmd`), ...scriptsOf(recipe, '').map(({ name }) => name)];
}

/** A step as build.cmd runs it: `file` is the section of build.cmd too, and `next` the section after it. */
type Section = { file: string; doing: string; variable: string; next: string };

/** The sections before the updates, and those after Cloudbase-Init. */
export function commandsOf(recipe: WindowsRecipe): { before: Section[]; after: Section[] } {
  const sections = (steps: readonly Step[], last: string) =>
    steps.map(({ file, doing, line }, index) => ({
      ...{ file, doing, variable: variableFor(line) },
      next: steps[index + 1]?.file ?? last,
    }));
  const { before, after } = stepsOf(recipe);
  return { before: sections(before, 'updates'), after: sections(after, 'image') };
}

/**
 * The files of the steps. Each command is the last line of a batch file that reads it with `for /f`, whose variables cmd replaces
 * after it has looked for special characters ("for" in Microsoft's "Windows Commands"; `help for`): all of `% & | " ^` reaches the
 * inner cmd as it would from a prompt, and its exit status is that of the file. Of the variables of build.cmd it knows %logs% alone,
 * and %answers%. @throws VmkilnError TEMPLATE_INVALID for a script
 * that is not UTF-8.
 */
export function commandFiles(recipe: WindowsRecipe, templates: string): RenderedFile[] {
  const { before, after } = stepsOf(recipe);
  const batches = [...before, ...after].map(({ file, line }) => {
    // oxlint-disable-next-line no-control-regex
    const view = { line, variable: variableFor(line), wide: /[^\u0000-\u007f]/.test(line) };
    return renderTemplate(join(templates, 'command.cmd.hbs'), `${file}.cmd`, 'text', view);
  });
  const scripts = scriptsOf(recipe, templates).map(({ name, path, isTemplate }) =>
    isTemplate ? renderTemplate(path, name, 'text', {}) : ownScript(name, path),
  );
  return [...batches, ...scripts];
}

function numbered(index: number): string {
  return String(index + 1).padStart(3, '0');
}

/**
 * A letter for the variable of `for` that a command does not use, with a modifier (`%~na`) neither: wine's cmd, by which these files
 * are tested, replaces it again.
 */
function variableFor(line: string): string {
  const used = (letter: string) => new RegExp(`%(~[^\\s%]*)?${letter}`).test(line);
  return [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !used(letter)) ?? 'a';
}

/** The command that runs a script of the answer CD, with its transcript among the logs. */
function scriptLine(name: string): string {
  const log = `%SystemRoot%\\vmkiln\\${name}.log`;
  return `powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%answers%script.ps1" "%answers%${name}.ps1" "${log}"`;
}

/** A script as it is: with the byte order mark by which Windows PowerShell tells UTF-8, if it has one. */
function ownScript(name: string, path: string): RenderedFile {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
    return { name, text, holes: [] };
  } catch (cause) {
    throw new VmkilnError('TEMPLATE_INVALID', `${path} cannot be read as UTF-8`, {
      hint: `find out what it is with \`file ${path}\`, then convert it: iconv -f UTF-16 -t UTF-8`,
      cause,
    });
  }
}
