import { readdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';
import type { Event, Host, World } from '../model.ts';
import type { BuildResult } from '../pipeline/build.ts';
import { buildRecipe, planOf } from '../pipeline/build-recipe.ts';
import { clean } from '../pipeline/clean.ts';
import { openPool } from '../pipeline/pool.ts';
import { type BuildContext, type BuildRequest, openPaths } from '../pipeline/request.ts';
import { writeAtomic } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import type { Paths } from '../store/paths.ts';
import { serialNow } from '../targets/serial.ts';
import { type Night, nightOf } from './entry.ts';
import { gate } from './gate.ts';
import type { Job } from './jobs.ts';
import type { LoadedFactory } from './load.ts';
import { type Make, makeHere, notNow } from './make-build.ts';
import { repositoryReader } from './repositories.ts';
import { type EntryState, openState, writeState } from './state.ts';
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
  pipeline?: Pipeline;
  /** The night that was begun before, if this one is that. By default it is a new one. */
  id?: string;
  /** Builds on other hosts, in place of this one: all at once. */
  make?: Make;
};

/** How recipes are planned and built on this host. */
type Pipeline = Pick<Night, 'plan'> & { build: (request: BuildRequest, context: BuildContext) => Promise<BuildResult> };

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
  const id = context.id ?? `${factory.name}-${serialNow()}`;
  const { plan, build } = context.pipeline ?? pipelineOf(context, paths);
  const makeRoom = async () => void (await prune(loaded, context, 'checkpoints'));
  const refusal = () => notNow(factory, startedAt, paths, makeRoom);
  const { keep, left } = keeper(folder);
  const night: Night = {
    ...{ id, factory, folder, paths, world, signal, http, startedAt, plan },
    ...{ dryRun: options.dryRun, asked: options.asked },
    make: context.make ?? makeHere(build, factory.limits.build, { paths, world, http }, refusal),
    reader: repositoryReader(http),
    renewed: context.make ? undefined : new Map(),
    looking: gate(lookers),
    building: gate(context.make ? Infinity : (factory.limits.jobs ?? Math.max(2, availableParallelism()))),
    keep,
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
  // What is removed may have made the room.
  const lost = await left();
  warnings.push(...lost);
  const endedAt = Date.now();
  const outcome = outcomeOf(entries, signal.aborted);
  const summary: NightSummary = {
    ...{ version: 1, night: id, factory: factory.name, file: path },
    ...{
      dryRun: options.dryRun,
      startedAt: new Date(startedAt).toISOString(),
      endedAt: new Date(endedAt).toISOString(),
    },
    ...{ seconds: (endedAt - startedAt) / 1000, outcome: outcome === 'done' && lost.length > 0 ? 'failed' : outcome },
    ...{ entries, warnings },
    ...(pruned && { pruned }),
  };
  if (!options.dryRun) await keepSummary(folder, summary).catch(warn('the summary is not kept'));
  return summary;
}

/**
 * Keeps what is known of entries; what could not be kept is tried once more at the end of the night.
 *
 * @returns `left` says in sentences what the next night will not know.
 */
function keeper(folder: string): { keep: Night['keep']; left: () => Promise<string[]> } {
  const unkept = new Map<string, EntryState>();
  const keep = async (state: EntryState) => {
    unkept.set(state.name, state);
    await writeState(folder, state).then(
      () => unkept.delete(state.name),
      () => undefined,
    );
  };
  const left = async () => {
    const lost = new Map<string, string[]>();
    for (const state of unkept.values()) {
      await writeState(folder, state).catch((error: unknown) => {
        const why = messageOf(error);
        lost.set(why, [...(lost.get(why) ?? []), state.name]);
      });
    }
    return [...lost].map(
      ([why, names]) =>
        `what came of ${names.join(', ')} is not kept, and the next night goes by what was known before: ${why}`,
    );
  };
  return { keep, left };
}

/** The pipeline's own way to plan and build. What this host can do is found out once. */
function pipelineOf({ signal, world }: NightContext, paths: Paths): Pipeline {
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
export async function prune(
  { factory }: Pick<LoadedFactory, 'factory'>,
  { world, signal }: Pick<NightContext, 'world' | 'signal'>,
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
