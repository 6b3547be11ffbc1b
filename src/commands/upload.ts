import { basename } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { Published } from '../model.ts';
import { openPaths } from '../pipeline/request.ts';
import { unpublished } from '../pipeline/upload-failed.ts';
import { type FoundImage, imageAt, imageIn, type UploadContext, uploadImage } from '../pipeline/upload-image.ts';
import { openTarget, type PlannedTarget, plannedTargets } from '../targets/index.ts';
import type { ImageToPublish } from '../targets/target.ts';
import type { CommandContext } from '../ui/ui.ts';
import { progressLines } from './progress-lines.ts';
import { type TargetOptions, targetsOf } from './upload-targets.ts';
import { harmless, jsonText } from '../text.ts';

type UploadOptions = Omit<TargetOptions, 'to'> & {
  to?: string[];
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
  const { failed, to } = options;
  if (failed === undefined) return uploadTo(...wantedTargets(image, options), context);
  if (image === undefined && to === undefined) return uploadFailed(failed, options, context);
  throw new VmkilnError('USAGE', '--failed takes image and targets from the build', {
    hint: `leave the others out: vmkiln upload --failed ${failed}`,
  });
}

/** @throws VmkilnError USAGE for what is missing, in the words of the command line */
function wantedTargets(
  image: string | undefined,
  { to, ...options }: UploadOptions,
): [image: string, options: UploadOptions & TargetOptions] {
  const hint = 'vmkiln upload --help';
  if (image === undefined) throw new VmkilnError('USAGE', "missing required argument 'image'", { hint });
  if (to === undefined) throw new VmkilnError('USAGE', "required option '--to <target>' not specified", { hint });
  return [image, { ...options, to }];
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

async function uploadTo(image: string, options: UploadOptions & TargetOptions, context: CommandContext): Promise<void> {
  const isUrl = /^[a-z]+:\/\//i.test(image);
  const targets = plannedTargets(targetsOf(isUrl ? image : undefined, options));
  // A file that is sent to one place alone is read once, while it is sent.
  const late = targets.length === 1 && !targets[0]?.local && !options.dryRun;
  const { name, allowRehearsal = false, allowUnfit = false, guest = false } = options;
  const { found, ...rest } = isUrl
    ? imageAt(image, options)
    : await imageIn(image, { name, targets, late, allowRehearsal, allowUnfit, guest }, uploadContext(context));
  const given = { ...rest, found: withRollback(found, options) };
  if (options.dryRun) await showChanges(targets, given.found, options, context);
  else await publish(targets, given, options, context);
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
      const { location, unchanged } = published;
      if (!json) process.stdout.write(`${harmless(location)}${unchanged ? ' (already there)' : ''}\n`);
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
