import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fillHoles } from '../answers/holes.ts';
import { errorCatalogue, messageOf, VmkilnError } from '../errors.ts';
import type { Event, EventBody, Plan, Published, StageName } from '../model.ts';
import { loadRecipe } from '../recipe/load.ts';
import type { Recipe } from '../families/recipe.ts';
import { readVariables } from '../recipe/variables.ts';
import { writeAtomic } from '../store/files.ts';
import { createBuild, foldersOf, releaseOwner, writeOwner } from '../store/owner.ts';
import { pinsLock } from '../store/checkpoints.ts';
import { withLock } from '../store/lock.ts';
import { ensurePaths, type Paths, statePaths } from '../store/paths.ts';
import { buildVariable } from '../store/process.ts';
import { runHook } from '../hooks.ts';
import { exec, redact } from '../tools/exec.ts';
import { foldManifest, openEventLog } from './events.ts';
import { makePlan } from './plan.ts';
import type { Pool } from './pool.ts';
import { type MediaSource, type Prepared, prepare } from './prepare.ts';
import { reapBuild, reapDead } from './reap.ts';
import { type RunHook, runPlan } from './run.ts';
import { secretReader } from './secrets.ts';

/** What a person asked for on the command line. */
export type BuildRequest = {
  /** Path of the recipe. */
  recipe: string;
  /** KEY=VALUE words. */
  set: readonly string[];
  /** Path of a file with variables. */
  vars?: string;
  /** Folder of the directory target, instead of the recipe's own. */
  out?: string;
  /** Whether layers may be reused. */
  cache: boolean;
  from?: StageName;
  until?: StageName;
  keepOnFailure: boolean;
  /** libvirt connection URI. */
  connect?: string;
  /** Other media than the recipe's: makes the build a rehearsal. */
  rehearsal?: MediaSource;
  /** Whether a rehearsal may upload to a cloud. */
  allowRehearsal?: boolean;
};

/** What a build left. `folder` explains it. */
export type BuildResult = { build: string; folder: string; published: Published[] };

/** How a build tells what happens and learns that it should stop. */
export type BuildContext = { signal: AbortSignal; emit: (event: Event) => void };

/**
 * Builds one recipe and publishes the image.
 *
 * @throws VmkilnError; a `failed` event has been emitted by then, unless the recipe or the media were refused (nothing
 * has been created in that case).
 */
export async function buildRecipe(request: BuildRequest, context: BuildContext & { pool: Pool }): Promise<BuildResult> {
  const recipe = await readRecipe(request);
  const paths = await openPaths();
  const rehearsal = request.rehearsal !== undefined;
  const recipePath = resolve(request.recipe);
  const imageName = imageNameOf(recipe, request);
  const build = buildId(imageName);
  const { folder, work } = foldersOf(paths, build);
  const show = (body: EventBody) => context.emit({ at: new Date().toISOString(), build, ...body });
  for (const sentence of await reapDead(paths, { kept: false, signal: context.signal })) {
    show({ type: 'progress', stage: 'prepare', message: sentence });
  }
  const owner = await createBuild(paths, build, context.signal);
  const log = openEventLog(folder, build, context.emit);
  let secrets: readonly string[] = [];
  let keep = false;
  let failed = false;
  const hook: RunHook = (name, more) =>
    runHook(
      name,
      recipe.hooks[name],
      { build, name: imageName, recipe: recipePath, rehearsal, folder, ...more },
      {
        exec: (options) => {
          const env = { [buildVariable]: build, ...options.env };
          return exec({ ...options, env, log: join(folder, 'logs', `hook-${name}.log`), redact: secrets });
        },
        warn: (message, hint) => log.emit({ type: 'warning', message, ...(hint && { hint }) }),
        contextFile: join(work, `hook-${name}.json`),
        signal: context.signal,
      },
    );
  try {
    const started = performance.now();
    const prepared = await prepareFor(recipe, request, paths, context.signal, log.emit, build);
    secrets = prepared.secrets;
    owner.connect = prepared.input.host.connect;
    owner.targets = recipe.upload.flatMap(({ directory }) => (directory ? [resolve(directory.path)] : []));
    await writeOwner(paths, owner);
    const plan = makePlan(prepared.input);
    await writeDocuments(plan, folder, work, secretReader(plan.rehearsal));
    log.emit({
      type: 'build-started',
      name: plan.name,
      recipe: recipePath,
      rehearsal,
      folder,
      family: recipe.family,
      accelerator: plan.host.accelerator,
    });
    for (const note of plan.notes) log.emit({ type: 'warning', message: note });
    const published = await runPlan({
      plan,
      hook,
      input: prepared.input,
      build,
      folder,
      work,
      signal: context.signal,
      emit: log.emit,
      redact: secrets,
      keepOnFailure: request.keepOnFailure,
      checkpoints: paths.checkpoints,
      mediaDir: paths.media,
      pool: context.pool,
      pin: (fingerprint) =>
        withLock(paths.checkpoints, pinsLock, { signal: context.signal }, async () => {
          owner.uses.push(fingerprint);
          await writeOwner(paths, owner);
        }),
    });
    log.emit({ type: 'build-finished', seconds: (performance.now() - started) / 1000 });
    return { build, folder, published };
  } catch (error) {
    const refused = !log.events.some(({ type }) => type === 'build-started');
    if (refused && error instanceof VmkilnError && errorCatalogue[error.code] === 2) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    failed = true;
    keep = request.keepOnFailure && !context.signal.aborted;
    const failure = failedEvent(error, secrets);
    log.emit({ type: 'failed', ...failure });
    await hook('onFailure', { published: foldManifest(log.events).published, failure });
    throw error;
  } finally {
    await writeAtomic(
      join(folder, 'manifest.json'),
      `${JSON.stringify(foldManifest(log.events), undefined, 2)}\n`,
    ).catch(() => undefined);
    if (keep) {
      // The filled copies hold secrets; the build's own folder shows these files with their holes.
      await rm(join(work, 'rendered'), { recursive: true, force: true });
      await writeOwner(paths, { ...owner, kept: true });
    } else if (failed || context.signal.aborted) {
      // What cannot be removed now keeps its record, and the next build tries again; the failure itself matters more.
      await reapBuild(paths, owner).catch((error: unknown) =>
        log.emit({ type: 'warning', message: `could not clean up: ${redact(messageOf(error), secrets)}` }),
      );
    } else {
      await rm(work, { recursive: true, force: true });
      await releaseOwner(paths, build);
    }
  }
}

