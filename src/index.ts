import { resolve } from 'node:path';
import type { Recipe, UploadEntry } from './recipe/recipe.ts';
import type { Converted } from './images/convert.ts';
import type { Report } from './images/report.ts';
import type { OutputOptions } from './images/output-format.ts';
import { contextOf, type Options, words } from './library/options.ts';
import type { Event, Plan, Published } from './model.ts';
import type { BuildResult } from './pipeline/build.ts';
import type { BuildRecord } from './pipeline/builds.ts';
import type { Explained } from './pipeline/explain-build.ts';
import type { Rehearsal } from './pipeline/prepare.ts';
import type { BuildRequest } from './pipeline/request.ts';
import type { TargetChanges } from './pipeline/target-changes.ts';
import type { Validation } from './pipeline/validate.ts';

// Each function imports what it needs when it is called: whoever validates a recipe need not load the rest.

export { type ErrorCode, exitCode, VmkilnError } from './errors.ts';
export { version } from './version.ts';
export type { BuildResult, Converted, Event, Plan, Published, Recipe, Report, TargetChanges, Validation };
export { type Changed, channels, promote, resolveChannel, revoke, rollback } from './library/channels.ts';
export { nightly } from './library/nightly.ts';
export { describe, diff, verify } from './library/proof.ts';
export type { Options };
export type { BuildRecord, Explained };
export type { Revoked } from './channels/promote.ts';
export type { EntrySummary, NightSummary } from './factory/summary.ts';
export type { ChannelImage, ChannelState } from './targets/channel-place.ts';
export type { Difference } from './describe/diff.ts';
export type { Inventory } from './describe/inventory.ts';
export type { Verdict } from './verify/verdict.ts';
export type { EventBody, StagePlan } from './model.ts';

/** What a recipe becomes: as the options of `vmkiln build` say it. */
export type RecipeOptions = Options & {
  /** Values of the recipe's variables. */
  set?: Readonly<Record<string, string>>;
  /** Path of a YAML file of variables; `set` wins over it. */
  vars?: string;
  /** Folder for the image, in place of the recipe's targets. */
  out?: string;
  /** False to run every stage, whatever the checkpoint store has. */
  cache?: boolean;
  /** The first stage that is run again, and the last that is run. */
  from?: string;
  until?: string;
  /** libvirt connection URI. */
  connect?: string;
};

export type BuildOptions = RecipeOptions & {
  /** Leave the domain and the work folder of a failed build. */
  keepOnFailure?: boolean;
};

/**
 * Builds an image from a recipe and publishes it.
 *
 * @param recipe path of the recipe, or `{ plan }` with the path of a plan that `savePlan` or `vmkiln plan --save` kept.
 * @throws VmkilnError; nothing that was begun stays, unless `keepOnFailure`.
 */
export async function build(recipe: string | { plan: string }, options: BuildOptions = {}): Promise<BuildResult> {
  const context = await buildContext(options);
  if (typeof recipe === 'string') {
    const { buildRecipe } = await import('./pipeline/build-recipe.ts');
    return buildRecipe(requestOf(recipe, options), context);
  }
  const { buildPlan } = await import('./pipeline/kept-plan.ts');
  return buildPlan(recipe.plan, { keepOnFailure: options.keepOnFailure ?? false }, context);
}

/**
 * Builds a recipe against practice media, as NAME-rehearsal.
 *
 * @throws VmkilnError as `build` does.
 */
export async function rehearse(
  recipe: string,
  options: BuildOptions & {
    /** Whether the result may go to clouds too. */
    allowRehearsal?: boolean;
  } = {},
): Promise<BuildResult> {
  const [{ buildRecipe }, { practice }] = await Promise.all([
    import('./pipeline/build-recipe.ts'),
    import('./rehearsal/practice-media.ts'),
  ]);
  const { allowRehearsal = false } = options;
  return buildRecipe({ ...requestOf(recipe, options, practice), allowRehearsal }, await buildContext(options));
}

