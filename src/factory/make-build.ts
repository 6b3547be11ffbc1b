import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { statementsOfBuild } from '../channels/promote.ts';
import { loadInventory } from '../describe/load.ts';
import { inventoryFile } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { freeSpace } from '../host/needs.ts';
import { download } from '../media/download.ts';
import { locate } from '../media/find.ts';
import type { HttpOptions } from '../media/http.ts';
import type { Event, Plan, StageName, World } from '../model.ts';
import type { BuildResult } from '../pipeline/build.ts';
import { readRecord } from '../pipeline/builds.ts';
import { type BuildContext, type BuildRequest, readRecipe } from '../pipeline/request.ts';
import { channelOf, mediaOf } from '../recipe/media.ts';
import type { Paths } from '../store/paths.ts';
import { formatBytes, formatDuration } from '../text.ts';
import type { Factory } from './form.ts';
import type { Job } from './jobs.ts';
import type { Version } from './versions.ts';

/** What is asked of a build: the stage that it begins with, whatever the checkpoints say, and whether downloads of before are of no use. */
export type Wish = { from?: StageName; renewMedia: boolean };

/** What a build tells the next night. */
export type Told = {
  /** The packages of the image, if it was described. */
  installed?: Version[];
  /** Whether the stage that brings new packages ran. */
  brought: boolean;
  /** What is different since the build that was published before, in a sentence. */
  difference?: string;
};

/** A build that was made: here, with the stages that it had, or on another host, with what is needed to promote its image. */
export type MadeBuild = BuildResult & Told & { stages?: Plan['stages']; host?: string; statements?: string };

/** Makes the build of an entry. @throws Postponed when it does not begin; BuildFailure, or what else a build throws. */
export type Make = (
  job: Job,
  wish: Wish,
  context: {
    signal: AbortSignal;
    emit: (event: Event) => void;
    /** It has begun. `folder` is that of a build of this host. */
    began: (build: string, folder?: string) => void;
  },
) => Promise<MadeBuild>;

/** Why a build did not begin in its night: there was no time or no room for it. */
export class Postponed extends Error {}

/** What building on this host takes. */
export type Here = { paths: Paths; world: World; http: HttpOptions };

/** Makes builds on this host, by `build`. `refusal` says why none begins. */
export function makeHere(
  build: (request: BuildRequest, context: BuildContext) => Promise<BuildResult>,
  limit: number,
  here: Here,
  refusal: () => Promise<string | undefined>,
): Make {
  const { paths, world } = here;
  return async (job, { from, renewMedia: renews }, { signal, emit, began }) => {
    const why = (await refusal()) ?? (await movedSince(job, world));
    if (why !== undefined) throw new Postponed(why);
    if (renews) await renewMedia(job, here);
    const tell = (event: Event) => {
      if (event.type === 'build-started') began(event.build, event.folder);
      emit(event);
    };
    const result = await within(limit, signal, (stop) =>
      build({ ...job.request, ...(from && { from }) }, { signal: stop, world, emit: tell }),
    );
    const stages = await stagesOf(result.folder);
    return { ...result, ...(await toldBy(result, paths)), ...(stages && { stages }) };
  };
}

/**
 * What keeps a recipe that was edited while the night ran from being built in it: names and places of all entries were held against each other when the
 * night began.
 *
 * @throws VmkilnError when it cannot be read any more.
 */
async function movedSince({ name, recipe, request }: Job, world: World): Promise<string | undefined> {
  const now = await readRecipe(request, world);
  const is = [now.name === name ? '' : 'name', isDeepStrictEqual(now.recipe.upload, recipe?.upload) ? '' : 'upload'];
  const keys = is.flatMap((key) => (key === '' ? [] : [`\`${key}\``]));
  return keys.length === 0 ? undefined : `${keys.join(' and ')} of the recipe changed while the night ran`;
}

/** What a build of this host tells the next night. */
export async function toldBy({ build, folder }: Pick<BuildResult, 'build' | 'folder'>, paths: Paths): Promise<Told> {
  const [installed, stages, record] = await Promise.all([
    installedIn(folder),
    stagesOf(folder),
    readRecord(paths, build),
  ]);
  return {
    ...(installed && { installed }),
    brought: updatingStage(stages ?? [])?.forecast === 'run',
    ...(record?.difference && { difference: record.difference.summary }),
  };
}

