import { interrupted, VmkilnError } from '../errors.ts';
import type { Published } from '../model.ts';
import type { UploadEntry } from '../recipe/recipe.ts';
import { command } from './command/command.ts';
import { directory } from './directory/directory.ts';
import { glance } from './glance/glance.ts';
import type { ImageToPublish, Looking, Target, TargetContext } from './target.ts';

/** The targets, by their key in a recipe's `upload` list: the one place that names them. */
export const targets = { directory, glance, command } satisfies Readonly<Record<string, Target<unknown>>>;

/** One place that an image goes to, as plain data: a plan keeps it as JSON. `target` is a key of `targets`. */
export type PlannedTarget = { target: string; name: string; local: boolean; spec: unknown };

/** One place that an image goes to, with what can be done there. */
export type Place = {
  name: string;
  /** The disk format that images are to have there; undefined for their own. */
  diskFormat: string | undefined;
  /** @throws VmkilnError TARGET_FAILED, INTERRUPTED. */
  check: (looking: Looking) => Promise<void>;
  changes: (image: ImageToPublish, looking: Looking) => Promise<string[]>;
  publish: (image: ImageToPublish, context: TargetContext) => Promise<Published>;
};

/** Every place that an `upload` list names; a target for several clouds is as many places. Pure. */
export function plannedTargets(upload: readonly UploadEntry[]): PlannedTarget[] {
  return upload.flatMap((entry) =>
    entriesOf(entry).flatMap(({ key, target, spec }) =>
      target
        .places(spec)
        .map((place) => ({ target: key, name: target.nameOf(place), local: target.isLocal(place), spec: place })),
    ),
  );
}

/** The entries whose images stay on this host; if there are none, a folder. Pure. */
export function localOnly(upload: readonly UploadEntry[], fallbackFolder: string): UploadEntry[] {
  const local = upload.filter((entry) => entriesOf(entry).every(({ target, spec }) => target.isLocal(spec)));
  return local.length > 0 ? local : [{ directory: { path: fallbackFolder } }];
}

/** What publishing an image takes the place of, such as paths of files; each once. Pure. */
export function occupied(
  planned: readonly PlannedTarget[],
  image: Pick<ImageToPublish, 'name' | 'format'>,
  cwd: string,
): string[] {
  const all = planned.flatMap(({ target, spec }) => targetCalled(target).occupies?.(image, spec, cwd) ?? []);
  return [...new Set(all)];
}

/** @throws VmkilnError TARGET_FAILED for a target that this version does not have */
export function openTarget({ target: key, name, spec }: PlannedTarget): Place {
  const target = targetCalled(key);
  return {
    name,
    diskFormat: target.diskFormatOf?.(spec),
    check: (looking) => stoppable(looking, () => target.check(spec, looking)),
    changes: (image, looking) =>
      stoppable(looking, async () => target.changes(await inspected(image, looking), spec, looking)),
    publish: async (image, context) => {
      const published = await stoppable(context, async () =>
        target.publish(await inspected(image, context), spec, context),
      );
      return { ...published, name };
    },
  };
}

/** A target as the record of a build has it; in version 0.1.0 the path of a folder. */
export type RecordedTarget = string | { target: string; spec: unknown };

/**
 * Removes what the publication of a build that is gone has left half made.
 *
 * @param cwd the folder that its relative paths count from.
 */
export async function cleanTarget(recorded: RecordedTarget, build: string, cwd: string): Promise<void> {
  const { target, spec } = typeof recorded === 'string' ? { target: 'directory', spec: { path: recorded } } : recorded;
  await targetCalled(target).clean?.(spec, build, cwd);
}

function entriesOf(entry: UploadEntry): { key: string; target: Target<unknown>; spec: unknown }[] {
  return Object.entries(entry).flatMap(([key, spec]) =>
    spec === undefined ? [] : [{ key, target: targetCalled(key), spec }],
  );
}

/** @throws VmkilnError TARGET_FAILED for a target that this version does not have */
export function targetCalled(key: string): Target<unknown> {
  if (Object.hasOwn(targets, key)) return targets[key as keyof typeof targets];
  throw new VmkilnError('TARGET_FAILED', `this version of vmkiln has no target ${key}`, {
    hint: `it has ${Object.keys(targets).join(', ')}`,
  });
}

/** Whatever a target says when it was told to stop, it was stopped. */
async function stoppable<T>({ signal }: Looking, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? interrupted('asking a target', signal) : error;
  }
}

/**
 * An image with what is in it. Whatever comes from elsewhere was inspected before; what remains is what vmkiln has made
 * itself, by tools that were told what to write. Its header is read all the same, which costs nothing: a hook, or whoever
 * can write to the store, may have put another file there. qemu-img need not look at the disk inside again.
 *
 * @throws VmkilnError IMAGE_UNFIT
 */
async function inspected(image: ImageToPublish, { signal }: Looking): Promise<ImageToPublish> {
  if (image.inspection || image.path === '') return image;
  const { withFitImage } = await import('../images/gate.ts');
  return withFitImage(
    image.path,
    { is: image.format, anyName: true },
    { signal, inside: false },
    async ({ identity }, inspection) => ({
      ...image,
      identity: image.identity ?? identity,
      inspection,
    }),
  );
}
