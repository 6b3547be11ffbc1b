import { statfs } from 'node:fs/promises';
import { availableParallelism, hostname, loadavg, totalmem } from 'node:os';
import { readJobs } from '../factory/jobs.ts';
import type { LoadedFactory } from '../factory/load.ts';
import { nextTime } from '../factory/schedule.ts';
import { type EntryState, openState, readNights, readState } from '../factory/state.ts';
import type { NightSummary } from '../factory/summary.ts';
import { VmkilnError } from '../errors.ts';
import { readRoom } from '../host/room.ts';
import type { World } from '../model.ts';
import { type BuildRecord, listBuilds } from '../pipeline/builds.ts';
import { plannedTargets, type PlannedTarget, targetCalled } from '../targets/index.ts';
import type { ChannelPlace } from '../targets/channel-place.ts';
import type { Paths } from '../store/paths.ts';
import { version } from '../version.ts';
import type { ChannelAnswer, FactoryAnswer, HostAnswer } from './answers.ts';

/** Nights that are shown. */
const mostNights = 30;

/** What the dashboard reads from. `load` reads the factory anew; undefined without one. */
export type Sources = {
  world: World;
  paths: Paths;
  signal: AbortSignal;
  load: (() => Promise<LoadedFactory>) | undefined;
};

/** The builds whose folders are there, the latest first. */
export function readBuilds({ world }: Sources): Promise<BuildRecord[]> {
  return listBuilds(world);
}

/** The nights of the factory, the latest first. */
export async function readLatestNights({ load, paths }: Sources): Promise<NightSummary[]> {
  if (!load) return [];
  const { factory } = await load();
  return readNights(await openState(paths, factory.name), mostNights);
}

/**
 * The factory with what its next nights look at. `now` is in milliseconds since 1970.
 *
 * @throws VmkilnError FACTORY_INVALID, VARIABLE_INVALID, USAGE when its file was changed for the worse.
 */
export async function readFactory({ load, paths, world }: Sources, now: number): Promise<FactoryAnswer | undefined> {
  if (!load) return undefined;
  const loaded = await load();
  const { factory, path } = loaded;
  const folder = await openState(paths, factory.name);
  const jobs = await readJobs(loaded, world);
  const next = factory.schedule && nextTime(factory.schedule, now);
  const entries = jobs.map(async ({ name, entry }) => {
    const state = await readState(folder, name);
    const looked = factory.schedule && nextLook({ night: factory.schedule, own: entry.schedule }, state, now);
    return {
      ...{ name, recipe: entry.recipe },
      ...timeOf('next', looked),
      ...(state?.build !== undefined && { build: state.build }),
      ...(state?.builtAt !== undefined && { builtAt: state.builtAt }),
      ...(state?.failed && { failure: state.failed.failure.message.split('\n')[0] ?? state.failed.failure.code }),
    };
  });
  return { name: factory.name, file: path, ...timeOf('next', next), entries: await Promise.all(entries) };
}

type Schedule = NonNullable<LoadedFactory['factory']['schedule']>;

/** The night that looks at an entry: the first after its own schedule has had its time. Pure. */
export function nextLook(
  { night, own }: { night: Schedule; own: Schedule | undefined },
  state: Pick<EntryState, 'lookedAt'> | undefined,
  now: number,
): number | undefined {
  // What was looked at in the future, before the clock was set back, is due.
  if (!own || !state || Date.parse(state.lookedAt) > now) return nextTime(night, now);
  const due = nextTime(own, Date.parse(state.lookedAt));
  // A night that begins at that very moment looks at it.
  return due === undefined ? undefined : nextTime(night, Math.max(now, due - 1));
}

function timeOf(key: 'next', time: number | undefined): { next?: string } {
  return time === undefined ? {} : { [key]: new Date(time).toISOString() };
}

/**
 * The folders that the recipes of the factory publish to, with their channels; without a factory, `./images`. Clouds are not asked: every look
 * would be a login there.
 */
export async function readPlaces({ load, world, signal }: Sources): Promise<ChannelPlace[]> {
  const planned = load ? await placesOf(await load(), world) : plannedTargets([{ directory: { path: './images' } }]);
  const context = { ...world, signal, progress: () => undefined };
  // A folder that nothing was published to yet is none.
  const places = planned.map(({ target, spec }) => targetCalled(target).channels?.(spec, context).catch(absent));
  return (await Promise.all(places)).filter((place) => place !== undefined);
}

/** The channels of these places. */
export async function channelsOf(places: readonly ChannelPlace[]): Promise<ChannelAnswer[]> {
  const all = places.map(async (place) =>
    (await place.channels()).map(({ channel, generation, image, earlier }) => ({
      ...{ place: place.name, channel, generation, image, earlier: earlier.length },
    })),
  );
  return (await Promise.all(all)).flat();
}

function absent(error: unknown): undefined {
  if (error instanceof VmkilnError && error.code === 'USAGE') return undefined;
  throw error;
}

/** Each once. */
async function placesOf(loaded: LoadedFactory, world: World): Promise<PlannedTarget[]> {
  const jobs = await readJobs(loaded, world);
  const planned = jobs.flatMap(({ recipe }) => (recipe ? plannedTargets(recipe.upload) : []));
  const local = planned.filter(({ local: isLocal, target }) => isLocal && targetCalled(target).channels);
  return [...new Map(local.map((each) => [JSON.stringify(each.spec), each])).values()];
}

/** This host. */
export async function readHost({ paths }: Sources): Promise<HostAnswer> {
  const disks = (['state', 'cache'] as const).map(async (folder) => {
    const { bsize, blocks, bavail } = await statfs(paths[folder]);
    return { folder, path: paths[folder], total: blocks * bsize, free: bavail * bsize };
  });
  return {
    ...{ name: hostname(), vmkiln: version(), cores: availableParallelism(), load: loadavg()[0] ?? 0 },
    memory: { total: totalmem(), available: readRoom(paths.cache).memory },
    disks: await Promise.all(disks),
  };
}
