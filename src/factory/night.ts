import { readdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';
import type { Event, Host, World } from '../model.ts';
import { buildRecipe, planOf } from '../pipeline/build-recipe.ts';
import { clean } from '../pipeline/clean.ts';
import { openPool } from '../pipeline/pool.ts';
import { openPaths } from '../pipeline/request.ts';
import { writeAtomic } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import type { Paths } from '../store/paths.ts';
import { serialNow } from '../targets/serial.ts';
import { type Night, nightOf } from './entry.ts';
import { gate } from './gate.ts';
import type { Job } from './jobs.ts';
import type { LoadedFactory } from './load.ts';
import { repositoryReader } from './repositories.ts';
import { openState } from './state.ts';
import { type EntrySummary, type NightSummary, outcomeOf } from './summary.ts';

/** How a night is run. `asked`: only these entries were named, and are built whether they are due or not. */
export type NightOptions = { dryRun: boolean; asked: boolean; ifRunning: 'wait' | 'leave' };

/** How a night tells what happens, and learns that it should stop. `index` is that of the job. */
export type NightContext = {
  signal: AbortSignal;
  world: World;
  emit: (event: Event, index: number) => void;
  /** An entry has come to its end. */
  ended: (entry: EntrySummary, index: number) => void;
  say: (message: string) => void;
  /** In place of the pipeline's own, in tests of the night itself. */
  pipeline?: Pick<Night, 'plan' | 'build'>;
};

/** So many plans are made, and media and repositories looked at, at the same time. */
const lookers = 4;
/** Summaries of so many nights stay. */
const nightsKept = 100;

/**
 * One night: what is due is looked at, what has changed is built and published, what is not needed any more is removed. A night that was told to
 * stop ends with what it has.
 *
 * @returns undefined when another night of this factory is under way, and nobody wants to wait for it.
 * @throws VmkilnError of the folders of the state; INTERRUPTED while it waits.
 */
export async function runNight(
  loaded: LoadedFactory,
  jobs: readonly Job[],
  options: NightOptions,
  context: NightContext,
): Promise<NightSummary | undefined> {
  const paths = await openPaths(context.world);
  const folder = await openState(paths, loaded.factory.name);
  const body = () => carryOut(loaded, jobs, options, context, { paths, folder });
  if (options.dryRun) return body();
  const left = new VmkilnError('INTERRUPTED', 'another night is under way');
  const leave = new AbortController();
  const waiting = () => {
    const wait = options.ifRunning === 'wait';
    context.say(`another night of ${loaded.factory.name} is under way: ${wait ? 'waiting for its end' : 'leaving'}`);
    if (!wait) leave.abort(left);
  };
  const signal = AbortSignal.any([context.signal, leave.signal]);
  return withLock(folder, 'night', { signal, waiting }, body).catch((error: unknown) => {
    if (error === left) return undefined;
    throw error;
  });
}

type Places = { paths: Paths; folder: string };

async function carryOut(
  loaded: LoadedFactory,
  jobs: readonly Job[],
  options: NightOptions,
  context: NightContext,
  { paths, folder }: Places,
): Promise<NightSummary> {
  const { factory, path } = loaded;
  const { world, signal } = context;
  const startedAt = Date.now();
  const http = { signal, progress: () => undefined, env: world.env };
  const night: Night = {
    ...{ factory, folder, paths, world, signal, http, startedAt },
    ...{ dryRun: options.dryRun, asked: options.asked },
    ...(context.pipeline ?? pipelineOf(context, paths)),
    reader: repositoryReader(http),
    renewed: new Map(),
    looking: gate(lookers),
    building: gate(factory.limits.jobs ?? Math.max(2, availableParallelism())),
    makeRoom: async () => void (await prune(loaded, context, 'checkpoints')),
  };
  const ends = new Map<string, Promise<EntrySummary>>();
  for (const [index, job] of jobs.entries()) {
    const run = async () => {
      const base = await ends.get(job.base ?? '');
      const entry = await nightOf(job, base, night, (event) => context.emit(event, index));
      context.ended(entry, index);
      return entry;
    };
    ends.set(job.name, run());
  }
  const entries = await Promise.all(ends.values());
  const warnings: string[] = [];
  const warn = (what: string) => (error: unknown) => {
    warnings.push(`${what}: ${messageOf(error)}`);
    return undefined;
  };
  const isOver = signal.aborted || options.dryRun;
  const pruned = isOver ? undefined : await prune(loaded, context, 'all').catch(warn('nothing was removed'));
  const endedAt = Date.now();
  const summary: NightSummary = {
    ...{ version: 1, night: `${factory.name}-${serialNow()}`, factory: factory.name, file: path },
    ...{
      dryRun: options.dryRun,
      startedAt: new Date(startedAt).toISOString(),
      endedAt: new Date(endedAt).toISOString(),
    },
    ...{ seconds: (endedAt - startedAt) / 1000, outcome: outcomeOf(entries, signal.aborted), entries, warnings },
    ...(pruned && { pruned }),
  };
  if (!options.dryRun) await keepSummary(folder, summary).catch(warn('the summary is not kept'));
  return summary;
}

/** The pipeline's own way to plan and build. What this host can do is found out once. */
function pipelineOf({ signal, world }: NightContext, paths: Paths): Pick<Night, 'plan' | 'build'> {
  const pool = openPool(paths.work);
  let host: Host | undefined;
  return {
    plan: async (request) => {
      if (signal.aborted) throw interrupted('looking', signal);
      const plan = await planOf(request, { signal, world, emit: () => undefined }, host);
      host ??= plan.host;
      return plan;
    },
    build: (request, context) => buildRecipe(request, { ...context, pool }),
  };
}

/** What `vmkiln clean` does, as the factory wants it. */
async function prune(
  { factory }: LoadedFactory,
  { world, signal }: NightContext,
  what: 'checkpoints' | 'all',
): Promise<NightSummary['pruned']> {
  const { builds, checkpoints } = factory.retention;
  const { removed, freedBytes } = await clean({
    ...{ world, signal, cache: false, emit: () => undefined },
    builds: what === 'all' && builds !== undefined,
    ...(checkpoints === undefined ? {} : { keepBytes: checkpoints }),
    ...(builds && {
      retention: {
        ...(builds.keep !== undefined && { count: builds.keep }),
        ...(builds.days !== undefined && { days: builds.days }),
      },
    }),
  });
  return { removed: removed.length, freedBytes };
}

async function keepSummary(folder: string, summary: NightSummary): Promise<void> {
  const nights = join(folder, 'nights');
  await writeAtomic(join(nights, `${summary.night}.json`), `${JSON.stringify(summary, undefined, 2)}\n`);
  const old = (await readdir(nights)).toSorted().slice(0, -nightsKept);
  for (const name of old) await rm(join(nights, name), { force: true });
}
