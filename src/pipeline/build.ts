import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fillHoles } from '../answers/holes.ts';
import { errorCatalogue, messageOf, unforeseen, VmkilnError } from '../errors.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { EventBody, Plan, Published } from '../model.ts';
import { pinsLock } from '../store/checkpoints.ts';
import { writeAtomic } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import { createBuild, foldersOf, type Owner, releaseOwner, writeOwner } from '../store/owner.ts';
import type { Paths } from '../store/paths.ts';
import { plannedTargets } from '../targets/index.ts';
import { type Serial, serialNow, serialOfBuild } from '../targets/serial.ts';
import { redact } from '../tools/exec.ts';
import { type EventLog, type Failure, foldManifest, openEventLog } from './events.ts';
import { explanationOf } from './explain-build.ts';
import { lastPublished } from './history.ts';
import { hookRunner } from './hook-runner.ts';
import type { Pool } from './pool.ts';
import { reapBuild, reapDead } from './reap.ts';
import { type BuildContext, openPaths } from './request.ts';
import { type RunHook, runPlan } from './run.ts';
import { secretReader } from './secrets.ts';

/** What a build left. `folder` explains it. */
export type BuildResult = { build: string; folder: string; published: Published[] };

/** What is to be built: what is known of it before anything is made, and how its plan comes about. */
export type Task = {
  /** Name of the image. */
  name: string;
  recipeFile: string;
  recipe: Pick<Recipe, 'hooks'>;
  rehearsal: boolean;
  keepOnFailure: boolean;
  /** Which publication it is; by default the one that the id of the build tells. */
  serial?: Serial;
  /** The plan, and the secret values, which it must not hold. `work` is the build's work folder, `env` what its programs get. */
  plan(
    paths: Paths,
    build: { id: string; work: string },
    emit: (body: EventBody) => void,
  ): Promise<{ plan: Plan<Recipe>; secrets: readonly string[] }>;
};

/** A build under way. */
type Build = {
  id: string;
  task: Task;
  context: BuildContext & { pool: Pool };
  paths: Paths;
  folder: string;
  work: string;
  owner: Owner;
  log: EventLog;
  /** What must not be seen; known once there is a plan. */
  secrets: readonly string[];
  /** Files of the work folder that have them in clear, besides the rendered ones. */
  secretFiles: readonly string[];
  hook: RunHook;
};

/** How a build ends: `refused` before anything was made of it, `kept` with all it had when it failed. */
type Ending = 'done' | 'refused' | 'failed' | 'kept';

/**
 * Builds an image and publishes it.
 *
 * @throws VmkilnError; a `failed` event has been emitted by then, unless the recipe or the media were refused (nothing
 * has been created in that case).
 */
export async function runBuild(task: Task, context: BuildContext & { pool: Pool }): Promise<BuildResult> {
  const build = await beginBuild(task, context);
  let ending: Ending = 'done';
  try {
    return await carryOut(build);
  } catch (error) {
    ending = await fail(build, error);
    throw error;
  } finally {
    await endBuild(build, ending);
  }
}

/** Clears away what dead builds left, then makes the folders and the record of this one. */
async function beginBuild(task: Task, context: BuildContext & { pool: Pool }): Promise<Build> {
  const paths = await openPaths(context.world);
  const id = buildId(task.name);
  for (const message of await reapDead(paths, { kept: false, env: context.world.env, signal: context.signal })) {
    context.emit({ at: new Date().toISOString(), build: id, type: 'progress', stage: 'prepare', message });
  }
  const owner = await createBuild(paths, id, context.signal);
  const { folder, work } = foldersOf(paths, id);
  const log = openEventLog(folder, id, context.emit);
  const build = { id, task, context, paths, folder, work, owner, log, secrets: [], secretFiles: [] };
  return Object.assign(build, { hook: hookRunner(build) });
}

async function carryOut(build: Build): Promise<BuildResult> {
  const { id, task, context, paths, folder, work, owner, log } = build;
  const started = performance.now();
  const { plan, secrets } = await task.plan(paths, { id, work }, log.emit);
  build.secrets = secrets;
  build.secretFiles = plan.stages.flatMap(({ commands }) => commands).flatMap(({ secretFile }) => secretFile ?? []);
  owner.connect = plan.host.connect;
  owner.targets = plannedTargets(plan.recipe.upload).map(({ target, spec }) => ({ target, spec }));
  owner.cwd = context.world.cwd;
  await writeOwner(paths, owner);
  await writeDocuments(plan, build);
  log.emit(startOf(plan, folder, task.serial));
  for (const note of plan.notes) log.emit({ type: 'warning', message: note });
  const published = await runPlan({
    ...{
      plan,
      build: id,
      serial: task.serial ?? serialOfBuild(id),
      folder,
      work,
      hook: build.hook,
      redact: secrets,
      lastPublished: lastPublished(paths.builds, plan.name),
    },
    signal: context.signal,
    emit: log.emit,
    world: context.world,
    keepOnFailure: task.keepOnFailure,
    checkpoints: paths.checkpoints,
    mediaDir: paths.media,
    pool: context.pool,
    pin: (fingerprint) => pin(build, fingerprint),
  });
  log.emit({ type: 'build-finished', seconds: (performance.now() - started) / 1000 });
  return { build: id, folder, published };
}

