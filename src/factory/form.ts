import { z } from 'zod';
import { channelForm } from '../recipe/media.ts';
import { duration, hostPath, line, size, url } from '../recipe/values.ts';
import { scheduleKey } from './schedule.ts';

const name = line(
  'a name of letters, digits, ".", "_" and "-" (at most 64, not starting with "." or "-")',
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
);

/** What stands for the name of the image in that of a channel. */
export const namePlaceholder = '{name}';

const vars = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected a name of letters, digits and "_"' }),
    z.string(),
  )
  .prefault({})
  .describe('Values of the variables of these recipes; each recipe must use all of them.');

const rebuildAfter = duration(3650);

const web = (what: string) => url('a URL that starts with http:// or https://', /^https?:\/\/\S+$/).describe(what);

const watch = z
  .strictObject({
    rpm: web('Base URL of a repository of RPMs: where its repodata is.').optional(),
    deb: web('An archive of Debian packages, such as http://deb.debian.org/debian.').optional(),
    suites: z.array(line('a suite')).optional().describe('With `deb`: suites, such as bookworm-updates, or `./`.'),
    components: z
      .array(line('a component'))
      .optional()
      .describe('With `deb`: components, such as main; none for an archive without suites.'),
    certificate: hostPath()
      .optional()
      .describe('PEM file with a certificate that its server asks for, such as an entitlement of Red Hat.'),
    key: hostPath().optional().describe('PEM file with the key of that certificate.'),
    ca: hostPath().optional().describe('PEM file with a CA to trust for its server.'),
  })
  .refine(({ rpm, deb }) => (rpm === undefined) !== (deb === undefined), { error: 'expected either rpm or deb' })
  .refine(({ deb, suites }) => (deb === undefined) === (suites === undefined), {
    path: ['suites'],
    error: 'expected suites with deb, and only there',
  });

const label = line('a label of small letters, digits, ".", "_" and "-"', /^[a-z0-9_][a-z0-9._-]{0,31}$/);
const channelName = line('the name of a channel, such as rhel9-prod or {name}-prod').refine(
  (text) => channelForm.test(text.replaceAll(namePlaceholder, 'x')),
  {
    error:
      'expected the name of a channel: lower-case letters, digits, dots and dashes, with {name} for that of the image',
  },
);

const channelWords = 'expected the name of a channel, { name: …, key: FILE }, or false';

const channelKey = z
  .union(
    [
      z.literal(false, { error: channelWords }),
      channelName,
      z.strictObject({
        name: channelName.describe('The channel, such as rhel9-prod or `{name}-prod`.'),
        key: hostPath()
          .optional()
          .describe('Public key (PEM) that must have signed every statement; by default that of VMKILN_PROMOTE_KEY.'),
        allowUnbooted: z
          .boolean()
          .prefault(false)
          .describe('Whether to promote images that were checked but not booted, such as those of Windows.'),
      }),
    ],
    { error: channelWords },
  )
  .transform((value) => (typeof value === 'string' ? { name: value, allowUnbooted: false } : value))
  .optional();

const entry = z.strictObject({
  recipe: line('the path of a recipe, or a pattern like recipes/*.yaml').describe(
    'Path of a recipe, or a pattern like `recipes/*.yaml`; relative to this file.',
  ),
  vars,
  out: hostPath()
    .optional()
    .describe('Folder for the images, in place of what the recipes upload to; relative to this file.'),
  labels: z
    .array(label)
    .prefault([])
    .describe('Labels that a worker needs to build these, for `vmkiln factory worker`; a single host ignores them.'),
  schedule: scheduleKey('When these are due; by default in every night.'),
  rebuildAfter: rebuildAfter.optional().describe('Age at which an image is built again although no change was found.'),
  channel: channelKey.describe(
    'Channel that the images are promoted to where they were published, once they are built and have passed their checks; `{name}` in it is the name of the image. False for none.',
  ),
  watch: z
    .array(watch)
    .optional()
    .describe(
      'Repositories to check for updates besides those of the recipe, such as content that needs a certificate.',
    ),
});

const notification = z.strictObject({
  run: hostPath('the path of a script or program').describe(
    'A `.mjs` file, run as a zx script, or any executable file, like a hook of a recipe; or one that vmkiln ships: `webhook.mjs`, `notify.mjs`.',
  ),
  when: z
    .enum(['always', 'change', 'failure'])
    .prefault('always')
    .describe('After every night, after one that has built something or failed, or after one that failed.'),
  timeout: duration().prefault('5m').describe('The longest time that it may take.'),
});

/** The form of factory.yaml. Sizes come out in bytes, durations in seconds. */
export const factoryForm = z.strictObject({
  name: name.describe('Name of the factory: of its state, its timer and its reports.'),
  recipes: z
    .array(z.union([hostPath(), entry], { error: 'expected the path of a recipe, a pattern, or { recipe: PATH, … }' }))
    .min(1, { error: 'expected at least one recipe' })
    .transform((list) => list.map((each) => (typeof each === 'string' ? entry.parse({ recipe: each }) : each)))
    .describe('What is built. A pattern skips a recipe that has its own entry.'),
  schedule: scheduleKey('When a night begins, for the timer of `vmkiln factory install-timer`.'),
  rebuildAfter: rebuildAfter
    .prefault('30d')
    .describe('Age at which an image is built again although no change was found.'),
  channel: channelKey.describe('Channel of every entry that names no other: `{name}-prod`, for instance.'),
  limits: z
    .strictObject({
      jobs: z
        .int()
        .min(1)
        .max(64)
        .optional()
        .describe('Builds at the same time; by default as many as the host has processors, at least two.'),
      build: duration().prefault('6h').describe('The longest time that one build may take.'),
      night: duration()
        .optional()
        .describe('Time after which no further build of a night begins; running builds go on.'),
      room: size('1M')
        .prefault('4G')
        .describe('Free space on the disk of the checkpoints that a build needs to begin.'),
    })
    .prefault({})
    .describe('What a night may take.'),
  retention: z
    .strictObject({
      builds: z
        .strictObject({
          keep: z.int().min(1).optional().describe('The latest builds of each image that stay.'),
          days: z.int().min(1).optional().describe('Days for which builds stay.'),
        })
        .optional()
        .describe('Folders of builds that stay; by default all. What `vmkiln clean --builds` does.'),
      checkpoints: size('1M')
        .optional()
        .describe(
          'Size that the checkpoints may take after a night; the least recently used are removed. By default all stay.',
        ),
    })
    .prefault({})
    .describe('What stays after a night. Targets decide about published images.'),
  report: hostPath().optional().describe('Folder for the page of each night and of its builds; relative to this file.'),
  notify: z
    .array(z.union([hostPath(), notification], { error: 'expected a path, or { run: PATH, when: failure }' }))
    .transform((list) => list.map((each) => (typeof each === 'string' ? notification.parse({ run: each }) : each)))
    .prefault([])
    .describe('Scripts that report a night: each runs once, with the whole summary.'),
});

/** A factory with every default filled in, paths made absolute, and an entry for each recipe. */
export type Factory = z.output<typeof factoryForm>;

/** A recipe of a factory. */
export type FactoryEntry = Factory['recipes'][number];

/** Somebody to tell of a night. */
export type Notification = Factory['notify'][number];