/**
 * What a build of a recipe would do now, and why; and what would change at its targets, as far as they tell. Downloads and
 * makes nothing.
 *
 * @throws VmkilnError when the recipe, a variable or the host will not do.
 */
export async function plan(
  recipe: string,
  options: RecipeOptions & {
    /** Ask no target beyond this host. */
    offline?: boolean;
  } = {},
): Promise<{ plan: Plan<Recipe>; targets: TargetChanges[] }> {
  const { planRecipe } = await import('./pipeline/build-recipe.ts');
  return planRecipe(requestOf(recipe, options), contextOf(options), { offline: options.offline ?? false });
}

/** Keeps a plan in a file, for `build({ plan: path })`. It holds no secrets. @throws VmkilnError USAGE, DISK_FULL */
export async function savePlan(kept: Plan, path: string, { cwd = process.cwd() }: Options = {}): Promise<void> {
  const { savePlan: save } = await import('./pipeline/kept-plan.ts');
  await save(kept, resolve(cwd, path));
}

/** What is wrong and what is doubtful with recipes, as far as it can be told without media, secrets or a hypervisor. */
export async function validate(
  recipes: string | readonly string[],
  options: Pick<RecipeOptions, keyof Options | 'set' | 'vars'> = {},
): Promise<Validation[]> {
  const [{ validate: check }, { readVariables }] = await Promise.all([
    import('./pipeline/validate.ts'),
    import('./recipe/variables.ts'),
  ]);
  const { world } = contextOf(options);
  const { set, vars } = requestOf('', options);
  const { values, shared } = await readVariables({
    set,
    ...(vars !== undefined && { vars: resolve(world.cwd, vars) }),
  });
  return check([recipes].flat(), values, { cwd: world.cwd, shared });
}

/**
 * What an image is, which image properties follow, and whether it is safe to use.
 *
 * @param options `guest: false` to start no appliance that looks for the operating system; `properties` to set aside those
 *   that would follow.
 * @throws VmkilnError USAGE when there is no such file, or INTERRUPTED.
 */
export async function inspect(
  image: string,
  options: Options & { guest?: boolean; properties?: Readonly<Record<string, string>> } = {},
): Promise<Report> {
  const [{ withImage }, { inspectImage }, { reportOf }, { probeAppliance }, { parseOverrides }] = await Promise.all([
    import('./images/file.ts'),
    import('./images/inspect.ts'),
    import('./images/report.ts'),
    import('./host/probe.ts'),
    import('./images/properties.ts'),
  ]);
  const { signal, world } = contextOf(options);
  const overrides = parseOverrides(words(options.properties));
  const guest = () => probeAppliance(world, signal, () => undefined);
  return withImage(resolve(world.cwd, image), async (file) =>
    reportOf(file, await inspectImage(file, { signal, ...(options.guest !== false && { guest }) }), overrides),
  );
}

/**
 * Converts an image to another format: whole or not at all, and only if it is safe.
 *
 * @throws VmkilnError USAGE, IMAGE_UNFIT, DISK_FULL, COMMAND_FAILED, INTERRUPTED: nothing is left then.
 */
export async function convert(
  image: string,
  options: Options &
    OutputOptions & {
      /** File to write; by default beside the image, named after the format. */
      out?: string;
      /** Replace a file that is there already. */
      force?: boolean;
      /** Compare the contents afterwards. */
      check?: boolean;
      /** Follow backing files, data files and extents: only for an image that is trusted. */
      allowExternal?: boolean;
      /** Convert what can be read of an image that is damaged, packed or not what its name says. */
      allowUnfit?: boolean;
      onProgress?: (message: string, fraction: number) => void;
    },
): Promise<Converted[]> {
  const [{ convertFile, defaultOut }, { outputFormatOf }, { probeAppliance }] = await Promise.all([
    import('./images/convert.ts'),
    import('./images/output-format.ts'),
    import('./host/probe.ts'),
  ]);
  const { signal, world } = contextOf(options);
  const output = outputFormatOf(options);
  const from = resolve(world.cwd, image);
  return convertFile(from, output, {
    out: options.out === undefined ? defaultOut(from, output) : resolve(world.cwd, options.out),
    replace: options.force ?? false,
    allowExternal: options.allowExternal ?? false,
    allowUnfit: options.allowUnfit ?? false,
    check: options.check ?? false,
    signal,
    host: () => probeAppliance(world, signal, () => undefined),
    progress: options.onProgress ?? (() => undefined),
  });
}