function startOf(plan: Plan<Recipe>, folder: string, serial: Serial | undefined): EventBody {
  const { name, recipeFile, rehearsal, recipe, host, stages } = plan;
  const { family } = recipe;
  const ahead = stages
    .filter(({ forecast }) => forecast === 'run')
    .map(({ stage, predicted }) => ({ stage, ...(predicted && { seconds: predicted.seconds }) }));
  return {
    type: 'build-started',
    ...{ name, recipe: recipeFile.path, rehearsal, folder, family, accelerator: host.accelerator, ahead },
    ...(serial !== undefined && { serial }),
  };
}

/** Under the lock that `clean` takes too, so that no layer goes between being wanted and being used. */
function pin({ paths, context, owner }: Build, fingerprint: string): Promise<void> {
  return withLock(paths.checkpoints, pinsLock, { signal: context.signal }, async () => {
    owner.uses.push(fingerprint);
    await writeOwner(paths, owner);
  });
}

/** The plan and the rendered files: with holes for people, filled and private for the programs. */
async function writeDocuments(plan: Plan<Recipe>, { folder, work, context }: Build): Promise<void> {
  const read = secretReader(plan.rehearsal, context.world.env);
  await writeAtomic(join(folder, 'plan.json'), `${JSON.stringify(plan, undefined, 2)}\n`);
  await mkdir(join(folder, 'rendered'), { recursive: true });
  await mkdir(join(work, 'rendered'), { recursive: true, mode: 0o700 });
  for (const file of plan.rendered) {
    await writeFile(join(folder, 'rendered', file.name), file.text);
    const mode = file.holes.length > 0 ? 0o600 : 0o644;
    await writeFile(join(work, 'rendered', file.name), fillHoles(file, read), { mode });
  }
}

/** Tells of a failure, and lets the recipe's hook tell of it. */
async function fail({ task, context, folder, log, secrets, hook }: Build, error: unknown): Promise<Ending> {
  const refused = !log.events.some(({ type }) => type === 'build-started');
  if (refused && error instanceof VmkilnError && errorCatalogue[error.code] === 2) return 'refused';
  const told = failedEvent(error, secrets);
  const explanation = await explanationOf(folder, told, secrets).catch(() => undefined);
  const failure = { ...told, ...(explanation && { explanation }) };
  if (error instanceof VmkilnError) error.explanation = explanation;
  log.emit({ type: 'failed', ...failure });
  await hook('onFailure', { published: foldManifest(log.events).published, failure });
  return task.keepOnFailure && !context.signal.aborted ? 'kept' : 'failed';
}

function failedEvent(error: unknown, secrets: readonly string[]): Failure {
  if (!(error instanceof VmkilnError)) return { code: 'UNKNOWN', message: redact(unforeseen(error), secrets) };
  const message = redact(messageOf(error), secrets);
  const { code, hint, bundle, stage } = error;
  return { code, message, ...(stage && { stage }), ...(hint && { hint }), ...(bundle && { bundle }) };
}

/** Leaves what an ending is to leave, and nothing else. */
async function endBuild(build: Build, ending: Ending): Promise<void> {
  const { id, context, paths, folder, work, owner, log } = build;
  if (ending === 'refused') await rm(folder, { recursive: true, force: true });
  const isTold = ending === 'refused' || (await writeRecord(build));
  if (ending === 'kept') {
    // The filled copies hold secrets; the build's own folder shows these files with their holes.
    for (const name of ['rendered', ...build.secretFiles]) await rm(join(work, name), { recursive: true, force: true });
    await writeOwner(paths, { ...owner, kept: true });
  } else if (ending === 'failed' || context.signal.aborted) {
    // What cannot be removed now keeps its record, and the next build tries again; the failure itself matters more.
    await reapBuild(paths, owner, context.world.env).catch((error: unknown) =>
      log.emit({ type: 'warning', message: `could not clean up: ${redact(messageOf(error), build.secrets)}` }),
    );
  } else {
    await rm(work, { recursive: true, force: true });
    await releaseOwner(paths, id);
  }
  // The clean-up may have made the room.
  if (!isTold) await writeRecord(build);
}

/** Whether what became of a build could be written: a disk that is full must not hide why it failed. */
async function writeRecord({ folder, log }: Build): Promise<boolean> {
  const text = `${JSON.stringify(foldManifest(log.events), undefined, 2)}\n`;
  try {
    await writeAtomic(join(folder, 'manifest.json'), text);
    await log.mend();
    return true;
  } catch {
    return false;
  }
}

/** NAME-YYYYMMDD-HHMMSS-xxxx: sorts by time, names the domain and the folders, and has the serial of what is published. */
function buildId(name: string): string {
  return `${name}-${serialNow()}`;
}
