import { z } from 'zod';
import { distributionNames, distributionOf, type DistributionName } from './distributions.ts';
import { isRelease, releaseRange } from './releases.ts';
import { checksum, installKeys, machineKeys, medium } from '../../recipe/common.ts';
import {
  caCertificatesKey,
  channelKeys,
  checkChannelKeys,
  cloudUser,
  customizeKey,
  keepKey,
  proxyKey,
  refuseSameIds,
  rootLogin,
  rootPasswordKey,
  updateKey,
  userDescription,
} from '../linux/keys.ts';
import { recipeForm } from '../form.ts';
import { hasCredentials, hostPath, line, secret, show, size, url } from '../../recipe/values.ts';
import { kernelArgumentsKey } from './kernel-arguments.ts';
import { packageForm } from './packages.ts';
import { keyboard, locale, timeZone } from './settings.ts';

const identifier = (what: string) =>
  z.union([line(what), secret()], {
    error: ({ input }) =>
      `expected ${what}, or a reference { env: NAME } or { file: PATH }${typeof input === 'number' ? ': put quotes around the number' : ''}`,
  });

const subscription = z
  .strictObject({
    username: identifier('a user name').optional().describe('User of the Customer Portal or the Satellite.'),
    password: secret().optional().describe('Password of that user, by reference.'),
    organization: identifier('an organization')
      .optional()
      .describe('Organization: needed with activationKey, and for a user who belongs to several.'),
    environment: line('the name of an environment')
      .optional()
      .describe('Environment of a Satellite in which a user registers. An activation key has its own.'),
    activationKey: secret().optional().describe('Activation key, by reference, instead of a user and password.'),
    attach: line('none, auto or the ID of a pool', /^[A-Za-z0-9-]+$/)
      .prefault('none')
      .describe(
        'The subscription to attach: `none` under Simple Content Access or when the activation key attaches, `auto`, or the ID of a pool.',
      ),
    release: line('a minor release in quotes like "9.4"', /^[0-9]+\.[0-9]+$/)
      .optional()
      .describe('Minor release, in quotes, on which packages and updates stay (`subscription-manager release --set`).'),
    repositories: z
      // subscription-manager takes patterns (cli_command/repos.py).
      .array(line('the ID of a repository', /^[A-Za-z0-9._*?[\]!-]+$/))
      .prefault([])
      .describe('Repositories to enable while packages are installed; shell patterns are allowed.'),
    serverUrl: url('the URL of a Satellite, like https://satellite.example.com/rhsm', /^https:\/\/\S+$/)
      .optional()
      .describe('Registration server, if it is a Satellite and not the Customer Portal.'),
    contentUrl: url('the URL of the content, like https://satellite.example.com/pulp/repos', /^https:\/\/\S+$/)
      .optional()
      .describe('Content server of the Satellite.'),
    caCertificate: hostPath()
      .optional()
      .describe('PEM file with the CA certificate of the Satellite; relative to the recipe.'),
  })
  .superRefine((value, context) => {
    const user = value.username !== undefined && value.password !== undefined;
    const key = value.organization !== undefined && value.activationKey !== undefined;
    if (key && value.environment !== undefined) {
      const message = 'an activation key has its environment: expected it with a user only';
      return context.addIssue({ code: 'custom', path: ['environment'], message });
    }
    if (user && value.activationKey === undefined) return;
    if (key && value.username === undefined && value.password === undefined) return;
    context.addIssue({
      code: 'custom',
      message: 'expected either username and password, or organization and activationKey',
    });
  });

const repository = z.strictObject({
  id: line('the ID of a repository', /^[A-Za-z0-9][A-Za-z0-9._-]*$/).describe(
    'ID, and the name of its file in /etc/yum.repos.d.',
  ),
  name: line('a name').optional().describe('Name for people; the ID if left out.'),
  baseurl: url('a URL that starts with http://, https://, ftp:// or file://', /^(https?|ftp|file):\/\/\S+$/).describe(
    'Where the repository is, from the guest.',
  ),
  gpgcheck: z.boolean().prefault(true).describe('Whether packages must be signed.'),
  gpgkey: url('a URL of a key', /^(https?|ftp|file):\/\/\S+$/)
    .optional()
    .describe('Key that signs the packages; by default that of the distribution, in /etc/pki/rpm-gpg.'),
  keep: z.boolean().prefault(false).describe('Whether the image keeps the repository.'),
});

/** What stands for a release that the distribution does not have. */
function expectedRelease(distribution: DistributionName): string {
  return `a release of ${distributionOf({ distribution }).title} in quotes (${releaseRange(distribution)})`;
}

const packageWords = 'a package, a "@group", or the URL or path of an RPM';

const packageEntry = line(packageWords)
  .refine((text) => !text.startsWith('-'), {
    error: 'expected a package to install: remove one with a step `run: dnf -y remove …` of customize',
  })
  .refine((text) => text.startsWith('-') || packageForm(text) !== undefined, {
    error: ({ input }) => `expected ${packageWords}, got ${show(input)}`,
  })
  .refine((text) => !hasCredentials.test(text), {
    error: 'expected a URL without a user and password in it: they never belong in a recipe',
  });

