import { exitCode, VmkilnError } from '../errors.ts';
import type { Event, StageName } from '../model.ts';
import type { BuildResult } from '../pipeline/build.ts';
import { buildRecipe } from '../pipeline/build-recipe.ts';
import { checkDistinct } from '../pipeline/distinct.ts';
import { buildPlan } from '../pipeline/kept-plan.ts';
import { openPool, type Pool } from '../pipeline/pool.ts';
import type { Rehearsal } from '../pipeline/prepare.ts';
import type { BuildContext, BuildRequest } from '../pipeline/request.ts';
import { stages } from '../pipeline/stages.ts';
import { statePaths } from '../store/paths.ts';
import type { Serial } from '../targets/serial.ts';
import { defaultUi, openUi, type CommandContext, type Ui, type UiKind } from '../ui/ui.ts';
import { isInterrupted, type Outcome, report } from './build-report.ts';
import { type OnError, onErrorOf, wantsRetry } from './on-error.ts';

/** The options that decide what a recipe becomes: shared by build, rehearse and plan. */
export type RecipeOptions = {
  set: string[];
  vars?: string;
  out?: string;
  cache: boolean;
  from?: StageName;
  until?: StageName;
  connect?: string;
};

export type BuildOptions = RecipeOptions & {
  plan?: string;
  serial?: Serial;
  jobs?: number;
  onError?: OnError;
  /** What `--on-error keep` was called before. */
  keepOnFailure?: boolean;
  allowRehearsal?: boolean;
  ui?: UiKind;
  quiet?: boolean;
  verbose?: boolean;
};

/** A build that was asked for; `from` is the recipe or the plan, as the person named it. */
type Job = { from: string; run: (context: BuildContext & { pool: Pool }) => Promise<BuildResult> };

/** `vmkiln build` and `vmkiln rehearse`: builds every recipe, or a kept plan, and returns the worst exit status. */
export async function build(
  recipes: readonly string[],
  options: BuildOptions,
  context: CommandContext,
  rehearsal?: Rehearsal,
): Promise<number> {
  if (options.keepOnFailure) context.say('--keep-on-failure is --on-error keep now');
  const onError = onErrorOf(options);
  const keeping = { ...options, keepOnFailure: onError !== 'clean' };
  const jobs =
    options.plan === undefined
      ? await recipeJobs(recipes, keeping, context, rehearsal)
      : [planJob(recipes, options.plan, keeping)];
  const outcomes = await runJobs(jobs, options, context);
  if (onError === 'ask') {
    for (const [index, job] of jobs.entries()) {
      let [last] = outcomes.slice(index);
      while (last && (await wantsRetry(last, context))) [last] = await runJobs([job], options, context);
      if (last) outcomes[index] = last;
    }
  }
  return Math.max(0, ...outcomes.map(({ error }) => (error === undefined ? 0 : exitCode(error))));
}

/** Runs builds, shows them, and says how they ended. */
async function runJobs(jobs: readonly Job[], options: BuildOptions, context: CommandContext): Promise<Outcome[]> {
  const { signal, world } = context;
  const { quiet = false, verbose = false } = options;
  const kind = options.ui ?? (quiet || verbose ? 'plain' : defaultUi(process.stderr, world.env));
  const ui = await openUi(kind, {
    recipes: jobs.map(({ from }) => from),
    stdout: process.stdout,
    stderr: process.stderr,
    env: world.env,
    ...(quiet && { detail: 'quiet' }),
    ...(verbose && { detail: 'verbose' }),
  });
  const pool = openPool(statePaths(world.env, process.getuid?.() ?? 0).work);
  const outcomes = await context
    .sayThrough(ui.say, () =>
      inParallel(jobs, options.jobs ?? jobs.length, (job, index) => runJob(job, index, ui, { signal, pool, world })),
    )
    .finally(() => ui.close());
  report(outcomes, { kind, quiet, onError: onErrorOf(options) }, world);
  return outcomes;
}

async function recipeJobs(
  recipes: readonly string[],
  options: BuildOptions,
  { world }: CommandContext,
  rehearsal: Rehearsal | undefined,
): Promise<Job[]> {
  if (recipes.length === 0) {
    throw new VmkilnError('USAGE', "missing required argument 'recipe'", {
      hint: 'name a recipe, or a plan with --plan FILE; see vmkiln build --help',
    });
  }
  const requests = recipes.map((recipe) => ({
    ...requestOf(recipe, options),
    keepOnFailure: options.keepOnFailure ?? false,
    allowRehearsal: options.allowRehearsal ?? false,
    ...(options.serial !== undefined && { serial: options.serial }),
    ...(rehearsal && { rehearsal }),
  }));
  await checkDistinct(requests, world);
  return requests.map((request) => ({ from: request.recipe, run: (context) => buildRecipe(request, context) }));
}

/** A kept plan has decided everything. @throws VmkilnError USAGE for an option that would decide otherwise */
function planJob(recipes: readonly string[], plan: string, options: BuildOptions): Job {
  const { set, vars, out, cache, from, until, serial, connect, keepOnFailure = false } = options;
  const given = Object.entries({ set: set.length > 0 || undefined, vars, out, from, until, serial, connect });
  const others = [
    ...(recipes.length > 0 ? ['a recipe'] : []),
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`])),
    ...(cache ? [] : ['--no-cache']),
  ];
  if (others.length > 0) {
    throw new VmkilnError('USAGE', `--plan excludes ${others.join(', ')}: the plan has decided that`, {
      hint: 'plan again with what you want: vmkiln plan RECIPE --save FILE',
    });
  }
  return { from: plan, run: (context) => buildPlan(plan, { keepOnFailure }, context) };
}

/** The part of a build request that plan and build share. @throws VmkilnError USAGE */
export function requestOf(recipe: string, options: RecipeOptions): BuildRequest {
  const { from, until } = options;
  const order = stages.map(({ name }) => name);
  if (from !== undefined && until !== undefined && order.indexOf(from) > order.indexOf(until)) {
    throw new VmkilnError('USAGE', `--from ${from} comes after --until ${until}`, {
      hint: `the order of the stages is ${order.join(', ')}`,
    });
  }
  return {
    recipe,
    set: options.set,
    cache: options.cache,
    keepOnFailure: false,
    ...(options.vars === undefined ? {} : { vars: options.vars }),
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(options.connect === undefined ? {} : { connect: options.connect }),
  };
}

async function runJob(
  { from, run }: Job,
  index: number,
  ui: Ui,
  context: Omit<BuildContext, 'emit'> & { pool: Pool },
): Promise<Outcome> {
  let shown = false;
  let id: string | undefined;
  try {
    context.signal.throwIfAborted();
    const emit = (event: Event) => {
      shown ||= event.type === 'failed';
      if (event.type === 'build-started') id = event.build;
      ui.emit(event, index);
    };
    return { from, result: await run({ ...context, emit }), shown };
  } catch (error) {
    if (!shown) ui.drop(index, isInterrupted(error) ? 'interrupted' : 'refused');
    return { from, error, shown, ...(id !== undefined && { build: id }) };
  }
}

/** Runs `work` on every item, at most `limit` at a time, and keeps the order of the results. */
async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
