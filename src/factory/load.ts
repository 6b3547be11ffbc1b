import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { VmkilnError } from '../errors.ts';
import { findHook, type RecipeFiles } from '../recipe/files.ts';
import { loadDocument } from '../recipe/load.ts';
import { findFile } from '../recipe/paths.ts';
import type { Variables } from '../recipe/variables.ts';
import { type Factory, type FactoryEntry, factoryForm, namePlaceholder } from './form.ts';

/**
 * A factory, and the file that it comes from, as an absolute path. `tell` puts the position of an entry's key before what is found to be wrong
 * with it once its recipe is read.
 */
export type LoadedFactory = {
  factory: Factory;
  path: string;
  tell: (entry: FactoryEntry, key: 'channel', message: string) => string;
};

/**
 * Reads factory.yaml as a recipe is read: variables, positions, paths. The recipes themselves are not read.
 *
 * @throws VmkilnError FACTORY_INVALID with every problem, one per line; VARIABLE_INVALID.
 */
export async function loadFactory(path: string, { values, shared }: Variables, cwd: string): Promise<LoadedFactory> {
  // Where each entry stands in the file; one that has not said it has the key of the factory.
  const origins: Origins = new Map();
  const paths = (factory: Factory, files: RecipeFiles) => resolvePaths(factory, files, origins);
  const kind = { noun: 'factory', code: 'FACTORY_INVALID', schema: factoryForm, resolve: paths } as const;
  const {
    value,
    path: found,
    tell,
  } = await loadDocument(kind, path, values, { cwd, shared }).catch((error: unknown) => {
    throw withPlaceholder(error);
  });
  // A pattern may well fit the factory itself.
  return {
    factory: { ...value, recipes: value.recipes.filter(({ recipe }) => recipe !== found) },
    path: found,
    tell: (entry, key, message) => tell(origins.get(entry)?.[key] ?? [key], message),
  };
}

/** `${name}` is a variable, as everywhere; in a channel something else is meant. */
function withPlaceholder(error: unknown): unknown {
  if (!(error instanceof VmkilnError) || !error.message.includes('the variable "name" has no value')) return error;
  return new VmkilnError(error.code, error.message, {
    hint: `in a channel the name of the image is written ${namePlaceholder}`,
    cause: error,
  });
}

type Origins = Map<FactoryEntry, Record<'channel', readonly PropertyKey[]>>;

function resolvePaths(factory: Factory, { folder, report }: RecipeFiles, origins: Origins): Factory {
  const { recipes, notify, report: pages } = factory;
  const named = new Set(recipes.flatMap(({ recipe }) => (isDynamicPattern(recipe) ? [] : [resolve(folder, recipe)])));
  const channelAt = (channel: Factory['channel'], where: readonly PropertyKey[]) => {
    if (!channel || channel.key === undefined) return channel;
    return { ...channel, key: findFile(channel.key, folder, [...where, 'key'], report) };
  };
  const common = channelAt(factory.channel, ['channel']);
  return {
    ...factory,
    channel: common,
    recipes: recipes.flatMap((entry, index) => {
      const where = ['recipes', index];
      const watch = entry.watch?.map(({ certificate, key, ca, ...rest }, at) => ({
        ...rest,
        ...Object.fromEntries(
          Object.entries({ certificate, key, ca }).flatMap(([name, file]) =>
            file === undefined ? [] : [[name, findFile(file, folder, [...where, 'watch', at, name], report)]],
          ),
        ),
      }));
      const out = entry.out === undefined ? {} : { out: resolve(folder, entry.out) };
      const files = filesOf(entry, folder, (message) => report([...where, 'recipe'], message));
      // Whoever names a recipe has more to say of it than a pattern.
      const own = files.filter((file) => !isDynamicPattern(entry.recipe) || !named.has(file));
      const channel = channelAt(entry.channel, [...where, 'channel']) ?? common;
      const says = { channel: entry.channel === undefined ? ['channel'] : [...where, 'channel'] };
      return own.map((recipe) => {
        const resolved = { ...entry, ...out, recipe, channel, ...(watch && { watch }) };
        origins.set(resolved, says);
        return resolved;
      });
    }),
    notify: notify.map((each, index) => ({ ...each, run: findHook(each.run, folder, ['notify', index], report) })),
    ...(pages === undefined ? {} : { report: resolve(folder, pages) }),
  };
}

/** The recipes of an entry, in the order of their names. One that is not there is for its own build to tell. */
function filesOf({ recipe }: FactoryEntry, folder: string, report: (message: string) => void): string[] {
  if (!isDynamicPattern(recipe)) {
    const path = resolve(folder, recipe);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      report(`${path} is a folder: write ${join(recipe, '*.yaml')}`);
    return [path];
  }
  const found = globSync(recipe, { cwd: folder, absolute: true, onlyFiles: true, expandDirectories: false });
  if (found.length === 0) report(`no recipe is called like ${resolve(folder, recipe)}`);
  return found.toSorted();
}
