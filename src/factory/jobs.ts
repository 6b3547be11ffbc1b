import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { localPath } from '../media/find.ts';
import type { World } from '../model.ts';
import { checkDistinct } from '../pipeline/distinct.ts';
import { type BuildRequest, readRecipe } from '../pipeline/request.ts';
import { mediaOf, readyImage } from '../recipe/media.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { occupied, plannedTargets } from '../targets/index.ts';
import { didYouMean } from '../text.ts';
import { basename, extname } from 'node:path';
import type { Factory, FactoryEntry } from './form.ts';

/** An entry of a factory with its recipe, or why that cannot be read. `name` is that of the image, and of the entry. */
export type Job = {
  name: string;
  entry: FactoryEntry;
  request: BuildRequest;
  recipe: Recipe | undefined;
  error?: unknown;
  /** The entry whose image this one starts from. */
  base?: string;
};

/**
 * The entries with their recipes, in the order of the factory, but an image after the one that it starts from. A recipe that cannot be read is
 * the matter of its own entry.
 *
 * @throws VmkilnError FACTORY_INVALID when images start from each other or have the same name; USAGE when two publish to the same place.
 */
export async function readJobs(factory: Factory, world: World): Promise<Job[]> {
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
  const files = new Map(jobs.flatMap((job) => filesOf(job, world).map((file) => [file, job.name])));
  const based = jobs.map((job) => {
    const base = files.get(imageOf(job) ?? '');
    return base === undefined ? job : { ...job, base };
  });
  return inOrder(based);
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
    return { name, entry, request, recipe };
  } catch (error) {
    return { name: basename(entry.recipe, extname(entry.recipe)), entry, request, recipe: undefined, error };
  }
}

/** The files that an entry publishes. */
function filesOf({ name, recipe }: Job, { cwd }: World): string[] {
  return recipe ? occupied(plannedTargets(recipe.upload), { name, format: recipe.output.format }, cwd) : [];
}

/** The file of this host that an entry starts from. */
function imageOf({ recipe }: Job): string | undefined {
  if (!recipe) return undefined;
  const medium = mediaOf(recipe.source, familyOf(recipe).media).find(({ role }) => role === readyImage);
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
