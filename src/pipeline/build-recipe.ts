import type { Recipe } from '../recipe/recipe.ts';
import type { EventBody, Host, Plan } from '../model.ts';
import { foldersOf } from '../store/owner.ts';
import type { Paths } from '../store/paths.ts';
import { buildVariable } from '../store/process.ts';
import { type BuildResult, runBuild } from './build.ts';
import { makePlan } from './plan.ts';
import type { Pool } from './pool.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type TargetChanges, targetChanges } from './target-changes.ts';
import { type BuildContext, type BuildRequest, openPaths, readRecipe, type Wanted } from './request.ts';

/** Builds one recipe and publishes the image. @throws VmkilnError as `runBuild` does */
export async function buildRecipe(request: BuildRequest, context: BuildContext & { pool: Pool }): Promise<BuildResult> {
  const wanted = await readRecipe(request, context.world);
  const { name, recipe, recipeFile } = wanted;
  return runBuild(
    {
      name,
      recipe,
      recipeFile: recipeFile.path,
      rehearsal: request.rehearsal !== undefined,
      keepOnFailure: request.keepOnFailure,
      ...(request.serial !== undefined && { serial: request.serial }),
      plan: async (paths, build, emit) => {
        const { input, secrets } = await prepareFor(wanted, request, { ...context, paths, emit, build });
        return { plan: makePlan(input), secrets };
      },
    },
    context,
  );
}

/**
 * What a build of this recipe would do now, and what would change at its targets. Downloads and creates nothing.
 *
 * @param options `offline` asks no target beyond this host.
 */
export async function planRecipe(
  request: BuildRequest,
  context: BuildContext,
  { offline }: { offline: boolean },
): Promise<{ plan: Plan<Recipe>; targets: TargetChanges[] }> {
  const plan = await planOf(request, context);
  const { signal, world } = context;
  const { checkpoints } = await openPaths(world);
  return { plan, targets: await targetChanges(plan, checkpoints, { ...world, signal, offline }) };
}

/**
 * What a build of this recipe would do now. Downloads and creates nothing, and asks no target.
 *
 * @param host what this host can do, when an earlier plan has found it out.
 */
export async function planOf(request: BuildRequest, context: BuildContext, host?: Host): Promise<Plan<Recipe>> {
  const wanted = await readRecipe(request, context.world);
  const paths = await openPaths(context.world);
  const emit = (body: EventBody) => context.emit({ at: new Date().toISOString(), build: 'plan', ...body });
  const known = host && { host };
  const { input } = await prepareFor(wanted, request, { ...context, paths, emit, build: undefined, ...known });
  return makePlan(input);
}

type Preparing = Pick<BuildContext, 'signal' | 'world'> & {
  paths: Paths;
  emit: (body: EventBody) => void;
  /** Undefined for a plan alone. */
  build: { id: string; work: string } | undefined;
  host?: Host;
};

function prepareFor(wanted: Wanted, request: BuildRequest, context: Preparing): Promise<Prepared> {
  const { rehearsal, connect, from, until, cache } = request;
  const { paths, signal, world, emit, build, host } = context;
  const progress = (message: string, fraction?: number) =>
    emit({ type: 'progress', stage: 'prepare', message, ...(fraction === undefined ? {} : { fraction }) });
  return prepare(
    { ...wanted, rehearsal, connect, from, until, cache },
    {
      ...{ paths, signal, progress, world },
      work: build?.work ?? foldersOf(paths, 'plan').work,
      download: build !== undefined,
      env: build === undefined ? {} : { [buildVariable]: build.id },
      ...(host && { host }),
    },
  );
}
