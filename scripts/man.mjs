#!/usr/bin/env node
// Writes the man pages of the built program, man(7), from what its --help is made of: one of the program, one of each command.
//
// Usage: scripts/man.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineProgram, stagesFor } from '../dist/commands/program.js';
import { version } from '../dist/version.js';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: scripts/man.mjs FOLDER');
  process.exit(2);
}

const context = {
  signal: new AbortController().signal,
  world: { env: {}, cwd: '/' },
  say: () => {},
  sayThrough: () => {},
};
const program = defineProgram(context, await stagesFor(['', '', 'help']), async () => {});
const commands = program.commands.filter((command) => command.name() !== 'help');

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'vmkiln.1'), programPage());
for (const command of commands) writeFileSync(join(folder, `vmkiln-${command.name()}.1`), commandPage(command));

function programPage() {
  const list = commands.map((command) => item(`.BR vmkiln-${escape(command.name())} (1)`, command.description()));
  return page('vmkiln', program.description(), [
    section('SYNOPSIS', '.B vmkiln', '.I COMMAND', '[OPTIONS] [ARGUMENTS]'),
    section('COMMANDS', ...list),
    section('OPTIONS', ...options(program)),
    section(
      'EXIT STATUS',
      item('.B 0', 'done'),
      item('.B 1', 'the build, or the check, failed'),
      item('.B 2', 'refused, and nothing was created'),
      item('.B 130', 'interrupted'),
    ),
    section(
      'FILES',
      item('.I /etc/vmkiln/config.yaml', 'options for all builds of this host'),
      item('.I ~/.config/vmkiln/config.yaml', 'options of this user, which win over those of the host'),
    ),
    section('SEE ALSO', commands.map((command) => `.BR vmkiln-${escape(command.name())} (1)`).join(',\n')),
  ]);
}

function commandPage(command) {
  const below = command.commands.filter((each) => each.name() !== 'help');
  return page(`vmkiln-${command.name()}`, command.description(), [
    section('SYNOPSIS', `.B vmkiln ${escape(command.name())}`, escape(command.usage())),
    section('OPTIONS', ...options(command)),
    ...(below.length > 0 ? [section('COMMANDS', ...below.flatMap(verb))] : []),
    section('EXAMPLES', '.nf', ...examples(command).map(escape), '.fi'),
    section('SEE ALSO', '.BR vmkiln (1)'),
  ]);
}

/** A command below another. */
function verb(command) {
  return [
    `.SS ${escape(`${command.name()} ${command.usage()}`)}`,
    escape(command.description()),
    ...options(command),
    ...['.PP', '.nf', ...examples(command).map(escape), '.fi'],
  ];
}

function page(name, description, sections) {
  const head = `.TH ${escape(name).toUpperCase()} 1 "" "vmkiln ${version()}" "vmkiln"`;
  const about = section('NAME', `${escape(name)} \\- ${escape(description.replace(/\.$/, ''))}`);
  return `${[head, about, ...sections].join('\n')}\n`;
}

function section(title, ...lines) {
  return [`.SH ${title}`, ...lines].join('\n');
}

function item(tag, text) {
  return `.TP\n${tag}\n${escape(text)}`;
}

function options(command) {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .map((option) => item(`.B ${escape(help.optionTerm(option))}`, help.optionDescription(option)));
}

/** The examples that --help ends with. */
function examples(command) {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more) }).outputHelp();
  return [...text.slice(text.indexOf('\nExamples:')).matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line);
}

/** groff_char(7): a hyphen that is to be copied is \-, and a line must not begin with a control character. */
function escape(text) {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replace(/^[.']/gm, String.raw`\&$&`);
}