/**
 * Publishes an image file to targets, all at once: inspected, verified, and only where it is not there already.
 *
 * @returns what each target has now: where the image is, its SHA-256, and whether it was there before.
 * @throws VmkilnError USAGE, IMAGE_UNFIT, INPUT_CHANGED, TARGET_FAILED, DISK_FULL or INTERRUPTED; targets that have the image
 *   keep it.
 */
export async function upload(
  image: string,
  options: Options & {
    /** The targets, as `upload` of a recipe lists them: `{ directory: { path: './images' } }`. Relative paths begin in `cwd`. */
    to: readonly UploadEntry[];
    /** What the image is called there; by default as its `index.json` says, or the file. */
    name?: string;
    /** Whether the result of a rehearsal may go there. */
    allowRehearsal?: boolean;
    /** Whether it goes there as it is although it is damaged, packed, not whole or not what it is called. */
    allowUnfit?: boolean;
    /** Whether the guest operating system is looked for too, for the properties of a new image. */
    guest?: boolean;
    /** Whether it takes the place of newer images too. */
    rollback?: boolean;
    onProgress?: (message: string, fraction?: number) => void;
  },
): Promise<Published[]> {
  const [{ imageIn, uploadImage }, { targetsFrom }] = await Promise.all([
    import('./pipeline/upload-image.ts'),
    import('./targets/recipe.ts'),
  ]);
  const { signal, world } = contextOf(options);
  const {
    name,
    allowRehearsal = false,
    allowUnfit = false,
    guest = false,
    rollback = false,
    onProgress: progress = () => undefined,
  } = options;
  const targets = targetsFrom(options.to, world.cwd);
  const context = { signal, world, progress, note: progress };
  const taking = { name, targets, late: false, allowRehearsal, allowUnfit, guest };
  const { found, ...rest } = await imageIn(image, taking, context);
  return uploadImage({ ...rest, found: { ...found, rollback } }, targets, context);
}

/** The builds whose folders are there, the latest first. */
export async function builds(options: Pick<Options, 'env'> = {}): Promise<BuildRecord[]> {
  return (await import('./pipeline/builds.ts')).listBuilds(contextOf(options).world);
}

/** Why a build of `builds` failed: its causes, best first, or the lines that matter most. @throws VmkilnError USAGE if it has not. */
export async function explain(failed: BuildRecord): Promise<Explained> {
  return (await import('./pipeline/explain-build.ts')).explainRecord(failed);
}

async function buildContext(options: Options) {
  const [{ openPool }, { openPaths }] = await Promise.all([
    import('./pipeline/pool.ts'),
    import('./pipeline/request.ts'),
  ]);
  const context = contextOf(options);
  return { ...context, pool: openPool((await openPaths(context.world)).work) };
}

function requestOf(recipe: string, options: BuildOptions, rehearsal?: Rehearsal): BuildRequest {
  const { set, vars, out, cache = true, from, until, connect, keepOnFailure = false } = options;
  return {
    recipe,
    set: words(set),
    cache,
    keepOnFailure,
    ...(vars !== undefined && { vars }),
    ...(out !== undefined && { out }),
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
    ...(connect !== undefined && { connect }),
    ...(rehearsal && { rehearsal }),
  };
}