/** What is wrong with the places that an image starts from, of which there is one. */
function sourceFault(input: unknown): string {
  const given = ['iso', 'image', 'channel'].filter((key) => Object.hasOwn((input ?? {}) as object, key));
  return `expected either iso or image, or the channel of one${given.length > 1 ? `, got ${given.join(' and ')}: leave out all but one` : ''}`;
}

const source = z
  .strictObject({
    iso: medium('Installation ISO').optional(),
    image: medium('Ready KVM guest image (QCOW2) to start from, instead of an installation').optional(),
    ...channelKeys,
    sha256: checksum('the ISO or image'),
    keep: keepKey,
  })
  .refine(({ iso, image, channel }) => [iso, image, channel].filter((each) => each !== undefined).length === 1, {
    error: ({ input }) => sourceFault(input),
  })
  .refine(({ iso, keep }) => iso === undefined || keep.length === 0, {
    path: ['keep'],
    error: 'expected keep with image only: of an installation nothing is removed that an earlier boot has left',
  })
  .superRefine(checkChannelKeys);

const install = z.strictObject({
  kickstart: hostPath()
    .optional()
    .describe(
      'Kickstart template: your own file, relative to the recipe, or one of the shipped ones. By default the shipped one of the release.',
    ),
  kernelArguments: kernelArgumentsKey,
  ...installKeys({ timeout: '60m', stallTimeout: '15m' }),
});

const usualUsers = distributionNames
  .map((name) => `${distributionOf({ distribution: name }).user} (${name})`)
  .join(', ');

/** Other mistakes of a recipe do not hide one in these two keys. */
const named = z.object({ distribution: z.enum(distributionNames).prefault('rhel'), release: z.string().min(1) });

/** The form of a recipe of the Red Hat Enterprise Linux family. */
export const rhelForm = recipeForm({
  family: z.literal('rhel').describe('The family of operating systems.'),
  distribution: z
    .enum(distributionNames)
    .prefault('rhel')
    .describe('The distribution: RHEL, or one that is made like it.'),
  release: line('a release in quotes like "7.9"', /^[0-9]+(\.[0-9]+)?$/).describe(
    `Release in quotes: ${distributionNames.map((name) => `of ${name} ${releaseRange(name)}`).join('; ')}.`,
  ),
  subscription: subscription
    .optional()
    .describe('Registration with Red Hat or a Satellite while packages are installed; vmkiln undoes it afterwards.'),
  repositories: z
    .array(repository)
    .superRefine(refuseSameIds)
    .prefault([])
    .describe('Your own repositories, instead of a subscription or beside it.'),
  distributionRepositories: z
    .boolean()
    .prefault(true)
    .describe(
      'Whether packages also come from the repositories that the system is installed with. With false only `repositories` count, such as mirrors for a host that reaches nothing else.',
    ),
  proxy: proxyKey('registration and packages'),
  caCertificates: caCertificatesKey,
  update: updateKey('when there is a subscription, a repository, or a distribution that has its own'),
  source: source.describe('Where the image starts from: an installation, or a ready image.'),
  disk: z
    .strictObject({
      size: size('2G')
        .optional()
        .describe(
          'Size of the disk: 8G by default. A ready image keeps its own size; if this one is larger, its last partition and the file system in it grow.',
        ),
    })
    .prefault({})
    .describe('Disk of the image.'),
  machine: z
    .strictObject(machineKeys({ memory: '1G' }, { memory: '2G' }))
    .prefault({})
    .describe('Virtual machine that the installation runs in.'),
  language: locale().prefault('en_US.UTF-8').describe('Language of the system.'),
  keyboard: keyboard().prefault('us').describe('Keyboard layout.'),
  timezone: timeZone().prefault('Etc/UTC').describe('Time zone.'),
  install: install.prefault({}).describe('How the installer is driven.'),
  packages: z
    .array(packageEntry)
    .prefault([])
    .describe(
      'Packages to install after the update, as dnf or yum of the release accepts them: NAME, NAME.ARCH, NAME-VERSION, "@group", "@^environment", "@module:stream", patterns, capabilities, the URL of an RPM, or your own RPM, relative to the recipe.',
    ),
  cloudInit: z
    .strictObject({
      user: cloudUser()
        .optional()
        .describe(`${userDescription} By default that of its own cloud images: ${usualUsers}.`),
      rootLogin,
      network: z
        .enum(['guide', 'metadata'])
        .prefault('guide')
        .describe(
          'Who configures the network: `guide` is a connection eth0 with DHCP in the image; `metadata` is cloud-init at first boot, from the metadata of the instance (for clouds without DHCP; not on RHEL 6).',
        ),
    })
    .prefault({})
    .describe('What cloud-init does at first boot.'),
  rootPassword: rootPasswordKey,
  customize: customizeKey,
}).refine((recipe) => isRelease(named.parse(recipe)), {
  path: ['release'],
  error: ({ input }) => {
    const { distribution, release } = named.parse(input);
    const isStream = distribution === 'centos' && isRelease({ distribution: 'centos-stream', release });
    return `expected ${expectedRelease(distribution)}, got ${show(release)}${isStream ? ': write distribution: centos-stream' : ''}`;
  },
  when: ({ value }) => named.safeParse(value).success,
});

export type RhelRecipe = z.output<typeof rhelForm>;
