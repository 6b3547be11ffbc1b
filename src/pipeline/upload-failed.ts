import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inBuild, type suffixes } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import type { Event, Plan, Published } from '../model.ts';
import { toPublish } from '../stages/documents.ts';
import type { Publication } from '../stages/stage.ts';
import { findLayer } from '../store/checkpoints.ts';
import { writeAtomic } from '../store/files.ts';
import type { Paths } from '../store/paths.ts';
import type { PlannedTarget } from '../targets/index.ts';
import { type Serial, serialOfBuild } from '../targets/serial.ts';
import type { ImageToPublish } from '../targets/target.ts';
import { foldManifest } from './events.ts';
import { stages } from './stages.ts';
import { imageFingerprint } from './target-changes.ts';

/** What a build has still to publish: its image, the targets that do not have it yet, and where to tell of those that get it. */
export type Unpublished = {
  image: ImageToPublish;
  targets: readonly PlannedTarget[];
  /** Adds a publication to the documents of the build. */
  done: (published: Published) => Promise<void>;
};

/**
 * Finds the image of a build and the targets that failed.
 *
 * @throws VmkilnError USAGE when there is no such build, it never came to its targets, or its image is gone.
 */
export async function unpublished(build: string, paths: Paths): Promise<Unpublished> {
  const folder = join(paths.builds, build);
  const plan = await readDocument<Plan>(build, join(folder, 'plan.json'));
  const step = plan.stages.find(({ stage }) => stages.find(({ name }) => name === stage)?.publishes);
  const { image, targets = [] } = (step?.settings ?? {}) as Partial<Publication>;
  const events = await eventsOf(folder);
  const begun = events.find((event) => event.type === 'stage-started' && event.stage === step?.stage);
  if (!begun) {
    // What came before may have refused the image.
    throw new VmkilnError('USAGE', `${build} never came to its targets`, { hint: rebuild(plan) });
  }
  const fingerprint = imageFingerprint(plan);
  const layer = fingerprint === undefined ? undefined : await findLayer(paths.checkpoints, fingerprint);
  // One that was made since is another image, even of the same fingerprint.
  if (!layer || !image || layer.madeAt > begun.at) {
    throw new VmkilnError('USAGE', `the image of ${build} is not in the checkpoint store`, { hint: rebuild(plan) });
  }
  const { path, sha256, sha512, size } = layer;
  const told = foldManifest(events).published;
  const isDone = (planned: PlannedTarget) =>
    told.some(({ target, name }) => target === planned.target && name === planned.name);
  return {
    image: {
      ...image,
      path,
      sha256,
      size,
      build,
      serial: serialOf(events) ?? serialOfBuild(build),
      ...(await describedIn(folder, sha256)),
      ...(sha512 !== undefined && { sha512 }),
    },
    targets: targets.filter((planned) => !isDone(planned)),
    done: async (published) => {
      const event: Event = { at: new Date().toISOString(), build, type: 'published', ...published };
      await appendFile(join(folder, 'events.ndjson'), `${JSON.stringify(event)}\n`);
      const manifest = foldManifest(await eventsOf(folder));
      await writeAtomic(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    },
  };
}

/** What the build has said of its image, as its folder has it. */
async function describedIn(
  folder: string,
  sha256: string,
): Promise<Pick<ImageToPublish, 'documents' | 'media' | 'sha512'>> {
  const read = (kind: keyof typeof suffixes) => readFile(join(folder, inBuild[kind]), 'utf8');
  try {
    const [inventory, sbom, statements] = await Promise.all([read('inventory'), read('sbom'), read('statements')]);
    return toPublish({ inventory, sbom, statements }, sha256);
  } catch {
    return {};
  }
}

function rebuild({ recipeFile, name }: Plan): string {
  return `build it again: ${recipeFile?.path ?? name}`;
}

/** The serial that the build was given. */
function serialOf(events: readonly Event[]): Serial | undefined {
  return events.find((event) => event.type === 'build-started')?.serial;
}

async function eventsOf(folder: string): Promise<Event[]> {
  const text = await readFile(join(folder, 'events.ndjson'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

async function readDocument<T>(build: string, path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (cause) {
    throw new VmkilnError('USAGE', `there is no build ${build} with a plan`, {
      hint: 'name the folder of a build, as a failure tells it, or its last part',
      cause,
    });
  }
}
