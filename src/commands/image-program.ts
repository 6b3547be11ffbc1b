import { type Command, InvalidArgumentError, Option } from 'commander';
import { diskFormats, hashMethods, uploadMethods } from '../targets/glance/words.ts';
import { parseDuration } from '../recipe/units.ts';
import type { CommandContext } from '../ui/ui.ts';

type Run = (command: () => Promise<number | void>) => Promise<void>;
type Define = (usage: string, summary: string, examples: readonly string[]) => Command;

const allowUnfit = 'upload it as it is even if it is damaged, packed or not what it is called';

/** The commands about images in a cloud. What they do is imported when they run: help must be quick. */
export function defineImageCommands(define: Define, run: Run, context: CommandContext): void {
  defineUpload(define, run, context);
  defineImage(define, run, context);
  define('verify-signature <image>', 'Verify the signature of an image, as Compute does before booting it.', [
    'vmkiln verify-signature 5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11 --os-cloud mycloud',
    'vmkiln verify-signature images/rhel7.qcow2 --signature rhel7.sig --certificate signer.pem --hash SHA-256',
  ])
    .addOption(cloudOption())
    .option('--signature <file>', 'for a file: its signature, in base64 or binary')
    .option('--certificate <file>', 'certificate (PEM) to verify with, instead of the one in the key manager')
    .addOption(new Option('--hash <method>', 'for a file: hash method of the signature').choices(hashMethods))
    .action((image, options) =>
      run(async () => (await import('./verify-signature.ts')).verifySignature(image, options, context)),
    );
}

function defineUpload(define: Define, run: Run, context: CommandContext): void {
  const command = define('upload [image]', 'Upload an image to clouds; a second time it changes nothing.', [
    'vmkiln upload images/rhel7.qcow2 --to mycloud --property hw_disk_bus=virtio --min-disk 8',
    'vmkiln upload images/rhel7.qcow2 --to one/RegionOne --to two --replace --keep 3 --dry-run',
    'vmkiln upload https://mirror.example.com/rhel7.qcow2 --to mycloud --name rhel7',
    'vmkiln upload --failed rhel7-20261128-031500-5d0e',
  ])
    .addOption(
      new Option(
        '--to <target>',
        'CLOUD or CLOUD/REGION of clouds.yaml, or a folder: /…, ./… or …/ (repeatable)',
      ).argParser(collect),
    )
    .option('--name <name>', 'name of the image (default: that of the file)')
    .option('--id <id>', 'id of the image')
    .option('--description <text>', 'what the image is for')
    .addOption(
      new Option('--disk-format <format>', 'disk format; the image is converted if it is another one').choices(
        diskFormats,
      ),
    );
  withFields(command)
    .addOption(new Option('--method <method>', 'upload method').choices(uploadMethods))
    .option('--import', 'import it (glance-direct), so that the cloud may convert it')
    .option('--store <store>', 'store to put it into (repeatable)', collect)
    .option('--import-timeout <duration>', 'longest time that an import may take (default: 1h)', seconds)
    .option('--hidden', 'leave it out of lists')
    .option('--project <id>', 'project that owns it')
    .option('--sign-key-path <file>', 'private key to sign it with')
    .option('--sign-cert-id <certificate>', 'certificate of that key: its id in the key manager, or a PEM file')
    .addOption(new Option('--sign-hash <method>', 'hash method of the signature').choices(hashMethods))
    .option('--sign-passphrase-env <name>', 'environment variable with the passphrase of the key')
    .option('--replace', 'hide the images of the same name once it is there')
    .option('--keep <n>', 'with --replace: how many of them stay; older ones that vmkiln made are deleted', whole)
    .option('--rollback', 'let it take the place of newer images too')
    .option('--failed <build>', 'instead of an image: publish that of a build to its targets that failed')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--allow-rehearsal', 'upload it even if it is the result of a rehearsal')
    .option('--allow-unfit', allowUnfit)
    .option('--guest', 'look for the guest operating system too, and set its properties')
    .option('--json', 'print what was done as one JSON value')
    .action((image, options) => run(async () => (await import('./upload.ts')).upload(image, options, context)));
}

