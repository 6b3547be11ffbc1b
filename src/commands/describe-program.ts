import { Option } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import type { Define, Run } from './image-options.ts';
import { filled } from './option-values.ts';

/** The commands about what is in an image. What they do is imported when they run: help must be quick. */
export function defineDescribeCommands(define: Define, run: Run, context: CommandContext): void {
  define('describe <image>', 'Show what is in an image: packages, services, users, kernels, file systems.', [
    'vmkiln describe images/rhel7.qcow2',
    'vmkiln describe images/rhel7.qcow2 --format cyclonedx > rhel7.cdx.json',
  ])
    .addOption(
      new Option('--format <format>', 'how to print it').choices(['text', 'json', 'cyclonedx', 'spdx']).default('text'),
    )
    .addOption(new Option('--json', 'print the inventory as one JSON value: --format json').implies({ format: 'json' }))
    .action((image, options) => run(async () => (await import('./describe.ts')).describe(image, options, context)));
  define(
    'diff <from> <to>',
    'Show how two images differ: packages, services, users, kernels, files below /etc, sizes.',
    [
      'vmkiln diff images/old.qcow2 images/new.qcow2',
      'vmkiln diff rhel7-20261127-031500-5d0e rhel7 --markdown',
      'vmkiln diff images/rhel7.qcow2.inventory.json images/new.qcow2 --json',
    ],
  )
    .option('--markdown', 'print the difference as Markdown')
    .option('--json', 'print the difference as one JSON value')
    .action((from, to, options) => run(async () => (await import('./diff.ts')).diff(from, to, options, context)));
  define(
    'verify-provenance <image>',
    'Verify that the files beside an image were written for it, and who signed them; offline.',
    [
      'vmkiln verify-provenance images/rhel7.qcow2 --key signer.pub',
      'vmkiln verify-provenance images/rhel7.qcow2 --json',
    ],
  )
    .option('--key <file>', 'public key (PEM) that must have signed every statement', filled)
    .option('--json', 'print what was verified as one JSON value')
    .action((image, options) =>
      run(async () => (await import('./verify-provenance.ts')).verifyProvenance(image, options, context)),
    );
}
