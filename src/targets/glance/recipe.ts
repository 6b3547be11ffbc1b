import { z } from 'zod';
import { ownFields } from '../../openstack/own-fields.ts';
import { diskFormats, hashMethods, uploadMethods } from './words.ts';
import { duration, hostPath, line, secret } from '../../recipe/values.ts';

const visibilities = ['private', 'public', 'shared', 'community'] as const;

const uuid = (what: string) => line(what, /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i);

const place = () => line('the name of a cloud, or CLOUD/REGION', /^[^/\s]+(\/[^/\s]+)?$/);

/** Whether the certificate of a signature is the id of one in the key manager, and not a path. */
export function isCertificateId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

const sign = z.strictObject({
  key: hostPath().describe('Private key in PEM: RSA, or an elliptic curve like secp384r1.'),
  passphrase: secret().optional().describe('Passphrase of the key, by reference.'),
  certificate: line('the id of a certificate in the key manager, or the path of one in PEM').describe(
    'The certificate of the key: its id in the key manager (Barbican), or a PEM file, which vmkiln stores there.',
  ),
  hash: z.enum(hashMethods).prefault('SHA-256').describe('Hash method of the signature.'),
});

const replace = z.strictObject({
  keep: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('How many of the old images stay, hidden; vmkiln deletes older ones that it made. By default all stay.'),
});

/** The `glance` target: where an image goes in OpenStack and what is said of it there. */
export const glanceSchema = z
  .strictObject({
    cloud: z
      .union([place(), z.array(place()).min(1)], {
        error: 'expected the name of a cloud, CLOUD/REGION, or a list of these',
      })
      .optional()
      .describe(
        'Cloud of clouds.yaml, or `CLOUD/REGION`; a list uploads to all of them at once. By default the cloud of OS_CLOUD and the other OS_* variables.',
      ),
    name: line().optional().describe('Name of the image there. By default that of the recipe.'),
    id: uuid('a UUID').optional().describe('Id of the image. By default a new one.'),
    description: line().optional().describe('What the image is for. By default the description of the recipe.'),
    location: line('a URL', /^(https?|ftp):\/\/\S+$/)
      .optional()
      .describe('URL from which the cloud downloads the finished image, instead of an upload.'),
    format: z
      .enum(diskFormats)
      .optional()
      .describe(
        'Disk format there. By default that of the image; vmkiln converts the image to another format on this host.',
      ),
    architecture: line('an architecture like x86_64', /^[a-z0-9_]+$/)
      .optional()
      .describe('Architecture. By default that of the image.'),
    minDisk: z.int().min(0).optional().describe('Smallest disk that boots it, in GB.'),
    minRam: z.int().min(0).optional().describe('Least memory that boots it, in MB.'),
    visibility: z
      .enum(visibilities)
      .optional()
      .describe(
        'Who sees it: `private` (its project), `public` (everybody), `shared` (its project and its members) or `community` (everybody who asks for it).',
      ),
    protected: z
      .boolean()
      .optional()
      .describe('Whether the image cannot be deleted before somebody removes this protection.'),
    hidden: z.boolean().optional().describe('Whether image lists leave the image out.'),
    tags: z
      .array(line('a tag').refine((tag) => tag.length <= 255, { error: 'expected a tag of at most 255 characters' }))
      .optional()
      .describe('Tags.'),
    kernel: uuid('the UUID of an image').optional().describe('Image with the kernel, for an AMI.'),
    ramdisk: uuid('the UUID of an image').optional().describe('Image with the initial RAM disk, for an AMI.'),
    stores: z.array(line('the name of a store')).min(1).optional().describe('Stores of the cloud to put it into.'),
    owner: line('the name or id of a project')
      .optional()
      .describe('Project that owns it, by its name or id; only administrators may set it.'),
    ownerDomain: line('the name or id of a domain')
      .optional()
      .describe('Domain of that project, if several have its name.'),
    osName: line('a libosinfo id like rhel7.9', /^[a-z0-9][a-z0-9._-]*$/)
      .optional()
      .describe('Operating system as libosinfo calls it. By default that of the recipe.'),
    properties: z
      .record(
        line('the name of a property')
          .refine((name) => !/^(os_glance_|vmkiln_)/.test(name), {
            error: 'expected another name: os_glance_ belongs to the service, and vmkiln_ to vmkiln',
          })
          .refine((name) => !ownFields.has(name), {
            error: 'expected another name: this is a field of the service, which has a key of its own here or none',
          }),
        z.string({ error: 'expected text (in quotes if it looks like a number)' }),
      )
      .prefault({})
      .describe('Further properties. An empty value removes a property that vmkiln would set.'),
    method: z
      .enum(uploadMethods)
      .prefault('auto')
      .describe(
        'How the data gets there: `put` straight into the store, `glance-direct` through the import of the cloud (which may convert it), `web-download` or `task` from a `location`.',
      ),
    importTimeout: duration().prefault('1h').describe('The longest time that the cloud may take to import it.'),
    sign: sign.optional().describe('Signs the image, so that the cloud verifies it.'),
    replace: z
      .union([z.boolean(), replace], { error: 'expected true, false or { keep: 3 }' })
      .prefault(false)
      .describe('Whether it replaces images of the same name: vmkiln hides them once the new one is there.'),
  })
  .describe('The Image service of an OpenStack cloud.');

/** A validated `glance` target. `importTimeout` is in seconds. */
export type GlanceSpec = z.output<typeof glanceSchema>;

/** One cloud of it: `cloud` names it alone. */
export type GlancePlace = Omit<GlanceSpec, 'cloud'> & { cloud?: string | undefined };