function defineImage(define: Define, run: Run, context: CommandContext): void {
  const image = define('image', 'List, show and change images in a cloud.', [
    'vmkiln image list --os-cloud mycloud --all',
    'vmkiln image set rhel7 --os-cloud mycloud --min-disk 10 --property hw_disk_bus=scsi --remove-property hw_vif_model',
    'vmkiln image hide 5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11',
    'vmkiln image import rhel7 --method copy-image --store ceph',
  ]);
  const verb = (usage: string, summary: string) =>
    image
      .command(usage)
      .description(summary)
      .addOption(cloudOption())
      .option('--json', 'print the result as one JSON value')
      .showHelpAfterError(`  next: vmkiln image ${usage.split(' ')[0]} --help`);
  verb('list', 'List images.')
    .option('--name <name>', 'only those of this name')
    .option('--status <status>', 'only those in this state')
    .option('--tag <tag>', 'only those with this tag (repeatable)', collect)
    .option('--property <key=value>', 'only those with this property (repeatable)', collect)
    .option('--project <id>', 'only those of this project')
    .addOption(visibilityOption('only those of this visibility'))
    .option('--hidden', 'hidden images instead of the others')
    .option('--all', 'hidden images too')
    .option('--sort <key:direction>', 'order, such as created_at:desc (default: name:asc)')
    .option('--limit <n>', 'at most this many', whole)
    .action((options) => run(async () => (await import('./image-read.ts')).list(options, context)));
  verb('show <image>', 'Show all fields and properties of an image.').action((id, options) =>
    run(async () => (await import('./image-read.ts')).show(id, options, context)),
  );
  verb('methods', 'Show how images get into this cloud: import methods, stores, version.').action((options) =>
    run(async () => (await import('./image-read.ts')).methods(options, context)),
  );
  withFields(verb('set <image>', 'Change fields and properties of an image.'))
    .option('--name <name>', 'its name')
    .option('--description <text>', 'what it is for')
    .option('--disk-format <format>', 'disk format; only before it has data')
    .option('--container-format <format>', 'container format; only before it has data')
    .option('--remove-property <key>', 'remove a property (repeatable)', collect)
    .option('--remove-tag <tag>', 'remove a tag (repeatable)', collect)
    .action((id, options) => run(async () => (await import('./image-change.ts')).set(id, options, context)));
  for (const [name, summary] of [
    ['hide', 'Leave images out of lists.'],
    ['unhide', 'Show images in lists again.'],
    ['delete', 'Delete images.'],
    ['deactivate', 'Allow only administrators to download images.'],
    ['reactivate', 'Allow images to be downloaded again.'],
  ] as const) {
    verb(`${name} <image...>`, summary).action((ids, options) =>
      run(async () => (await import('./image-change.ts')).each(name, ids, options, context)),
    );
  }
  verb('import <image>', 'Import the data of an image, or copy it to other stores, and wait for the end.')
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
  verb('members <image>', 'Show and change which projects an image is shared with.')
    .option('--add <project>', 'share it with a project (repeatable)', collect)
    .option('--remove <project>', 'stop sharing it with a project (repeatable)', collect)
    .addOption(
      new Option('--answer <status>', 'accept or reject it for your project').choices([
        'accepted',
        'rejected',
        'pending',
      ]),
    )
    .action((id, options) => run(async () => (await import('./image-change.ts')).members(id, options, context)));
}

/** Fields that an image is made with and that can be changed later. */
function withFields(command: Command): Command {
  return command
    .option('--architecture <architecture>', 'architecture, such as x86_64')
    .option('--os-name <id>', 'operating system as libosinfo calls it, such as rhel7.9')
    .option('--kernel-id <id>', 'image with the kernel')
    .option('--ramdisk-id <id>', 'image with the initial RAM disk')
    .option('--min-disk <GB>', 'smallest disk that boots it', whole)
    .option('--min-ram <MB>', 'least memory that boots it', whole)
    .option('--property <key=value>', 'set a property (repeatable)', collect)
    .option('--tag <tag>', 'add a tag (repeatable)', collect)
    .addOption(visibilityOption('who sees it'))
    .option('--public', 'everybody sees it')
    .option('--private', 'its project sees it')
    .option('--community', 'everybody who asks for it sees it')
    .option('--shared', 'its project and its members see it')
    .option('--protected', 'it cannot be deleted')
    .option('--unprotected', 'it can be deleted');
}

function visibilityOption(description: string): Option {
  return new Option('--visibility <kind>', description).choices(['public', 'private', 'shared', 'community']);
}

function cloudOption(): Option {
  return new Option('--os-cloud <cloud>', 'CLOUD or CLOUD/REGION of clouds.yaml (default: OS_CLOUD and OS_*)');
}

function collect(value: string, all: readonly string[] | undefined): string[] {
  if (value === '') throw new InvalidArgumentError('It must not be empty.');
  return [...(all ?? []), value];
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function seconds(text: string): number {
  const value = parseDuration(text);
  if (value === undefined) throw new InvalidArgumentError('It must be a duration like 90s, 60m or 2h.');
  return value;
}
