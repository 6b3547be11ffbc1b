import { exitCode, messageOf, VmkilnError } from '../errors.ts';
import type { Event, StageName, World } from '../model.ts';
import { buildRecipe } from '../pipeline/build-recipe.ts';
import type { BuildRequest } from '../pipeline/request.ts';
import { stages } from '../pipeline/stages.ts';
import { statePaths } from '../store/paths.ts';
import { checkDistinct } from '../pipeline/distinct.ts';
import { openPool, type Pool } from '../pipeline/pool.ts';
import type { MediaSource } from '../pipeline/prepare.ts';
import { errorText } from '../ui/error-text.ts';
import { paintFor } from '../ui/format.ts';
import { defaultUi, openUi, type Session, type Ui, type UiKind } from '../ui/ui.ts';

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
  jobs?: number;
  keepOnFailure?: boolean;
  allowRehearsal?: boolean;
  ui?: UiKind;
};

type Outcome = { recipe: string; folder?: string; error?: unknown; shown: boolean };

/** `vmkiln build` and `vmkiln rehearse`: builds every recipe, and returns the worst exit status. */
export async function build(
  recipes: readonly string[],
  options: BuildOptions,
  session: Session,
  rehearsal?: MediaSource,
): Promise<number> {
  const requests = recipes.map((recipe) => ({
    ...requestOf(recipe, options),
    keepOnFailure: options.keepOnFailure ?? false,
    allowRehearsal: options.allowRehearsal ?? false,
    ...(rehearsal && { rehearsal }),
  }));
  const world = { env: process.env, cwd: process.cwd() };
  await checkDistinct(requests, world);
  const kind = options.ui ?? defaultUi(process.stderr, process.env);
  const ui = await openUi(kind, { recipes });
  const say = session.say;
  session.say = ui.say;
  let outcomes: Outcome[];
  try {
    const pool = openPool(statePaths(process.env, process.getuid?.() ?? 0).work);
    outcomes = await inParallel(requests, options.jobs ?? requests.length, (request, index) =>
      buildOne(request, index, ui, { signal: session.signal, pool, world }),
    );
  } finally {
    session.say = say;
    await ui.close();
  }
  report(outcomes, kind);
  return Math.max(0, ...outcomes.map(({ error }) => (error === undefined ? 0 : exitCode(error))));
}

/** The part of a build request that plan and build share. @throws VmkilnError USAGE */
export function requestOf(recipe: string, options: RecipeOptions): BuildRequest {
  const { from, until } = options;
  const stageNames = stages.map(({ name }) => name);
  if (from !== undefined && until !== undefined && stageNames.indexOf(from) > stageNames.indexOf(until)) {
    throw new VmkilnError('USAGE', `--from ${from} comes after --until ${until}`, {
      hint: `the order of the stages is ${stageNames.join(', ')}`,
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

async function buildOne(
  request: BuildRequest,
  index: number,
  ui: Ui,
  { signal, pool, world }: { signal: AbortSignal; pool: Pool; world: World },
): Promise<Outcome> {
  const { recipe } = request;
  let shown = false;
  try {
    signal.throwIfAborted();
    const emit = (event: Event) => {
      shown ||= event.type === 'failed';
      ui.emit(event, index);
    };
    const { folder } = await buildRecipe(request, { signal, emit, pool, world });
    return { recipe, folder, shown };
  } catch (error) {
    if (!shown) ui.drop(index);
    return { recipe, error, shown };
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

/** Says what the interface has not: errors from before the first event, and one line per recipe when there are several. */
function report(outcomes: readonly Outcome[], kind: UiKind): void {
  const paint = paintFor(process.stderr);
  const debug = Boolean(process.env['VMKILN_DEBUG']);
  // With --ui json the events are for machines: a person still reads the error on standard error.
  const unsaid = ({ error, shown }: Outcome) => !shown || kind === 'json' || debug || !(error instanceof VmkilnError);
  const lines = outcomes
    .filter((outcome) => outcome.error !== undefined && !interrupted(outcome.error) && unsaid(outcome))
    .map(({ error }) => errorText(error, { debug, paint }));
  if (outcomes.length > 1) {
    const width = Math.max(...outcomes.map(({ recipe }) => recipe.length));
    for (const { recipe, folder, error } of outcomes) {
      const end =
        error === undefined
          ? `${paint('good', 'done')}    ${folder}`
          : `${paint('bad', 'failed')}  ${messageOf(error).split('\n')[0]}`;
      lines.push(`${recipe.padEnd(width)}  ${end}`);
    }
  }
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
}

/** Whoever interrupted a build knows why it ended. */
function interrupted(error: unknown): boolean {
  return error instanceof VmkilnError && error.code === 'INTERRUPTED';
}
