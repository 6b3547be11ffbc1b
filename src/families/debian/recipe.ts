import { z } from 'zod';
import { checksum, medium } from '../../recipe/common.ts';
import { hostPath, line, show, size, url } from '../../recipe/values.ts';
import { recipeForm } from '../form.ts';
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
import { type Distribution, releaseOf, releasesOf } from './releases.ts';

const archive = (what: string) => url('a URL that starts with http:// or https://', /^https?:\/\/\S+$/).describe(what);

const mirror = z
  .strictObject({
    archive: archive('The archive, such as http://mirror.example.com/debian.'),
    security: archive(
      'The archive of security updates of Debian, such as http://mirror.example.com/debian-security. Ubuntu has them in the first.',
    ).optional(),
    keep: z.boolean().prefault(false).describe('Whether the image keeps these archives, instead of its own.'),
  })
  .optional()
  .describe(
    'Archives that packages come from, instead of those in the image. A snapshot, whose URL contains a time like 20260101T000000Z, gives the same packages on every day.',
  );

const repository = z.strictObject({
  id: line('the ID of a repository', /^[a-z0-9][a-z0-9._-]*$/).describe(
    'ID, and the name of its file in /etc/apt/sources.list.d.',
  ),
  uri: url('a URL that starts with http:// or https://', /^https?:\/\/\S+$/).describe(
    'Where the repository is, from the guest.',
  ),
  suites: z
    .array(line('the name of a suite', /^[A-Za-z0-9][A-Za-z0-9._/-]*$|^\.?\/$/))
    .min(1)
    .describe('Suites, such as bookworm, or `./` for a repository without suites.'),
  components: z
    .array(line('the name of a component', /^[A-Za-z0-9][A-Za-z0-9._/-]*$/))
    .prefault([])
    .describe('Components, such as main; none for a repository without suites.'),
  key: hostPath()
    .optional()
    .describe(
      'OpenPGP key that signs it, armored or not; relative to the recipe. By default the keys that the image trusts.',
    ),
  keep: z.boolean().prefault(false).describe('Whether the image keeps the repository and its key.'),
});

const cloudInit = z
  .strictObject({
    user: cloudUser().optional().describe(`${userDescription} By default debian or ubuntu.`),
    rootLogin,
  })
  .prefault({})
  .describe('What cloud-init does at first boot.');

const isRelease = ({ distribution, release }: { distribution: Distribution; release: string }) =>
  releasesOf(distribution).includes(release);

const inWords = (distribution: Distribution) => releasesOf(distribution).join(', ');

/** What to write for the name of a release. */
function releaseWritten(name: string): string {
  const release = releaseOf(name);
  return release === undefined ? '' : `: write release: "${release}"`;
}

/** The form of a recipe of Debian, and of Ubuntu. */
export const debianForm = recipeForm({
  family: z.literal('debian').describe('The family of operating systems.'),
  distribution: z.enum(['debian', 'ubuntu']).prefault('debian').describe('The distribution.'),
  release: line('a release in quotes like "12"', /^[0-9]+(\.[0-9]+)?$/, { remedy: releaseWritten }).describe(
    `Release in quotes: ${inWords('debian')}; of Ubuntu ${inWords('ubuntu')}.`,
  ),
  source: z
    .strictObject({
      image: medium('Cloud image (QCOW2) of the distribution to start from').optional(),
      ...channelKeys,
      sha256: checksum('the image'),
      keep: keepKey,
    })
    .refine(({ image, channel }) => (image === undefined) !== (channel === undefined), {
      error: 'expected either image, or the channel of one',
    })
    .superRefine(checkChannelKeys)
    .describe('Where the image starts from.'),
  mirror,
  repositories: z
    .array(repository)
    .superRefine(refuseSameIds)
    .prefault([])
    .describe('Your own repositories, besides the archives.'),
  proxy: proxyKey('packages'),
  caCertificates: caCertificatesKey,
  update: updateKey('they are'),
  disk: z
    .strictObject({
      size: size('2G')
        .optional()
        .describe('Size of the disk. By default that of the cloud image; its root partition and file system grow.'),
    })
    .prefault({})
    .describe('Disk of the image.'),
  packages: z
    .array(
      line(
        'a package as apt-get knows it: NAME, NAME=VERSION, NAME/SUITE or NAME:ARCHITECTURE',
        /^[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?([=/][A-Za-z0-9.+:~-]+)?$/,
      ),
    )
    .prefault([])
    .describe('Packages to install after the update.'),
  cloudInit,
  rootPassword: rootPasswordKey,
  customize: customizeKey,
}).superRefine((recipe, context) => {
  if (isRelease(recipe)) return;
  const { distribution, release } = recipe;
  const message = `expected a release of ${distribution} in quotes (${inWords(distribution)}), got ${show(release)}`;
  context.addIssue({ code: 'custom', path: ['release'], message });
});

export type DebianRecipe = z.output<typeof debianForm>;