/** What a build of this recipe would do now. Downloads and creates nothing. */
export async function planRecipe(request: BuildRequest, context: BuildContext): Promise<Plan<Recipe>> {
  const recipe = await readRecipe(request);
  const paths = await openPaths();
  const show = (body: EventBody) => context.emit({ at: new Date().toISOString(), build: 'plan', ...body });
  return makePlan((await prepareFor(recipe, request, paths, context.signal, show, undefined)).input);
}

/** The recipe as the request wants it. @throws VmkilnError when the recipe or a variable is not valid */
export async function readRecipe(request: BuildRequest): Promise<Recipe> {
  const variables = await readVariables({ set: request.set, ...(request.vars && { vars: request.vars }) });
  const { recipe } = await loadRecipe(request.recipe, variables, { rehearsal: request.rehearsal !== undefined });
  return withTargets(recipe, request);
}

/** `--out` takes the place of the recipe's targets. What a rehearsal makes stays on this host unless that is allowed. */
function withTargets(recipe: Recipe, { out, rehearsal, allowRehearsal }: BuildRequest): Recipe {
  if (out !== undefined) return { ...recipe, upload: [{ directory: { path: resolve(out) } }] };
  if (rehearsal === undefined || allowRehearsal) return recipe;
  const local = recipe.upload.filter(({ glance }) => glance === undefined);
  return { ...recipe, upload: local.length > 0 ? local : [{ directory: { path: resolve('images') } }] };
}

/** What the image is called: one of a rehearsal can be told from the real one. */
export function imageNameOf(recipe: Recipe, { rehearsal }: BuildRequest): string {
  return rehearsal === undefined ? recipe.name : `${recipe.name}-rehearsal`;
}

async function openPaths(): Promise<Paths> {
  const paths = statePaths(process.env, process.getuid?.() ?? 0);
  await ensurePaths(paths);
  return paths;
}

function prepareFor(
  recipe: Recipe,
  request: BuildRequest,
  paths: Paths,
  signal: AbortSignal,
  emit: (body: EventBody) => void,
  build: string | undefined,
): Promise<Prepared> {
  const { rehearsal, connect, until, cache } = request;
  const from = cache ? request.from : 'disk';
  const env: Record<string, string> = build === undefined ? {} : { [buildVariable]: build };
  const progress = (message: string, fraction?: number) =>
    emit({ type: 'progress', stage: 'prepare', message, ...(fraction === undefined ? {} : { fraction }) });
  return prepare(
    { recipe, rehearsal, connect, from, until },
    { paths, work: foldersOf(paths, build ?? 'plan').work, signal, progress, download: build !== undefined, env },
  );
}

/** The plan and the rendered files: with holes for people, filled and private for the programs. */
async function writeDocuments(
  plan: Plan<Recipe>,
  folder: string,
  work: string,
  read: ReturnType<typeof secretReader>,
): Promise<void> {
  await writeAtomic(join(folder, 'plan.json'), `${JSON.stringify(plan, undefined, 2)}\n`);
  await mkdir(join(folder, 'rendered'), { recursive: true });
  await mkdir(join(work, 'rendered'), { recursive: true, mode: 0o700 });
  for (const file of plan.rendered) {
    await writeFile(join(folder, 'rendered', file.name), file.text);
    const mode = file.holes.length > 0 ? 0o600 : 0o644;
    await writeFile(join(work, 'rendered', file.name), fillHoles(file, read), { mode });
  }
}

/** NAME-YYYYMMDD-HHMMSS-xxxx, in UTC: sorts by time, and names the domain and the folders. */
function buildId(name: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `${name}-${stamp}-${randomBytes(2).toString('hex')}`;
}

type Failure = Omit<Extract<EventBody, { type: 'failed' }>, 'type'>;

function failedEvent(error: unknown, secrets: readonly string[]): Failure {
  const message = redact(messageOf(error), secrets);
  if (!(error instanceof VmkilnError)) return { code: 'UNKNOWN', message };
  const { code, hint, bundle, stage } = error;
  return { code, message, ...(stage && { stage }), ...(hint && { hint }), ...(bundle && { bundle }) };
}
