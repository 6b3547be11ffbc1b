import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { findHash, hashFile, identityOf } from '../media/hash.ts';
import type { Published } from '../model.ts';
import { glance } from '../targets/glance/recipe.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { ensurePaths, statePaths } from '../store/paths.ts';
import { readIndex } from '../targets/directory/index-file.ts';
import { placesFrom, publishAll } from '../targets/index.ts';
import type { ImageToPublish, TargetContext } from '../targets/target.ts';
import { exec } from '../tools/exec.ts';
import { imageFormat } from '../tools/qemu-img.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type FieldOptions, propertiesFrom, protectionOf, visibilityOf } from './image-fields.ts';

type UploadOptions = FieldOptions & {
  to: string[];
  name?: string;
  id?: string;
  description?: string;
  diskFormat?: string;
  method?: string;
  import?: boolean;
  store?: string[];
  importTimeout?: number;
  hidden?: boolean;
  project?: string;
  signKeyPath?: string;
  signCertId?: string;
  signHash?: string;
  signPassphraseEnv?: string;
  replace?: boolean;
  keep?: number;
  dryRun?: boolean;
  allowRehearsal?: boolean;
  json?: boolean;
};

/** `vmkiln upload`: publishes a file, or what is at a URL, to clouds and folders. */
export async function upload(image: string, options: UploadOptions, context: CommandContext): Promise<void> {
  const isUrl = /^[a-z]+:\/\//i.test(image);
  const targets = targetsOf(image, isUrl, options);
  const places = placesFrom(targets);
  // A file that goes to one cloud alone is read once, when it is sent.
  const late = places.length === 1 && targets[0]?.glance !== undefined && !options.dryRun;
  const { found, learn } = isUrl ? { found: fromUrl(image, options) } : await fromFile(image, options, context, late);
  if (found.rehearsal && !options.allowRehearsal) {
    throw new VmkilnError('USAGE', `${image} is the result of a rehearsal, made from practice media`, {
      hint: 'build the real one, or add --allow-rehearsal',
    });
  }
  if (options.dryRun) {
    const changes = await Promise.all(
      places.map(async (place) => ({ target: place.name, changes: await place.changes(found) })),
    );
    const text = changes
      .map((each) => `${each.target}\n${each.changes.map((line) => `  ${line}\n`).join('')}`)
      .join('');
    process.stdout.write(options.json ? `${JSON.stringify(changes, null, 2)}\n` : text);
    return;
  }
  const done: Published[] = [];
  try {
    await publishAll(places, found, contextOf(context), (published) => {
      done.push(published);
      const { location, unchanged } = published;
      if (!options.json) process.stdout.write(`${location}${unchanged ? ' (already there)' : ''}\n`);
    });
    if (done[0]) await learn?.(done[0].sha256);
  } finally {
    if (options.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`);
  }
}

/** The targets as a recipe would have them: one check for both. */
function targetsOf(image: string, isUrl: boolean, options: UploadOptions): Recipe['upload'] {
  const folders = options.to.filter((to) => /^[./~]/.test(to) || to.endsWith('/'));
  const clouds = options.to.filter((to) => !folders.includes(to));
  if (isUrl && folders.length > 0)
    throw new VmkilnError('USAGE', 'a URL goes to clouds, not to a folder', { hint: 'download it first' });
  const directories = folders.map((path) => ({ directory: { path } }));
  return clouds.length === 0
    ? directories
    : [...directories, { glance: glanceOf(isUrl ? image : undefined, clouds, options) }];
}

function glanceOf(location: string | undefined, clouds: string[], options: UploadOptions) {
  const { signKeyPath, signCertId, signHash, signPassphraseEnv, keep } = options;
  if ((signKeyPath === undefined) !== (signCertId === undefined)) {
    throw new VmkilnError('USAGE', 'signing needs both --sign-key-path and --sign-cert-id', {
      hint: 'give both, or none',
    });
  }
  if (keep !== undefined && !options.replace)
    throw new VmkilnError('USAGE', '--keep goes with --replace', { hint: 'add --replace' });
  if (options.import && options.method !== undefined && options.method !== 'glance-direct') {
    throw new VmkilnError('USAGE', `--import and --method ${options.method} exclude each other`, {
      hint: 'give one of them',
    });
  }
  const { importTimeout, ...given } = {
    cloud: clouds,
    name: options.name,
    id: options.id,
    description: options.description,
    location,
    format: options.diskFormat,
    minDisk: options.minDisk,
    minRam: options.minRam,
    visibility: visibilityOf(options),
    protected: protectionOf(options),
    hidden: options.hidden,
    tags: options.tag,
    stores: options.store,
    owner: options.project,
    properties: propertiesFrom(options),
    method: options.import ? 'glance-direct' : options.method,
    importTimeout: options.importTimeout,
    sign: signKeyPath && {
      key: signKeyPath,
      certificate: signCertId,
      ...(signHash && { hash: signHash }),
      ...(signPassphraseEnv && { passphrase: { env: signPassphraseEnv } }),
    },
    replace: options.replace ? (keep === undefined ? true : { keep }) : false,
  };
  const parsed = glance.safeParse(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  if (parsed.success) return { ...parsed.data, ...(importTimeout !== undefined && { importTimeout }) };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new VmkilnError('USAGE', problems.join('\n'), { hint: 'vmkiln upload --help' });
}

/** What lies at a URL is known to the cloud alone: it has no digest here. */
function fromUrl(url: string, options: UploadOptions): ImageToPublish {
  const file = basename(new URL(url).pathname);
  const format = options.diskFormat ?? (extname(file).slice(1) || 'qcow2');
  const name = options.name ?? basename(file, extname(file));
  return {
    path: '',
    name,
    format: format as ImageToPublish['format'],
    sha256: '',
    size: 0,
    build: '',
    rehearsal: false,
  };
}

/** The image in a file. With `late` its digest may be left for later: `learn` stores it then. */
async function fromFile(
  path: string,
  options: UploadOptions,
  context: CommandContext,
  late: boolean,
): Promise<{ found: ImageToPublish; learn?: (sha256: string) => Promise<void> }> {
  const stats = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, {
      hint: 'name an image file, or its URL',
      cause,
    });
  });
  if (!stats.isFile()) throw new VmkilnError('USAGE', `${path} is not a file`, { hint: 'name an image file' });
  const full = resolve(path);
  const format = await imageFormat(full, context.signal);
  const paths = statePaths(process.env, process.getuid?.() ?? 0);
  await ensurePaths(paths);
  const looking = { mediaDir: paths.media, signal: context.signal, progress: progressLines(context) };
  const listed = await readIndex(dirname(full)).catch(() => []);
  const entry = listed.find(({ file }) => file === basename(full));
  const name = options.name ?? entry?.name ?? basename(full, extname(full));
  const rehearsal = entry?.rehearsal ?? /-rehearsal(\.|$)/.test(basename(full));
  const identity = identityOf(stats);
  const about = { path: full, name, format: format as ImageToPublish['format'], rehearsal, identity };
  if (late && entry === undefined) {
    const { known, learn } = await findHash(full, looking);
    const readSha256 = async () => (await hashFile(full, looking)).sha256;
    const found = { ...about, sha256: known ?? '', readSha256, size: Number(stats.size), build: '' };
    return known === undefined ? { found, learn } : { found };
  }
  const { sha256, size } = await hashFile(full, looking);
  // Only a build of the very same bytes made it.
  const build = entry?.sha256 === sha256 ? entry.build : '';
  return { found: { ...about, sha256, size, build } };
}

function contextOf(context: CommandContext): TargetContext {
  const { signal, say } = context;
  return {
    signal,
    progress: progressLines(context),
    note: say,
    work: (file) => join(process.env['TMPDIR'] ?? tmpdir(), file),
    exec: (command) => exec({ ...command, signal }),
  };
}

/** At most a line in this time (milliseconds), unless it says something new. */
const linePause = 2000;

/** Shows progress on standard error: rewritten in place at a terminal, now and then elsewhere. */
export function progressLines({ say }: CommandContext): (message: string) => void {
  let last = -Infinity;
  let topic = '';
  return (message) => {
    const now = performance.now();
    const about = message.split(':')[0] ?? '';
    if (about === topic && now - last < linePause) return;
    [last, topic] = [now, about];
    say(message);
  };
}
