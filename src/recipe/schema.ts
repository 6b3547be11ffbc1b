import { z } from 'zod';
import { glance } from './glance.ts';
import { hooks } from './hooks.ts';
import { rhelKeys } from './rhel.ts';
import { step } from './steps.ts';
import { duration, line, secret, show, size } from './values.ts';

const source = z.strictObject({
  iso: line('a path or a URL').describe(
    'Installation ISO: a URL, or a path relative to the recipe, or else to the current folder.',
  ),
  sha256: line('64 hexadecimal digits, or the URL or path of a SHA256SUMS file')
    .optional()
    .describe(
      'Checksum of the ISO: 64 hexadecimal digits, or the URL or path of a SHA256SUMS file. Verified when given.',
    ),
});

const machine = z.strictObject({
  memory: size('1G').prefault('2G').describe('Memory of the virtual machine during the installation.'),
  vcpus: z.int().min(1).max(64).prefault(2).describe('Virtual CPUs during the installation.'),
  firmware: z.enum(['bios', 'uefi']).prefault('bios').describe('Firmware that the image boots with.'),
});

const install = z.strictObject({
  kickstart: line('a path')
    .optional()
    .describe(
      'Kickstart template: a file of yours beside the recipe, or one of those shipped. By default the shipped one of the release.',
    ),
  timeout: duration().prefault('60m').describe('The longest that the whole installation may take.'),
  stallTimeout: duration().prefault('15m').describe('The longest that the installation may show no sign of progress.'),
  variables: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), line('text on one line'))
    .prefault({})
    .describe('Values for a kickstart template of your own, as {{variables.NAME}}.'),
});

const output = z
  .strictObject({
    format: z.enum(['qcow2', 'raw']).prefault('qcow2').describe('Format of the image.'),
    compression: z
      .enum(['zlib', 'zstd', 'none'])
      .prefault('zlib')
      .describe('Compression of a qcow2. QEMU before 5.1 cannot read zstd.'),
  })
  .transform((value) => (value.format === 'raw' ? { ...value, compression: 'none' as const } : value));

const target = z
  .strictObject({
    directory: z
      .strictObject({ path: line('a path').describe('The folder; relative to the current folder.') })
      .optional()
      .describe('A folder with an index.json and a checksum beside each image.'),
    glance: glance.optional().describe('The Image service of an OpenStack cloud.'),
  })
  .refine((value) => (value.directory === undefined) !== (value.glance === undefined), {
    error: 'expected one target in each entry of the list: directory or glance',
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const commonKeys = {
  name: line(
    'a name of letters, digits, ".", "_" and "-" (at most 64, not starting with "." or "-")',
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
  ).describe('Name of the image.'),
  description: z.string().optional().describe('What the image is for.'),
  source: source.describe('Where the installation starts from.'),
  disk: z
    .strictObject({ size: size('2G').describe('Size of the disk.') })
    .prefault({ size: '8G' })
    .describe('Disk of the image.'),
  machine: machine.prefault({}).describe('Virtual machine that the installation runs in.'),
  language: line('a locale like en_US.UTF-8', /^[A-Za-z0-9_.@-]+$/)
    .prefault('en_US.UTF-8')
    .describe('Language of the system.'),
  keyboard: line('a keyboard layout like us', /^[A-Za-z0-9_.-]+$/)
    .prefault('us')
    .describe('Keyboard layout.'),
  timezone: line('a time zone like Europe/Berlin', /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/)
    .prefault('Etc/UTC')
    .describe('Time zone.'),
  install: install.prefault({}).describe('How the installer is driven.'),
  packages: z
    .array(line('the name of a package or of a @group', /^@?[A-Za-z0-9_/][A-Za-z0-9._+:/()^-]*$/))
    .prefault([])
    .describe('Packages to install after the update.'),
  cloudInit: z
    .strictObject({
      user: line('a user name', /^[a-z_][a-z0-9_-]{0,31}$/)
        .refine((user) => user !== 'root', { error: 'expected another user than root' })
        .prefault('cloud-user')
        .describe('User that cloud-init makes: with sudo, without a password, with the SSH keys of the instance.'),
    })
    .prefault({})
    .describe('What cloud-init does at first boot.'),
  rootPassword: secret().optional().describe('Password of root, by reference. Without it root is locked.'),
  customize: z.array(step).prefault([]).describe('Steps of yours, after the built-in ones.'),
  output: output.prefault({}).describe('How the image is written.'),
  upload: z
    .array(target)
    .prefault([{ directory: { path: './images' } }])
    .describe('Where the finished image goes.'),
  hooks: hooks
    .prefault({})
    .describe('Scripts of yours that run on this host around the build. None of them changes the image.'),
};

const { name, description, ...otherKeys } = commonKeys;

/** The one definition of a recipe, its keys in the order the reference shows them. Sizes come out in bytes, durations in seconds. */
export const recipeSchema = z.strictObject({ name, description, ...rhelKeys, ...otherKeys });

/** A validated recipe, with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>;

/** What is said of a key that must be there. */
export const missing = 'is missing';

/** Words for problems that the schema itself has none for. Values of secrets never get here: they have words of their own. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? missing
      : `expected ${kinds[issue.expected] ?? issue.expected}, got ${show(issue.input)}`;
  }
  if (issue.code === 'invalid_value') {
    if (issue.input === undefined) return missing;
    return `expected ${issue.values.map(String).join(' or ')}, got ${show(issue.input)}`;
  }
  if (issue.code === 'too_small' && isNumber(issue.origin))
    return `expected at least ${issue.minimum}, got ${show(issue.input)}`;
  if (issue.code === 'too_big' && isNumber(issue.origin))
    return `expected at most ${issue.maximum}, got ${show(issue.input)}`;
  return undefined;
}

function isNumber(origin: string): boolean {
  return origin === 'int' || origin === 'number';
}

const kinds: Record<string, string> = {
  object: 'a map of keys',
  array: 'a list',
  record: 'a map of names to texts',
  string: 'text (in quotes if it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};
