import { type Command, Option } from 'commander';
import { uiKinds } from '../ui/kinds.ts';
import { filled, positive } from './option-values.ts';

/** The stages by their names, and those that a build may end with. */
export type Stages = { all: readonly string[]; last: readonly string[] };

/** What becomes of a build that failed: a person is asked, or everything is kept, or nothing. */
export const onErrorKinds = ['ask', 'keep', 'clean'] as const;

/** An option that a variable of the environment sets too, and the configuration: commands/config.ts. */
function settable(option: Option): Option {
  return option.env(`VMKILN_${option.name().replaceAll('-', '_').toUpperCase()}`);
}

/** The variables of a recipe. */
export function withVariables(command: Command): Command {
  return command
    .option(
      '--set <key=value>',
      'set a variable of the recipe (repeatable)',
      (value, all: string[]) => [...all, value],
      [],
    )
    .addOption(settable(new Option('--vars <file>', 'YAML file of variables; --set wins over it').argParser(filled)));
}

/** What is to be built, and how far. */
export function withPlan(command: Command, { all, last }: Stages): Command {
  return withVariables(command)
    .addOption(
      settable(
        new Option('--out <dir>', 'folder for the image, in place of what the recipe uploads to').argParser(filled),
      ),
    )
    .option('--no-cache', 'use no checkpoint: run every stage')
    .addOption(new Option('--from <stage>', 'run this stage and all after it, checkpoint or not').choices(all))
    .addOption(new Option('--until <stage>', 'stop after this stage').choices(last))
    .addOption(connectOption());
}

/** How builds run, and how they are shown. */
export function withBuilding(command: Command): Command {
  return command
    .addOption(
      settable(
        new Option(
          '--jobs <n>',
          'build at most this many recipes at once (default: as many as the host has room for)',
        ).argParser(positive),
      ),
    )
    .addOption(
      settable(
        new Option('--on-error <what>', 'what becomes of a failed build: its guest and disk (default: clean)').choices(
          onErrorKinds,
        ),
      ),
    )
    .addOption(new Option('--keep-on-failure', 'the same as --on-error keep').hideHelp())
    .addOption(new Option('-q, --quiet', 'show only warnings and errors, and print the images').conflicts('verbose'))
    .option('-v, --verbose', 'also show what the programs print')
    .addOption(
      settable(
        new Option('--ui <kind>', 'how to show progress (default: pretty on a terminal, else plain)').choices(uiKinds),
      ),
    );
}

/** The libvirt to work with. */
export function connectOption(): Option {
  return settable(new Option('--connect <uri>', 'libvirt connection, such as qemu:///system').argParser(filled));
}
