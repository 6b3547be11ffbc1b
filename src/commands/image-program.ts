import { Option } from 'commander';
import { diskFormats, hashMethods, uploadMethods } from '../targets/glance/words.ts';
import type { CommandContext } from '../ui/ui.ts';
import { allowUnfit, cloudOption, type Define, type Run, withFields, withProject } from './image-options.ts';
import { defineImage } from './image-verbs.ts';
import { collect, seconds, whole } from './option-values.ts';

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
  const command = define(
    'upload [image]',
    'Upload an image (a file, a URL, or - for standard input); a second time it changes nothing.',
    [
      'vmkiln upload images/rhel7.qcow2 --to mycloud --property hw_disk_bus=virtio --min-disk 8',
      'vmkiln upload images/rhel7.qcow2 --to one/RegionOne --to two --replace --keep 3 --dry-run',
      'vmkiln upload https://mirror.example.com/rhel7.qcow2 --to mycloud --name rhel7',
      'xz -dc rhel7.qcow2.xz | vmkiln upload - --os-cloud mycloud --name rhel7',
      'vmkiln upload --failed rhel7-20261128-031500-5d0e',
    ],
  )
    .addOption(
      new Option(
        '--to <target>',
        'CLOUD or CLOUD/REGION of clouds.yaml, or a folder: /…, ./… or …/ (repeatable)',
      ).argParser(collect),
    )
    .addOption(cloudOption())
    .option('--name <name>', 'name of the image (default: that of the file)')
    .option('--id <id>', 'id of the image')
    .option('--description <text>', 'what the image is for')
    .addOption(
      new Option('--disk-format <format>', 'disk format; the image is converted if it is another one').choices(
        diskFormats,
      ),
    );
  withProject(withFields(command), 'project that owns it (name or id)')
    .addOption(new Option('--method <method>', 'upload method').choices(uploadMethods))
    .option('--import', 'import it (glance-direct), so that the cloud may convert it')
    .option('--store <store>', 'store to put it into (repeatable)', collect)
    .option('--import-timeout <duration>', 'longest time that an import may take (default: 1h)', seconds)
    .option('--hidden', 'leave it out of lists')
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
