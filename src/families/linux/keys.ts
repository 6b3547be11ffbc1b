import { z } from 'zod';
import { duration, hostPath, line, secret, url } from '../../recipe/values.ts';
import { channelForm } from '../../recipe/media.ts';
import { step } from './step-keys.ts';

/** The proxy of a distribution's package manager, `what` says what goes through it. */
export const proxyKey = (what: string) =>
  z
    .strictObject({
      url: url('a proxy like http://proxy.example.com:3128', /^https?:\/\/[^\s/]+\/?$/).describe(
        'Address of the proxy. The default port is 80, or 443 with https://.',
      ),
      user: line('a user name').optional().describe('User at the proxy.'),
      password: secret().optional().describe('Password at the proxy, by reference.'),
    })
    .optional()
    .describe(`HTTP proxy for ${what} while the image is built. The image keeps nothing of it.`);

export const caCertificatesKey = z
  .array(hostPath())
  .prefault([])
  .describe('PEM files of CAs, for internal repositories: the build and the image trust them; relative to the recipe.');

/** `preset` says when packages are updated without it. */
export const updateKey = (preset: string) =>
  z
    .union([z.boolean(), z.strictObject({ maxAge: duration(366).describe('Age, such as 20h or 7d.') })], {
      error: 'expected true, false or { maxAge: 20h }',
    })
    .optional()
    .describe(
      `Whether all packages are updated; by default ${preset}. Updates older than \`maxAge\` (by default 20h) are not reused from a checkpoint.`,
    );

/** Of a `source` that is a ready image. */
/** What goes with the channel of a source, and what does not: its digest is known. */
export function checkChannelKeys(
  {
    channel,
    in: place,
    sha256,
  }: { channel?: string | undefined; in?: string | undefined; sha256?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (channel !== undefined && sha256 !== undefined && sha256 !== '') {
    context.addIssue({
      code: 'custom',
      path: ['sha256'],
      message: 'expected no sha256 with channel: it changes with it',
    });
  }
  if (channel === undefined && place !== undefined) {
    context.addIssue({ code: 'custom', path: ['in'], message: 'expected in with channel only' });
  }
}

/** The keys of a source that is the image of a channel. */
export const channelKeys = {
  channel: line('the name of a channel, such as rhel9-base', channelForm)
    .optional()
    .describe('Channel from whose image the build starts: the image that the channel has when the build begins.'),
  in: line('a folder or a cloud')
    .optional()
    .describe(
      'Where the channel is: a folder (`./DIR`, `DIR/`; relative to the current folder) or a cloud. By default `./images`.',
    ),
};

export const keepKey = z
  .array(line('an absolute path in the image; shell patterns are allowed', /^\/[A-Za-z0-9._@+,=~?*/-]*[^/]$/))
  .prefault([])
  .describe(
    'Files and folders of a ready image that vmkiln would remove as traces of an earlier boot, but that must stay (docs/images.md, Ready images); shell patterns are allowed.',
  );

/** The user that cloud-init makes. */
export const cloudUser = () =>
  line('a user name', /^[a-z_][a-z0-9_-]{0,31}$/).refine((user) => user !== 'root', {
    error: 'expected another user than root',
  });

export const userDescription =
  'User that cloud-init makes: with sudo, without a password, with the SSH keys of the instance.';

export const rootLogin = z
  .enum(['none', 'keys', 'password'])
  .prefault('none')
  .describe(
    'How root may log in: not at all, with the SSH keys of the instance, or also with an admin password that the cloud injects into the instance. The image itself has no password of root unless `rootPassword` sets one.',
  );

export const rootPasswordKey = secret()
  .optional()
  .describe('Password of root, by reference. Without it root is locked.');

export const customizeKey = z
  .array(step)
  .prefault([])
  .describe('Your own steps, after the built-in ones and on a guest that virt-sysprep has cleaned.');

/** IDs of repositories are names of files in the guest: the second of one name would replace the first. */
export function refuseSameIds(repositories: readonly { id: string }[], context: z.RefinementCtx): void {
  for (const [index, { id }] of repositories.entries()) {
    if (repositories.findIndex((other) => other.id === id) === index) continue;
    context.addIssue({ code: 'custom', path: [index, 'id'], message: `the ID ${id} is already used above` });
  }
}
