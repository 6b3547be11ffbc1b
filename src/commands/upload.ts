import { basename } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { Published } from '../model.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { openPaths } from '../pipeline/request.ts';
import { unpublished } from '../pipeline/upload-failed.ts';
import { type FoundImage, imageAt, imageIn, type UploadContext, uploadImage } from '../pipeline/upload-image.ts';
import { openTarget, type PlannedTarget, plannedTargets } from '../targets/index.ts';
import type { ImageToPublish } from '../targets/target.ts';
import type { CommandContext } from '../ui/ui.ts';
import { progressLines } from './progress-lines.ts';
import { isDataOnStdin, withStdin } from './stdin.ts';
import { cloudsOf, type TargetOptions, targetsOf } from './upload-targets.ts';
import { harmless, jsonText } from '../text.ts';

type UploadOptions = TargetOptions & {
  failed?: string;
  rollback?: boolean;
  dryRun?: boolean;
  allowRehearsal?: boolean;
  allowUnfit?: boolean;
  guest?: boolean;
  json?: boolean;
};

/** `vmkiln upload`: publishes a file, or what is at a URL, to clouds and folders. */
export async function upload(
  image: string | undefined,
  options: UploadOptions,
  context: CommandContext,
): Promise<void> {
  const { failed, to, osCloud } = options;
  if (failed === undefined) return uploadSource(image, options, context);
  if (image === undefined && to === undefined && osCloud === undefined) return uploadFailed(failed, options, context);
  throw new VmkilnError('USAGE', '--failed takes image and targets from the build', {
    hint: `leave the others out: vmkiln upload --failed ${failed}`,
  });
}

/** What can be refused by the options alone is, before an image is read. */
async function uploadSource(image: string | undefined, options: UploadOptions, context: CommandContext): Promise<void> {
  const source = sourceOf(image, options);
  const isUrl = /^[a-z]+:\/\//i.test(source);
  const targets = plannedTargets(targetsOf(isUrl ? source : undefined, options));
  const url = isUrl ? imageAt(source, options) : undefined;
  for (const cloud of cloudsOf(options)) await openCloud(cloud, context.world);
  const send = async ({ found: given, ...rest }: FoundImage) => {
    const found = withRollback(given, options);
    return options.dryRun
      ? showChanges(targets, found, options, context)
      : publish(targets, { ...rest, found }, options, context);
  };
  if (url) return send(url);
  // A file that is sent to one place alone is read once, while it is sent.
  const late = targets.length === 1 && !targets[0]?.local && !options.dryRun;
  const { name, allowRehearsal = false, allowUnfit = false, guest = false } = options;
  const taking = { name, targets, late, allowRehearsal, allowUnfit, guest };
  const uploadFile = async (path: string) => send(await imageIn(path, taking, uploadContext(context)));
  if (source !== '-') return uploadFile(source);
  const { signal, world } = context;
  return withStdin(process.stdin, { signal, world, progress: progressLines(context) }, uploadFile);
}

/**
 * The image: `-` is standard input, which an image with a name comes from too when none is told and there is something.
 *
 * @throws VmkilnError USAGE
 */
function sourceOf(image: string | undefined, { name }: UploadOptions): string {
  if (image === undefined && !(name !== undefined && isDataOnStdin()))
    throw new VmkilnError('USAGE', "missing required argument 'image'", { hint: 'vmkiln upload --help' });
  if (image === '-' && name === undefined) {
    throw new VmkilnError('USAGE', 'an image from standard input has no name', { hint: 'give it one: --name NAME' });
  }
  return image ?? '-';
}

/** The image of a build goes to those of its targets that do not have it; a second time there are none. */
async function uploadFailed(build: string, options: UploadOptions, context: CommandContext): Promise<void> {
  const paths = await openPaths(context.world);
  const { image: found, targets, done } = await unpublished(basename(build), paths);
  const image = withRollback(found, options);
  if (targets.length === 0) context.say(`every target of ${basename(build)} has the image`);
  if (options.dryRun) await showChanges(targets, image, options, context);
  else await publish(targets, { found: image }, options, context, done);
}

function withRollback(image: ImageToPublish, { rollback = false }: UploadOptions): ImageToPublish {
  return { ...image, rollback };
}

async function showChanges(
  targets: readonly PlannedTarget[],
  image: ImageToPublish,
  { json }: UploadOptions,
  { signal, world }: CommandContext,
): Promise<void> {
  const changes = await Promise.all(
    targets.map(async (target) => ({
      target: target.name,
      changes: await openTarget(target).changes(image, { signal, ...world }),
    })),
  );
  const text = changes.map((each) => `${each.target}\n${each.changes.map((line) => `  ${line}\n`).join('')}`).join('');
  process.stdout.write(json ? `${jsonText(changes)}\n` : harmless(text));
}

async function publish(
  targets: readonly PlannedTarget[],
  image: FoundImage,
  { json }: UploadOptions,
  context: CommandContext,
  tell?: (published: Published) => Promise<void>,
): Promise<void> {
  const done: Published[] = [];
  try {
    await uploadImage(image, targets, uploadContext(context), (published) => {
      done.push(published);
      const { location, unchanged, already } = published;
      if (!json)
        process.stdout.write(
          `${harmless(location)}${already === undefined ? (unchanged ? ' (already there)' : '') : ` (published already by ${harmless(already)})`}\n`,
        );
    });
  } finally {
    for (const published of done) await tell?.(published);
    if (json) process.stdout.write(`${jsonText(done)}\n`);
  }
}

function uploadContext(context: CommandContext): UploadContext {
  const { signal, say, world } = context;
  return { signal, world, progress: progressLines(context), note: say };
}
