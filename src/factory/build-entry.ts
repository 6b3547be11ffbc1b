import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInventory } from '../describe/load.ts';
import { inventoryFile } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { download } from '../media/download.ts';
import { locate } from '../media/find.ts';
import type { Event, Plan, World } from '../model.ts';
import type { BuildResult } from '../pipeline/build.ts';
import { readRecord } from '../pipeline/builds.ts';
import type { BuildContext, BuildRequest } from '../pipeline/request.ts';
import { channelOf, mediaOf } from '../recipe/media.ts';
import type { Paths } from '../store/paths.ts';
import { formatDuration } from '../text.ts';
import type { Reason } from './compare.ts';
import type { Job } from './jobs.ts';
import { type LookWorld, seenBy, type Sight } from './look.ts';
import { failedAgain, inputsOf, retryOf } from './retry.ts';
import type { EntryState } from './state.ts';
import { type EntrySummary, failureOf } from './summary.ts';
import type { Version } from './versions.ts';

/** What building an entry takes of its night. `limit` is the seconds that one build may take. */
export type Building = LookWorld & {
  signal: AbortSignal;
  world: World;
  paths: Paths;
  limit: number;
  emit: (event: Event) => void;
  build: (request: BuildRequest, context: BuildContext) => Promise<BuildResult>;
  /** Layers that this night has made anew for their packages, by their fingerprints, and whether that came to its end. */
  renewed: Map<string, Promise<boolean>>;
};

/** What came of it: for the summary, and for the next night. */
type Built = { summary: Partial<EntrySummary> & Pick<EntrySummary, 'outcome'>; state: EntryState };

/** Builds an entry that has changed, past the checkpoints that the change does not show in. Never throws. */
export async function buildEntry(
  job: Job,
  { sight, reasons, plan, state }: { sight: Sight; reasons: readonly Reason[]; plan: Plan; state: EntryState },
  building: Building,
): Promise<Built> {
  const { paths, reader } = building;
  const startedAt = new Date();
  let [id, folder]: (string | undefined)[] = [];
  const emit = (event: Event) => {
    if (event.type === 'build-started') [id, folder] = [event.build, event.folder];
    building.emit(event);
  };
  const whole = () => ({
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    ...(id !== undefined && { build: id }),
    ...(folder !== undefined && { folder }),
  });
  try {
    // Before the build: what comes in while it runs is for the next night to see.
    await Promise.allSettled(sight.watched.map((each) => reader.versions(each)));
    // A download of before the factory may be older than what is looked at now.
    if (!state.seen || reasons.some(({ kind }) => kind === 'medium')) await renewMedia(job, building);
    const isOld = reasons.some(({ kind }) => kind === 'packages' || kind === 'age');
    const build = (from: BuildRequest['from']) =>
      within(building, (signal) => {
        return building.build({ ...job.request, ...(from && { from }) }, { signal, world: building.world, emit });
      });
    const result = await (isOld ? renewing(plan, building, build) : build(undefined));
    [id, folder] = [result.build, result.folder];
    const carriedOut = await readPlan(result.folder, plan);
    const fresh = isOld || updatingStage(carriedOut.stages)?.forecast === 'run';
    const built = { plan: carriedOut, installed: await installedIn(result.folder), fresh };
    const { failed: _failed, ...kept } = state;
    const record = await readRecord(paths, result.build);
    return {
      summary: {
        ...{ outcome: 'built', ...whole(), published: result.published },
        ...(record?.difference && { difference: record.difference.summary }),
      },
      state: {
        ...{ ...kept, build: result.build, builtAt: startedAt.toISOString() },
        published: result.published.map(({ location, sha256 }) => ({ location, sha256 })),
        seen: await seenBy(sight, built, state.seen, reader),
      },
    };
  } catch (error) {
    const failure = failureOf(error);
    if (building.signal.aborted) return { summary: { outcome: 'interrupted', ...whole(), failure }, state };
    const inputs = inputsOf(sight.now, state.seen?.tried);
    const failed = failedAgain(state.failed, { failure, inputs, ...(id !== undefined && { build: id }) });
    return {
      summary: { outcome: 'failed', ...whole(), failure, retry: retryOf(failed) },
      state: { ...state, failed },
    };
  }
}

/**
 * Builds from the stage that brings new packages: no fingerprint shows them, so that it has to be run whatever the store has. Recipes that have
 * its layer in common make it once: those that come later wait, and begin with what follows it.
 */
async function renewing(
  plan: Plan,
  { renewed }: Building,
  build: (from: BuildRequest['from']) => Promise<BuildResult>,
): Promise<BuildResult> {
  const stages = plan.stages.filter(({ omitted }) => !omitted);
  const stage = updatingStage(stages);
  const next = stage && stages[stages.indexOf(stage) + 1];
  const layer = stage?.fingerprint;
  if (layer === undefined) return build(stage?.stage);
  if (next && (await renewed.get(layer))) return build(next.stage);
  const result = build(stage?.stage);
  renewed.set(
    layer,
    result.then(
      () => true,
      () => false,
    ),
  );
  return result;
}

/** The stage that brings new packages: the first whose updates age, or that installs some. */
function updatingStage(stages: Plan['stages']): Plan['stages'][number] | undefined {
  return (
    stages.find(({ maxAge, omitted }) => maxAge !== undefined && !omitted) ??
    stages.find(({ parts, omitted }) => !omitted && parts.some(({ from }) => from === 'packages'))
  );
}

/** A download is used as long as it is there: the newer file has to be fetched. */
async function renewMedia({ recipe }: Job, { paths, http }: Building): Promise<void> {
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
async function within<T>({ signal, limit }: Building, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
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

/** The plan as it was carried out: with the media that were downloaded for it. */
async function readPlan(folder: string, planned: Plan): Promise<Pick<Plan, 'stages'>> {
  try {
    return JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')) as Plan;
  } catch {
    return planned;
  }
}

/** The packages of the image, if it was described. */
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
