import { type Command, Option } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import { defineQueueCommands, queueWords, withQueue } from './factory-queue-program.ts';
import type { Define, Run } from './image-options.ts';
import { collect, filled } from './option-values.ts';

/** The commands about a factory. What they do is imported when they run: help must be quick. */
export function defineFactoryCommands(define: Define, run: Run, context: CommandContext): void {
  const nightly = define(
    'nightly <file> [image...]',
    'Do one night of a factory: build what is due and has changed, publish, clean up, report.',
    [
      'vmkiln nightly factory.yaml --dry-run',
      'vmkiln nightly factory.yaml --junit night.xml --report /srv/www/nights',
      'vmkiln nightly factory.yaml rhel9 --if-running wait',
      'vmkiln nightly factory.yaml --json | jq -r \'.entries[] | select(.outcome == "failed").name\'',
    ],
  );
  withFactory(nightly)
    .option('--dry-run', 'build nothing: show what would be built, and why')
    .addOption(
      new Option('--if-running <what>', 'what to do while another night of this factory is under way')
        .choices(['leave', 'wait'])
        .default('leave'),
    )
    .option('--junit <file>', 'also write the results as JUnit XML', filled)
    .option(
      '--report <dir>',
      "folder for the page of the night and of its builds, in place of the factory's own",
      filled,
    )
    .option('--json', 'print the summary as one JSON value')
    .action((file, images, options) =>
      run(async () => (await import('./nightly.ts')).nightly(file, images, options, context)),
    );
  const factory = define('factory', 'Set up a factory on this host or on many, and see what it does.', [
    'vmkiln factory dashboard factory.yaml',
    'vmkiln factory install-timer factory.yaml --print',
    'sudo vmkiln factory install-timer /etc/vmkiln/factory.yaml',
  ]);
  withFactory(
    factory
      .command('install-timer <file>')
      .description('Write systemd units that run the nights of a factory at the times of its schedule.')
      .showHelpAfterError('  next: vmkiln factory install-timer --help'),
  )
    .option('--to <dir>', 'folder to write the units into (default: /etc/systemd/system)', filled)
    .option('--user <name>', 'user that the nights run as (default: root)', filled)
    .option('--env <file>', 'file with environment variables, such as secrets of recipes (EnvironmentFile=)', filled)
    .option('--print', 'write nothing: print the units')
    .addHelpText('after', '\nExamples:\n  $ vmkiln factory install-timer factory.yaml --env /etc/vmkiln/secrets')
    .action((file, options) =>
      run(async () => (await import('./install-timer.ts')).installTimer(file, options, context)),
    );
  defineQueueCommands(factory, withFactory, run, context);
  withQueue(
    withFactory(
      factory
        .command('dashboard [file]')
        .description(
          'Serve pages, an API and metrics about builds, nights and channels; with a factory, about its nights too.',
        )
        .showHelpAfterError('  next: vmkiln factory dashboard --help'),
    ).option('--queue <url>', `also show the queues of the factory: ${queueWords}`, filled),
  )
    .option('--listen <host:port>', 'address to listen on', filled, '127.0.0.1:8470')
    .option(
      '--tokens <file>',
      'who may log in: lines NAME ROLES TOKEN (default: VMKILN_DASHBOARD_TOKENS, else a new token)',
      filled,
    )
    .option('--allow <changes>', 'what those with the role may do: build, promote, or build,promote', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  $ vmkiln factory dashboard factory.yaml\n  $ vmkiln factory dashboard factory.yaml --listen 0.0.0.0:8470 --tokens /etc/vmkiln/tokens',
    )
    .action((file, options) => run(async () => (await import('./dashboard.ts')).dashboard(file, options, context)));
}

function withFactory(command: Command): Command {
  return command
    .option('--set <key=value>', 'set a variable of the factory (repeatable)', collect, [])
    .option('--vars <file>', 'YAML file of variables; --set wins over it', filled);
}
