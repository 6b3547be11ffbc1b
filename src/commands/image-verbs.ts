import { type Command, Option } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import {
  allowUnfit,
  cloudOption,
  type Define,
  type Run,
  visibilities,
  withFields,
  withProject,
  withProjectDomain,
  withVisibility,
} from './image-options.ts';
import { collect, filled, seconds, whole } from './option-values.ts';

/** One of the commands below `vmkiln image`. */
type Verb = (usage: string, summary: string, ...examples: readonly string[]) => Command;

/** `vmkiln image`, and the commands below it. */
export function defineImage(define: Define, run: Run, context: CommandContext): void {
  const image = define('image', 'List, show and change images in a cloud.', [
    'vmkiln image list --os-cloud mycloud --all',
    'vmkiln image set rhel7 --os-cloud mycloud --min-disk 10 --property hw_disk_bus=scsi --remove-property hw_vif_model',
    'vmkiln image hide 5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11',
    'vmkiln image import rhel7 --method copy-image --store ceph',
    'vmkiln image save rhel7 --file rhel7.qcow2',
  ]);
  const verb: Verb = (usage, summary, ...examples) =>
    image
      .command(usage)
      .description(summary)
      .addOption(cloudOption())
      .option('--json', 'print the result as one JSON value')
      .showHelpAfterError(`  next: vmkiln image ${usage.split(' ')[0]} --help`)
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ vmkiln image ${line}`).join('\n')}`);
  defineReading(verb, run, context);
  defineChanging(verb, run, context);
  defineData(verb, run, context);
}

function defineReading(verb: Verb, run: Run, context: CommandContext): void {
  const list = verb(
    'list',
    'List images.',
    'list --os-cloud mycloud --all --sort created_at:desc --limit 10',
    'list --property os_distro=rhel --long -f json',
    "list --name 'rhel:7.9' -f value -c ID",
  )
    .option('--name <name>', 'only those of exactly this name')
    .option('--status <status>', 'only those in this state')
    .option('--tag <tag>', 'only those with this tag (repeatable)', collect)
    .option('--property <key=value>', 'only those with this property (repeatable)', collect);
  withProject(list, 'only those of this project (name or id)');
  const only = {
    public: 'only public images',
    private: 'only private images',
    community: 'only community images',
    shared: 'only shared images',
  };
  withVisibility(list, 'only those of this visibility', [...visibilities, 'all'], only)
    .addOption(
      new Option(
        '--member-status <status>',
        'of images that others share: only those your project has given this',
      ).choices(['accepted', 'pending', 'rejected', 'all']),
    )
    .option('--hidden', 'hidden images instead of the others')
    .option('--all', 'images of every visibility, hidden ones too')
    .option('--long', 'more columns')
    .option('-c, --column <name>', 'show this column (repeatable)', collect)
    .addOption(formatOption(['value', 'json', 'csv', 'table']))
    .option('--sort <key:direction>', 'order, such as created_at:desc,name (default: name:asc)', filled)
    .option('--limit <n>', 'at most this many', whole)
    .action((options) => run(async () => (await import('./image-list.ts')).list(options, context)));
  verb(
    'show <image>',
    'Show all fields and properties of an image.',
    'show rhel7 --os-cloud mycloud --json',
    'show rhel7 -f value -c id',
  )
    .option('-c, --column <field>', 'show this field or property (repeatable)', collect)
    .addOption(formatOption(['value', 'json', 'table']))
    .action((id, options) => run(async () => (await import('./image-read.ts')).show(id, options, context)));
  verb(
    'methods',
    'Show how images get into this cloud: import methods, stores, version.',
    'methods --os-cloud mycloud',
  ).action((options) => run(async () => (await import('./image-read.ts')).methods(options, context)));
}

function formatOption(choices: readonly string[]): Option {
  const description = 'how to print it, as the openstack client would';
  return new Option('-f, --format <format>', description).choices(choices).conflicts('json');
}

