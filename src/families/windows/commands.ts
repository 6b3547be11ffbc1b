import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { renderTemplate } from '../../answers/templates.ts';
import { VmkilnError } from '../../errors.ts';
import type { RenderedFile } from '../../model.ts';
import type { WindowsRecipe } from './recipe.ts';
import { windowsRelease } from './releases.ts';
import { settingsOf } from './settings.ts';

/** A batch file of the answer CD, without its ending, what it does, and the command in it, as at a prompt. */
type Step = { file: string; doing: string; line: string };

/** A script of the answer CD: the user's own file, or a shipped template. */
type Script = { name: string; path: string; isTemplate: boolean };

/** What runs in the installed Windows before Sysprep, in this order: the settings, the commands of the recipe, and the removal of apps. */
function stepsOf(recipe: WindowsRecipe): Step[] {
  const own = recipe.install.commands.map((command, index): Step => {
    const number = numbered(index);
    const shown = typeof command === 'string' ? '' : `: ${basename(command.script).replace(/[^A-Za-z0-9._-]/g, '_')}`;
    const line = typeof command === 'string' ? command.replace(/^[;\s]+/, '') : scriptLine(`script-${number}`);
    // `for /f` passes over lines that begin with a semicolon, where cmd passes over the semicolon.
    return { file: `command-${number}`, doing: `running command ${index + 1} of the recipe${shown}`, line };
  });
  return [
    ...settingsOf(recipe).flatMap(({ name, doing, commands }) =>
      commands.map((line, index) => ({ file: `setting-${name}-${index + 1}`, doing, line })),
    ),
    ...own,
    appStep,
    ...(windowsRelease(recipe).isServer ? [] : storeSteps),
  ];
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
  const own = recipe.install.commands.flatMap((command, index) =>
    typeof command === 'string'
      ? []
      : [{ name: `script-${numbered(index)}.ps1`, path: command.script, isTemplate: false }],
  );
  const shipped = (name: string) => ({ name, path: join(templates, `${name}.hbs`), isTemplate: true });
  return [...own, shipped('apps.ps1'), shipped('script.ps1')];
}

/** Names of what `commandFiles` renders. */
export function commandFileNames(recipe: WindowsRecipe): string[] {
  return [...stepsOf(recipe).map(({ file }) => `${file}.cmd`), ...scriptsOf(recipe, '').map(({ name }) => name)];
}

/** The steps as build.cmd runs them. */
export function commandsOf(recipe: WindowsRecipe): readonly { file: string; doing: string; variable: string }[] {
  return stepsOf(recipe).map(({ file, doing, line }) => ({ file, doing, variable: variableFor(line) }));
}

/**
 * The files of the steps. Each command is the last line of a batch file that reads it with `for /f`, whose variables cmd replaces
 * after it has looked for special characters ("for" in Microsoft's "Windows Commands"; `help for`): all of `% & | " ^` reaches the
 * inner cmd as it would from a prompt, and its exit status is that of the file. @throws VmkilnError TEMPLATE_INVALID for a script
 * that is not UTF-8.
 */
export function commandFiles(recipe: WindowsRecipe, templates: string): RenderedFile[] {
  const batches = stepsOf(recipe).map(({ file, line }) => {
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

/** A letter for the variable of `for` that a command does not use: wine's cmd, by which these files are tested, replaces it again. */
function variableFor(line: string): string {
  return (
    [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !line.includes(`%${letter}`)) ?? 'a'
  );
}

/** The command that runs a script of the answer CD, with its transcript among the logs. */
function scriptLine(name: string): string {
  const log = `%SystemRoot%\\Temp\\vmkiln\\${name}.log`;
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
