import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { localPath } from '../media/find.ts';
import type { World } from '../model.ts';
import { checkDistinct } from '../pipeline/distinct.ts';
import { type BuildRequest, readRecipe } from '../pipeline/request.ts';
import { channelOf, mediaOf, readyImage } from '../recipe/media.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { occupied, plannedTargets } from '../targets/index.ts';
import { didYouMean } from '../text.ts';
import { basename, extname } from 'node:path';
import type { FactoryEntry } from './form.ts';
import type { LoadedFactory } from './load.ts';
import { channelsFed, checkChannels, type WantedChannel, wantedChannel } from './channel.ts';

/** An entry of a factory with its recipe, or why that cannot be read. `name` is that of the image, and of the entry. */
export type Job = {
  name: string;
  entry: FactoryEntry;
  request: BuildRequest;
  recipe: Recipe | undefined;
  error?: unknown;
  /** The channel that its image is promoted to. */
  channel?: WantedChannel;
  /** The entry whose image this one starts from. */
  base?: string;
};

/**
 * The entries with their recipes, in the order of the factory, but an image after the one that it starts from. A recipe that cannot be read is
 * the matter of its own entry.
 *
 * @throws VmkilnError FACTORY_INVALID when images start from each other, have the same name, or cannot be promoted; USAGE when two publish to
 *   the same place.
 */
export async function readJobs({ factory, tell }: LoadedFactory, world: World): Promise<Job[]> {
  const jobs = await Promise.all(factory.recipes.map((entry) => readJob(entry, world)));
  const names = jobs.map(({ name }) => name);
  const twice = jobs.find(({ name }, index) => names.indexOf(name) !== index);
  if (twice) {
    const both = jobs.filter(({ name }) => name === twice.name).map(({ entry }) => entry.recipe);
    throw new VmkilnError('FACTORY_INVALID', `two entries make an image ${twice.name}: ${both.join(' and ')}`, {
      hint: 'give one of them another `name`, by a variable if it is the same recipe',
    });
  }
  await checkDistinct(
    jobs.map(({ request }) => request),
    world,
  );
  const made = new Map(jobs.flatMap((job) => imagesOf(job, world).map((image) => [image, job.name])));
  const ready = jobs.map((job) => {
    const base = made.get(imageOf(job) ?? '');
    return base === undefined ? job : { ...job, base };
  });
  await checkChannels(jobs, tell, world);
  return inOrder(ready);
}

async function readJob(entry: FactoryEntry, world: World): Promise<Job> {
  const request: BuildRequest = {
    recipe: entry.recipe,
    set: Object.entries(entry.vars).map(([name, value]) => `${name}=${value}`),
    cache: true,
    keepOnFailure: false,
    ...(entry.out === undefined ? {} : { out: entry.out }),
  };
  try {
    const { recipe, name } = await readRecipe(request, world);
    const channel = wantedChannel(entry, name, world);
    return { name, entry, request, recipe, ...(channel && { channel }) };
  } catch (error) {
    return { name: basename(entry.recipe, extname(entry.recipe)), entry, request, recipe: undefined, error };
  }
}

/** What others may start from once an entry is built: the files that it publishes, and the channels that it promotes to. */
function imagesOf(job: Job, world: World): string[] {
  const { name, recipe } = job;
  if (!recipe) return [];
  const files = occupied(plannedTargets(recipe.upload), { name, format: recipe.output.format }, world.cwd);
  return [...files, ...channelsFed(job, world)];
}

/** Whether an entry starts from what another one promotes, and not from what that publishes. */
export function startsFromChannel(job: Job): boolean {
  return channelOf(imageOf(job) ?? '') !== undefined;
}

/** The file of this host, or the channel, that an entry starts from. */
function imageOf({ recipe }: Job): string | undefined {
  if (!recipe) return undefined;
  const medium = mediaOf(recipe.source, familyOf(recipe).media).find(({ role }) => role === readyImage);
  if (medium && channelOf(medium.source)) return medium.source;
  // An address that is none is for the build to refuse.
  return medium && /^[a-z][a-z0-9+.-]*:\/\//i.test(medium.source) ? undefined : medium && localPath(medium.source);
}

/** Each after its base. Pure. @throws VmkilnError FACTORY_INVALID */
function inOrder(jobs: readonly Job[]): Job[] {
  const done: Job[] = [];
  let left = jobs;
  while (left.length > 0) {
    const ready = left.filter(({ base }) => base === undefined || done.some(({ name }) => name === base));
    if (ready.length === 0) {
      const names = left.map(({ name }) => name).join(', ');
      throw new VmkilnError('FACTORY_INVALID', `these images start from each other: ${names}`, {
        hint: 'let one of them start from another `source`',
      });
    }
    done.push(...ready);
    left = left.filter((job) => !ready.includes(job));
  }
  return done;
}

/** Those of these names, or all. @throws VmkilnError USAGE for a name that none has */
export function chosen(jobs: readonly Job[], names: readonly string[]): Job[] {
  const known = jobs.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new VmkilnError('USAGE', `the factory makes no image ${wrong}${didYouMean(wrong, known)}`, {
      hint: `it makes ${known.join(', ')}`,
    });
  }
  return jobs.filter(({ name }) => names.length === 0 || names.includes(name));
}
