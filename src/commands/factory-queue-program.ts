import type { Command } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import type { FactoryQueueOptions } from './with-queues.ts';
import type { Run } from './image-options.ts';
import { collect, filled, positive, seconds } from './option-values.ts';

type WithFactory = (command: Command) => Command;

/** How a queue is reached. */
export function withQueue(command: Command): Command {
  return command
    .option('--queue-password <reference>', 'where its password is: env:NAME or file:PATH', filled)
    .option('--queue-ca <file>', 'PEM file with the CA of its server', filled);
}

/** What `--queue` takes. */
export const queueWords = 'redis://HOST, rediss://HOST (TLS) or postgres://USER@HOST/DATABASE, without a password';

/** The commands about a factory on many hosts. BullMQ is loaded when one of them runs, and by nothing else. */
export function defineQueueCommands(
  factory: Command,
  withFactory: WithFactory,
  run: Run,
  context: CommandContext,
): void {
  const define = (usage: string, summary: string, example: string) => {
    const verb = usage.split(' ')[0];
    return withQueue(
      withFactory(factory.command(usage).description(summary))
        .showHelpAfterError(`  next: vmkiln factory ${verb} --help`)
        .requiredOption('--queue <url>', queueWords, filled),
    ).addHelpText('after', `\nExamples:\n  $ vmkiln factory ${verb} ${example}`);
  };
  const commands = () => import('./factory-queue.ts');
  define(
    'worker <file>',
    'Build what the queue has for this host, until it is told to stop.',
    'factory.yaml --queue rediss://queue.example.com --queue-password env:QUEUE_PASSWORD --label big',
  )
    .option('--label <label>', 'label of this host, besides its architecture and kvm or tcg (repeatable)', collect, [])
    .option('--jobs <n>', 'builds at the same time', positive, 1)
    .option('--nights', 'also decide what nights build, and report them: on one host of the factory')
    .option('--lease <duration>', 'time after which a silent worker loses its job', seconds, 60)
    .action(
      (
        file: string,
        options: FactoryQueueOptions & { label: string[]; jobs: number; lease: number; nights?: boolean },
      ) => run(async () => (await import('./factory-worker.ts')).worker(file, options, context)),
    );
  define(
    'enqueue <file> [image...]',
    'Put a night into the queue, of what has changed or of the named images, and its schedules.',
    'factory.yaml rhel9 --queue redis://127.0.0.1',
  )
    .option('--schedules', 'only bring the schedules in the queue up to date')
    .action((file: string, images: string[], options: FactoryQueueOptions & { schedules?: boolean }) =>
      run(async () => (await commands()).enqueue(file, images, options, context)),
    );
  define(
    'status <file>',
    'List the jobs of a factory, and where they are built.',
    "factory.yaml --queue redis://127.0.0.1 --json | jq '.queues[].jobs[]'",
  )
    .option('--json', 'print it as one JSON value')
    .action((file: string, options: FactoryQueueOptions & { json?: boolean }) =>
      run(async () => (await commands()).status(file, options, context)),
    );
  define(
    'cancel <file> <job>',
    'Take a job out of the queue, or end its build.',
    'factory.yaml nightly-20261128-020000-0000.rhel9 --queue redis://127.0.0.1',
  ).action((file: string, id: string, options: FactoryQueueOptions) =>
    run(async () => (await commands()).cancel(file, id, options, context)),
  );
  define(
    'retry <file> <job>',
    'Put a job that failed back into the queue.',
    'factory.yaml nightly-20261128-020000-0000.rhel9 --queue redis://127.0.0.1',
  ).action((file: string, id: string, options: FactoryQueueOptions) =>
    run(async () => (await commands()).retry(file, id, options, context)),
  );
  define(
    'logs <file> <job>',
    'Print what happens in a build of a worker.',
    'factory.yaml nightly-20261128-020000-0000.rhel9 --queue redis://127.0.0.1 --follow',
  )
    .option('--follow', 'go on until it has ended')
    .option('--json', 'print each event as a JSON object')
    .action((file: string, id: string, options: FactoryQueueOptions & { follow?: boolean; json?: boolean }) =>
      run(async () => (await commands()).logs(file, id, options, context)),
    );
  define(
    'drain <file>',
    'Let no further job begin on any host, and wait for those under way.',
    'factory.yaml --queue redis://127.0.0.1 --resume',
  )
    .option('--resume', 'let them begin again')
    .action((file: string, options: FactoryQueueOptions & { resume?: boolean }) =>
      run(async () => (await commands()).drain(file, options, context)),
    );
}
