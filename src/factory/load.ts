import { resolve } from 'node:path';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { findHook, type RecipeFiles } from '../recipe/files.ts';
import { loadDocument } from '../recipe/load.ts';
import { findFile } from '../recipe/paths.ts';
import { type Factory, type FactoryEntry, factoryForm } from './form.ts';

/** A factory, and the file that it comes from, as an absolute path. */
export type LoadedFactory = { factory: Factory; path: string };

/**
 * Reads factory.yaml as a recipe is read: variables, positions, paths. The recipes themselves are not read.
 *
 * @throws VmkilnError FACTORY_INVALID with every problem, one per line; VARIABLE_INVALID.
 */
export async function loadFactory(
  path: string,
  variables: Readonly<Record<string, string>>,
  cwd: string,
): Promise<LoadedFactory> {
  const kind = { noun: 'factory', code: 'FACTORY_INVALID', schema: factoryForm, resolve: resolvePaths } as const;
  const { value, path: found } = await loadDocument(kind, path, variables, { cwd });
  // A pattern may well fit the factory itself.
  return { factory: { ...value, recipes: value.recipes.filter(({ recipe }) => recipe !== found) }, path: found };
}

function resolvePaths(factory: Factory, { folder, report }: RecipeFiles): Factory {
  const { recipes, notify, report: pages } = factory;
  const named = new Set(recipes.flatMap(({ recipe }) => (isDynamicPattern(recipe) ? [] : [resolve(folder, recipe)])));
  return {
    ...factory,
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
      return own.map((recipe) => ({
        ...{ ...entry, ...out, recipe },
        ...(watch && { watch }),
      }));
    }),
    notify: notify.map((each, index) => ({ ...each, run: findHook(each.run, folder, ['notify', index], report) })),
    ...(pages === undefined ? {} : { report: resolve(folder, pages) }),
  };
}

/** The recipes of an entry, in the order of their names. One that is not there is for its own build to tell. */
function filesOf({ recipe }: FactoryEntry, folder: string, report: (message: string) => void): string[] {
  if (!isDynamicPattern(recipe)) return [resolve(folder, recipe)];
  const found = globSync(recipe, { cwd: folder, absolute: true, onlyFiles: true, expandDirectories: false });
  if (found.length === 0) report(`no recipe is called like ${resolve(folder, recipe)}`);
  return found.toSorted();
}
