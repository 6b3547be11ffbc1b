import { exitCode, messageOf, VmkilnError } from '../errors.ts';
import type { Event, StageName, World } from '../model.ts';
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
import { errorText } from '../ui/error-text.ts';
import { paintFor } from '../ui/format.ts';
import { defaultUi, openUi, type CommandContext, type Ui, type UiKind } from '../ui/ui.ts';
import { harmless } from '../text.ts';

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
  keepOnFailure?: boolean;
  allowRehearsal?: boolean;
  ui?: UiKind;
};

/** A build that was asked for; `from` is the recipe or the plan, as the person named it. */
type Job = { from: string; run: (context: BuildContext & { pool: Pool }) => Promise<BuildResult> };
type Outcome = { from: string; folder?: string; error?: unknown; shown: boolean };

/** `vmkiln build` and `vmkiln rehearse`: builds every recipe, or a kept plan, and returns the worst exit status. */
export async function build(
  recipes: readonly string[],
  options: BuildOptions,
  context: CommandContext,
  rehearsal?: Rehearsal,
): Promise<number> {
  const jobs =
    options.plan === undefined
      ? await recipeJobs(recipes, options, context, rehearsal)
      : [planJob(recipes, options.plan, options)];
  const { signal, world } = context;
  const kind = options.ui ?? defaultUi(process.stderr, world.env);
  const ui = await openUi(kind, {
    recipes: jobs.map(({ from }) => from),
    stdout: process.stdout,
    stderr: process.stderr,
    env: world.env,
  });
  const pool = openPool(statePaths(world.env, process.getuid?.() ?? 0).work);
  const outcomes = await context
    .sayThrough(ui.say, () =>
      inParallel(jobs, options.jobs ?? jobs.length, (job, index) => runJob(job, index, ui, { signal, pool, world })),
    )
    .finally(() => ui.close());
  report(outcomes, kind, world);
  return Math.max(0, ...outcomes.map(({ error }) => (error === undefined ? 0 : exitCode(error))));
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
  try {
    context.signal.throwIfAborted();
    const emit = (event: Event) => {
      shown ||= event.type === 'failed';
      ui.emit(event, index);
    };
    const { folder } = await run({ ...context, emit });
    return { from, folder, shown };
  } catch (error) {
    if (!shown) ui.drop(index);
    return { from, error, shown };
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

/** Says what the interface has not: errors from before the first event, and one line per build when there are several. */
function report(outcomes: readonly Outcome[], kind: UiKind, { env }: World): void {
  const paint = paintFor(process.stderr, env);
  const debug = Boolean(env['VMKILN_DEBUG']);
  // With --ui json the events are for machines: a person still reads the error on standard error.
  const unsaid = ({ error, shown }: Outcome) => !shown || kind === 'json' || debug || !(error instanceof VmkilnError);
  const lines = outcomes
    .filter((outcome) => outcome.error !== undefined && !interrupted(outcome.error) && unsaid(outcome))
    .map(({ error }) => errorText(error, { debug, paint }));
  if (outcomes.length > 1) {
    const width = Math.max(...outcomes.map(({ from }) => from.length));
    for (const { from, folder, error } of outcomes) {
      const end =
        error === undefined
          ? `${paint('good', 'done')}    ${folder}`
          : `${paint('bad', 'failed')}  ${harmless(messageOf(error).split('\n')[0] ?? '')}`;
      lines.push(`${from.padEnd(width)}  ${end}`);
    }
  }
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
}

/** Whoever interrupted a build knows why it ended. */
function interrupted(error: unknown): boolean {
  return error instanceof VmkilnError && error.code === 'INTERRUPTED';
}