/** What a build of this host says of its image. */
export function statementsBy(build: string, { builds }: Paths): Promise<string | undefined> {
  return statementsOfBuild(build, builds);
}

/** The stage that brings new packages: the first whose updates age, or that installs some. */
export function updatingStage(stages: Plan['stages']): Plan['stages'][number] | undefined {
  return (
    stages.find(({ maxAge, omitted }) => maxAge !== undefined && !omitted) ??
    stages.find(({ parts, omitted }) => !omitted && parts.some(({ from }) => from === 'packages'))
  );
}

/**
 * Why no build begins on this host now, if none does: the night is over, or there is no room.
 *
 * @param startedAt when the night began, in milliseconds since 1970.
 */
export async function notNow(
  { limits }: Pick<Factory, 'limits'>,
  startedAt: number,
  paths: Paths,
  makeRoom: () => Promise<void>,
): Promise<string | undefined> {
  return tooLate(limits, startedAt) ?? withoutRoom(limits, paths, makeRoom);
}

/** Why no build of a night begins any more, if none does. */
export function tooLate({ night }: Factory['limits'], startedAt: number): string | undefined {
  if (night === undefined || Date.now() - startedAt <= night * 1000) return undefined;
  return `the night was over: limits.night is ${formatDuration(night)}`;
}

/** Why there is no room for a build on this host, if there is none. `makeRoom` removes what the factory lets go. */
export async function withoutRoom(
  { room }: Factory['limits'],
  { work, cache }: Paths,
  makeRoom: () => Promise<void>,
): Promise<string | undefined> {
  if ((await freeSpace(work)) >= room) return undefined;
  // What counts is the room that there is afterwards.
  await makeRoom().catch(() => undefined);
  const free = await freeSpace(work);
  if (free >= room) return undefined;
  return `no room in ${cache}: ${formatBytes(free, 'down')} free, limits.room is ${formatBytes(room, 'up')} (vmkiln clean makes room)`;
}

/** A download is used as long as it is there: the newer file has to be fetched. */
export async function renewMedia(
  { recipe }: Pick<Job, 'recipe'>,
  { paths, http }: Pick<Here, 'paths' | 'http'>,
): Promise<void> {
  if (!recipe) return;
  for (const { source, sha256 } of mediaOf(recipe.source, familyOf(recipe).media)) {
    // That of a channel is looked up by the build.
    if (channelOf(source)) continue;
    const place = locate(source);
    // With a checksum the build itself sees that the file is another one.
    if (typeof place === 'string' || sha256 !== undefined) continue;
    await download(place, undefined, { ...http, mediaDir: paths.media, renew: true });
  }
}

/** @throws VmkilnError LIMIT_REACHED when the time of a build is over; and whatever `work` throws. */
async function within<T>(limit: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const timer = setTimeout(() => {
    over.abort(
      new VmkilnError('LIMIT_REACHED', `the build took longer than ${formatDuration(limit)}`, {
        hint: 'see what it was doing with `vmkiln logs`, or raise limits.build of the factory',
      }),
    );
  }, limit * 1000);
  try {
    return await work(AbortSignal.any([signal, over.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** The stages as they were carried out: with the media that were downloaded for it. */
async function stagesOf(folder: string): Promise<Plan['stages'] | undefined> {
  try {
    return (JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')) as Plan).stages;
  } catch {
    return undefined;
  }
}

async function installedIn(folder: string): Promise<Version[] | undefined> {
  const inventory = await loadInventory(join(folder, inventoryFile)).catch(() => undefined);
  return inventory?.packages
    .filter(({ type: kind }) => kind !== 'windows')
    .map(({ type, name, epoch, version, release, arch }) => ({
      ...{ type, name, version },
      ...(epoch !== undefined && { epoch }),
      ...(release !== undefined && { release }),
      ...(arch !== undefined && { arch }),
    }));
}