function defineChanging(verb: Verb, run: Run, context: CommandContext): void {
  const set = verb(
    'set <image>',
    'Change fields and properties of an image.',
    'set rhel7 --min-disk 10 --property hw_disk_bus=scsi --remove-property hw_vif_model',
    'set rhel7 --shared --unprotected --hidden',
    'set 5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11 --accept',
  );
  withProject(
    withFields(set)
      .option('--name <name>', 'its name', filled)
      .option('--description <text>', 'what it is for')
      .option('--disk-format <format>', 'disk format; only before it has data')
      .option('--container-format <format>', 'container format; only before it has data')
      .option('--remove-property <key>', 'remove a property (repeatable)', collect)
      .option('--remove-tag <tag>', 'remove a tag (repeatable)', collect)
      .option('--hidden', 'leave it out of lists')
      .option('--unhidden', 'show it in lists')
      .option('--activate', 'allow it to be downloaded again')
      .option('--deactivate', 'allow only administrators to download it')
      .option('--accept', 'accept that it is shared with your project, or with that of --project')
      .option('--reject', 'reject that')
      .option('--pending', 'take the answer back'),
    'project that owns it; with --accept, --reject and --pending: whose answer it is (name or id)',
  ).action((id, options) => run(async () => (await import('./image-set.ts')).set(id, options, context)));
  verb('unset <image>', 'Remove properties and tags of an image.', 'unset rhel7 --property hw_vif_model --tag golden')
    .option('--property <key>', 'remove this property (repeatable)', collect)
    .option('--tag <tag>', 'remove this tag (repeatable)', collect)
    .action((id, options) => run(async () => (await import('./image-set.ts')).unset(id, options, context)));
  for (const [name, summary] of [
    ['hide', 'Leave images out of lists.'],
    ['unhide', 'Show images in lists again.'],
    ['delete', 'Delete images.'],
    ['deactivate', 'Allow only administrators to download images.'],
    ['reactivate', 'Allow images to be downloaded again.'],
  ] as const) {
    verb(`${name} <image...>`, summary, `${name} rhel7 5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11`).action((ids, options) =>
      run(async () => (await import('./image-change.ts')).each(name, ids, options, context)),
    );
  }
  withProjectDomain(
    verb(
      'members <image>',
      'Show and change which projects an image is shared with.',
      'members rhel7 --add demo --remove 5f3e0b0c6f0e4d1e9d2a0f3a3c1f1d11',
    )
      .option('--add <project>', 'share it with a project (name or id; repeatable)', collect)
      .option('--remove <project>', 'stop sharing it with a project (name or id; repeatable)', collect)
      .addOption(
        new Option('--answer <status>', 'accept or reject it for your project').choices([
          'accepted',
          'rejected',
          'pending',
        ]),
      ),
  ).action((id, options) => run(async () => (await import('./image-change.ts')).members(id, options, context)));
}

function defineData(verb: Verb, run: Run, context: CommandContext): void {
  verb(
    'import <image>',
    'Import the data of an image, or copy it to other stores, and wait for the end.',
    'import rhel7 --method copy-image --store ceph',
    'import rhel7 --method web-download --uri https://mirror.example.com/rhel7.qcow2',
  )
    .addOption(
      new Option('--method <method>', 'import method')
        .choices(['glance-direct', 'web-download', 'copy-image'])
        .makeOptionMandatory(),
    )
    .option('--uri <url>', 'for web-download: where the cloud finds it')
    .option('--file <file>', 'for glance-direct: the file')
    .option('--allow-unfit', allowUnfit)
    .option('--store <store>', 'store to put it into (repeatable)', collect)
    .option('--all-stores', 'put it into all stores')
    .option('--import-timeout <duration>', 'longest time to wait (default: 1h)', seconds)
    .action((id, options) => run(async () => (await import('./image-import.ts')).importImage(id, options, context)));
  verb(
    'save <image>',
    'Download the data of an image, verified; continues an interrupted download.',
    'save rhel7 --os-cloud mycloud --file rhel7.qcow2',
    'save rhel7 > rhel7.qcow2',
  )
    .option('--file <file>', 'file to write (default: standard output)', filled)
    .option('--force', 'replace an existing file')
    .action((id, options) => run(async () => (await import('./image-save.ts')).save(id, options, context)));
}
