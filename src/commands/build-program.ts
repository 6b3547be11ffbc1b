import { Option } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import type { Define, Run } from './image-options.ts';
import { filled, positive } from './option-values.ts';

/** The commands about builds that are over, or under way. What they do is imported when they run: help must be quick. */
export function defineBuildCommands(define: Define, run: Run, context: CommandContext): void {
  define('builds [build]', 'List the builds, the latest first, or show one: its stages, commands and images.', [
    'vmkiln builds',
    'vmkiln builds --recipe rhel7 --failed --limit 5',
    'vmkiln builds rhel7-20261128-031500-5d0e',
    'vmkiln builds --json | jq -r \'.[] | select(.outcome == "done") | .build\'',
  ])
    .option('--recipe <name>', 'only those of this recipe or image', filled)
    .option('--failed', 'only those that ended without an image')
    .option('--limit <n>', 'at most this many', positive)
    .option('--json', 'print what is known as one JSON value')
    .action((build, options) => run(async () => (await import('./builds.ts')).builds(build, options, context)));
  define('explain [build]', 'Say why a build failed, by default the last one: the cause, its evidence, a remedy.', [
    'vmkiln explain',
    'vmkiln explain rhel7',
    "vmkiln explain 5d0e --json | jq '.causes[0]'",
  ])
    .option('--json', 'print what was found as one JSON value')
    .action((build, options) => run(async () => (await import('./explain.ts')).explain(build, options, context)));
  define('logs [build]', 'Print what happened in a build, by default the latest, as `build --ui plain` does.', [
    'vmkiln logs',
    'vmkiln logs rhel7 --follow',
    'vmkiln logs 5d0e --json | jq -r \'select(.type == "warning").message\'',
  ])
    .option('--follow', 'go on until the build has ended')
    .option('--json', 'print the events as they are stored, one JSON value a line')
    .action((build, options) => run(async () => (await import('./logs.ts')).logs(build, options, context)));
  define('report [build]', 'Write a page about a build, by default the latest: one HTML file, without network.', [
    'vmkiln report',
    'vmkiln report rhel7 --out rhel7.html',
    'vmkiln report --all --out /srv/www/builds',
  ])
    .option('--all', 'write the pages of all builds, and an index over them')
    .option('--out <file>', 'file to write, with --all the folder (default: BUILD.html; report)', filled)
    .action((build, options) => run(async () => (await import('./report.ts')).report(build, options, context)));
  define('console [build]', 'Print the console of a guest that a failed build kept, or that is being installed.', [
    'vmkiln console',
    'vmkiln console rhel7',
  ]).action((build) => run(async () => (await import('./console.ts')).console(build, context)));
  define('shell [build]', 'Open guestfish on an overlay of the disk that a failed build kept.', [
    'vmkiln shell',
    "echo 'cat /etc/os-release' | vmkiln shell rhel7",
  ]).action((build) => run(async () => (await import('./shell.ts')).shell(build, context)));
  defineClean(define, run, context);
}

function defineClean(define: Define, run: Run, context: CommandContext): void {
  define('clean', 'Remove what dead builds left behind: domains, processes, temporary files.', [
    'vmkiln clean',
    'vmkiln clean --keep-size 50G',
    'vmkiln clean --builds --keep 30 --keep-days 90 --dry-run',
    'vmkiln clean --cache --builds',
  ])
    .option('--cache', 'also remove the checkpoints that no running build uses')
    .addOption(
      new Option('--keep-size <size>', 'also remove the least recently used checkpoints, down to this size')
        .argParser(filled)
        .conflicts('cache'),
    )
    .option('--builds', 'also remove the folders of finished builds, but for the manifests that predictions need')
    .option('--keep <n>', 'with --builds: keep the latest n of each image, and what --on-error keep left', positive)
    .option('--keep-days <n>', 'with --builds: keep those of the last n days, likewise', positive)
    .option('--dry-run', 'remove nothing: list what would go')
    .option('--json', 'print what was removed, and what stays, as one JSON value')
    .action((options) => run(async () => (await import('./clean.ts')).clean(options, context)));
}
