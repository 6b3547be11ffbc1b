import { Argument, Command, CommanderError, Option } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import { version } from '../version.ts';
import { defineBuildCommands } from './build-program.ts';
import { defineChannelCommands } from './channel-program.ts';
import { defineDescribeCommands } from './describe-program.ts';
import { defineFactoryCommands } from './factory-program.ts';
import { defineImageCommands } from './image-program.ts';
import { collect, filled, serial } from './option-values.ts';
import { withRemedy } from './foreign-words.ts';
import { connectOption, type Stages, withBuilding, withPlan, withVariables } from './recipe-options.ts';
import { didYouMean, harmless } from '../text.ts';

// Every command is imported when it runs, and not before: `vmkiln --help` must be quick.

/** What convert writes; images/output-format.ts knows their variants, and takes its time too. */
const targetFormats = ['raw', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx', 'ami'] as const;

type Run = () => Promise<number | void>;

/** The stages are known to the pipeline alone, which takes its time to import: only commands that offer them pay for it. */
export async function stagesFor(argv: readonly string[]): Promise<Stages> {
  if (!argv.slice(2).some((word) => /^(build|rehearse|plan|completion|help)$/.test(word))) return { all: [], last: [] };
  const [{ stages }, { lastStages }] = await Promise.all([
    import('../pipeline/stages.ts'),
    import('../pipeline/segments.ts'),
  ]);
  return { all: stages.map(({ name }) => name), last: lastStages(stages) };
}

/** The whole command line. `run` gets what the chosen command would do; its result is the exit status. */
export function defineProgram(context: CommandContext, stages: Stages, run: (command: Run) => Promise<void>): Command {
  // An option before the command is the program's own.
  const isTop = () => program.commands.every((each) => each.name() !== process.argv[2]);
  const program = new Command('vmkiln')
    .description('Builds cloud-ready VM images from recipes on libvirt/KVM and publishes them.')
    .option('-V, --version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${version()}\n`);
      throw new CommanderError(0, 'commander.version', '');
    })
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) => write(harmless(withRemedy(text, isTop()).replace(/^error: /, 'vmkiln: '))),
    })
    // Narrow terminals get wrapped columns too.
    .configureHelp({ optionDescription, minWidthToWrap: 20 })
    .hook('preAction', async (_program, action) => {
      if (takesInput(action)) {
        context.world.stdin = await (await import('./stdin.ts')).recipeOnStdin(process.stdin, context.signal);
      }
      const settable = action.options.some(({ envVar }) => envVar !== undefined);
      const files = settable ? (await import('./config-file.ts')).configFiles(context.world) : [];
      if (files.length > 0) await (await import('./config.ts')).applyConfig(action, files);
      if (action.getOptionValue('plan') !== undefined) forget(action, ['out', 'vars', 'connect']);
    });
  const command = (usage: string, summary: string, examples: readonly string[]) => {
    const name = usage.split(' ')[0] ?? usage;
    return program
      .command(usage)
      .description(summary)
      .showHelpAfterError(`  next: vmkiln ${name} --help`)
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
  };
  program.showHelpAfterError('  next: vmkiln --help');

  const withRecipe = (each: Command) => withPlan(each, stages);
  const withBuild = (each: Command) => withBuilding(withRecipe(each));
  withBuild(
    command('build [recipe...]', 'Build images from recipes and publish them.', [
      'vmkiln build recipes/rhel7.yaml --set iso=/srv/iso/rhel-server-7.9-x86_64-dvd.iso',
      'vmkiln build recipes/rhel7.yaml --from customize --on-error keep',
      'vmkiln build recipes/*.yaml --jobs 2 --ui json > events.ndjson',
      'vmkiln build --plan plan.json',
    ]),
  )
    .option('--plan <file>', 'build what `vmkiln plan --save` kept, or say what has changed since', filled)
    .option(
      '--serial <serial>',
      'serial of the publication: of two images with the same serial the first stays',
      serial,
    )
    .action((recipes, options) => run(async () => (await import('./build.ts')).build(recipes, options, context)));
  withBuild(
    command('rehearse <recipe...>', 'Build against practice media, to prove a recipe without the real ones.', [
      'vmkiln rehearse recipes/rhel7.yaml',
      'vmkiln rehearse recipes/rhel7.yaml --out /tmp/images --until install',
    ]),
  )
    .option('--allow-rehearsal', 'also upload the result to the clouds that the recipe names')
    .action((recipes, options) => run(async () => (await import('./rehearse.ts')).rehearse(recipes, options, context)));
  withRecipe(
    command('plan <recipe>', 'Show what a build would do: exact commands, what runs and why, what would change.', [
      'vmkiln plan recipes/rhel7.yaml',
      'vmkiln plan recipes/rhel7.yaml --full',
      "vmkiln plan recipes/rhel7.yaml --json | jq '.stages[].commands[].argv'",
      'vmkiln plan recipes/rhel7.yaml --save plan.json && vmkiln build --plan plan.json',
    ]),
  )
    .option('--full', 'also show the rendered files: kickstart, scripts and the like')
    .option('--save <file>', 'keep the plan, for `vmkiln build --plan`', filled)
    .option('--offline', 'ask no target beyond this host what would change there')
    .option('--json', 'print the plan as one JSON value')
    .action((recipe, options) => run(async () => (await import('./plan.ts')).plan(recipe, options, context)));
  withVariables(
    command('render <recipe>', 'Write the rendered answer files, and nothing else; needs no media.', [
      'vmkiln render recipes/rhel7.yaml --out ./rendered',
      'vmkiln render recipes/rhel7.yaml --vars site.yaml --out ./rendered',
    ]),
  )
    .requiredOption('--out <dir>', 'folder to write the files into', filled)
    .action((recipe, options) => run(async () => (await import('./show.ts')).showRender(recipe, options, context)));
  withVariables(
    command('validate <recipe...>', 'Check recipes: syntax, keys, variables and units.', [
      'vmkiln validate recipes/*.yaml',
      'vmkiln validate recipes/rhel7.yaml --vars site.yaml',
      "vmkiln validate recipes/*.yaml --json | jq -r '.[] | select(.valid | not).path'",
    ]),
  )
    .option('--json', 'print what was found as one JSON value')
    .action((recipes, options) => run(async () => (await import('./show.ts')).showValidate(recipes, options, context)));
  command('fmt <recipe...>', 'Write recipes in one layout, with their comments; - is standard input.', [
    'vmkiln fmt recipes/*.yaml',
    'vmkiln fmt --check recipes/*.yaml',
  ])
    .option('--check', 'write nothing: list the recipes that are not in that layout, and end with status 1')
    .action((recipes, options) => run(async () => (await import('./fmt.ts')).fmt(recipes, options, context)));
  withVariables(
    command('doctor [recipe]', 'Show what this host can do, what is missing, and the command that fixes it.', [
      'vmkiln doctor',
      'vmkiln doctor recipes/rhel7.yaml --set iso=/srv/iso/rhel-server-7.9-x86_64-dvd.iso --json',
    ]),
  )
    .addOption(connectOption())
    .option('--json', 'print the findings as one JSON value')
    .action((recipe, options) => run(async () => (await import('./doctor.ts')).doctor(recipe, options, context)));
  command('inspect <image>', 'Show what an image is, which image properties follow, and whether it is safe to use.', [
    'vmkiln inspect disk.vmdk',
    'vmkiln inspect disk.qcow2 --no-guest --json',
    'vmkiln inspect disk.vmdk --property vmware_adaptertype=paraVirtual',
  ])
    .option('--no-guest', 'do not start an appliance to look for the guest operating system')
    .option(
      '--property <key=value>',
      'override an image property (repeatable)',
      (value, all: string[]) => [...all, value],
      [],
    )
    .option('--json', 'print what was found as one JSON value')
    .action((image, options) => run(async () => (await import('./inspect.ts')).inspect(image, options, context)));
  withVariables(
    command('verify <image>', 'Boot two clones of an image, without a network, and check what a cloud expects of it.', [
      'vmkiln verify images/rhel7.qcow2 --recipe recipes/rhel7.yaml',
      'vmkiln verify debian-12-generic-amd64.qcow2 --check checks.yaml --junit verify.xml',
    ]),
  )
    .option('--recipe <file>', 'expect what this recipe makes, instead of what any cloud image of Linux has', filled)
    .option(
      '--check <file>',
      'YAML file with more checks, a list like verify.checks of a recipe (repeatable)',
      collect,
      [],
    )
    .option('--network', 'let the clones reach other hosts')
    .option('--metadata-service', "make the second boot ask OpenStack's metadata service, instead of reading a drive")
    .option('--junit <file>', 'also write the results as JUnit XML', filled)
    .option('--json', 'print the results as one JSON value')
    .action((image, options) => run(async () => (await import('./verify.ts')).verify(image, options, context)));
  defineDescribeCommands(command, run, context);
  command('convert <image>', 'Convert an image to another format: completely or not at all, and only if it is safe.', [
    'vmkiln convert disk.qcow2 --to vmdk --subformat streamOptimized --adapter-type lsilogic',
    'vmkiln convert disk.vmdk --to qcow2 --compression zlib --out rhel7.qcow2 --check',
  ])
    .addOption(new Option('--to <format>', 'the format to write').choices(targetFormats).makeOptionMandatory())
    .option('--out <file>', 'file to write (default: beside the image, named after the format)', filled)
    .option('--subformat <name>', 'variant of a vmdk, vdi, vhd or vhdx', filled)
    .addOption(new Option('--compression <kind>', 'compress a qcow2').choices(['zlib', 'zstd']))
    .addOption(
      new Option('--adapter-type <type>', 'disk adapter of a vmdk').choices([
        'ide',
        'lsilogic',
        'buslogic',
        'legacyESX',
      ]),
    )
    .option('--check', 'compare the contents afterwards')
    .option('--force', 'replace an existing file')
    .option('--allow-external', 'follow backing files, data files and extents: only for an image you trust')
    .option('--allow-unfit', 'convert what can be read of it even if it is damaged, packed or not what it is called')
    .option('--json', 'print what was made as one JSON value')
    .action((image, options) => run(async () => (await import('./convert.ts')).convert(image, options, context)));
  defineImageCommands(command, run, context);
  defineChannelCommands(command, run, context);
  defineBuildCommands(command, run, context);
  defineFactoryCommands(command, run, context);
  command('schema', 'Print the JSON Schema of recipes, for editors.', [
    'vmkiln schema > recipe.schema.json',
    'vmkiln schema --factory > factory.schema.json',
  ])
    .option('--factory', 'of factory.yaml instead')
    .action((options) => run(async () => (await import('./show.ts')).showSchema(options)));
  command('init [file]', 'Write a first recipe, from a shipped one: asks on a terminal, else takes the options.', [
    'vmkiln init',
    'vmkiln init web.yaml --from rhel9 --name web --iso /srv/iso/rhel-9.6-x86_64-dvd.iso',
    'vmkiln init --from rhel8 --registration none --repository http://mirror.example.com/rhel8',
  ])
    .option('--from <recipe>', 'the shipped recipe to start from, such as rhel9', filled)
    .option('--name <name>', 'name of the image', filled)
    .option('--iso <source>', 'path or URL of the installation DVD, or of the ready image', filled)
    .option('--disk <size>', 'size of the disk, such as 20G', filled)
    .addOption(new Option('--registration <kind>', 'where packages come from').choices(['account', 'key', 'none']))
    .option('--repository <url>', 'base URL of your own repository', filled)
    .option('--force', 'replace an existing file')
    .action((file, options) => run(async () => (await import('./init.ts')).init(file, options, context)));
  command('completion', 'Print a completion script for a shell.', [
    'vmkiln completion bash > /etc/bash_completion.d/vmkiln',
    'vmkiln completion fish > ~/.config/fish/completions/vmkiln.fish',
  ])
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell) => run(async () => (await import('./completion.ts')).completion(shell, program)));
  program.helpCommand(false);
  command('help [command...]', 'Show the help of a command.', ['vmkiln help build', 'vmkiln help image list']).action(
    (words: string[]) => run(async () => commandCalled(program, words).outputHelp()),
  );
  return program;
}

/** The command that words name. Commander's own `help` takes one word. @throws CommanderError for one that is not there */
function commandCalled(program: Command, words: readonly string[]): Command {
  let found = program;
  for (const word of words) {
    const next = found.commands.find((each) => each.name() === word);
    const hint = didYouMean(
      word,
      found.commands.map((each) => each.name()),
    );
    found = next ?? found.error(`error: unknown command '${word}'${hint}`, { code: 'commander.unknownCommand' });
  }
  return found;
}

/** Whether the recipe is on standard input. */
function takesInput({ registeredArguments, args }: Command): boolean {
  return registeredArguments[0]?.name() === 'recipe' && args.includes('-');
}

/** A kept plan has decided these: where no person has just said so, what is set for all builds does not count. */
function forget(command: Command, names: readonly string[]): void {
  for (const name of names) if (command.getOptionValueSource(name) !== 'cli') command.setOptionValue(name, undefined);
}

/** Commander's own shows `(default: false)` and the like, which say nothing. */
function optionDescription({ description, argChoices, envVar }: Option): string {
  const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
  return `${description}${choices}${envVar === undefined ? '' : ` [${envVar}]`}`;
}
