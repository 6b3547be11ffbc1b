import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { familyOf, loadRecipe } from '../../src/families/index.ts';
import type { Arg, RenderedFile } from '../../src/model.ts';
import type { RhelRecipe } from '../../src/families/rhel/recipe.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';

/** Where `rhelRecipe` writes: one folder of each file of tests. */
export function recipeFolder(): string {
  const folder = join(tmpdir(), 'vmkiln-rhel');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A recipe of only what it needs, and the given YAML. */
export async function rhelRecipe(more = '', release = '7.9', source = '{ iso: /x.iso }'): Promise<RhelRecipe> {
  const path = join(recipeFolder(), 'x.yaml');
  writeFileSync(path, `name: x\nfamily: rhel\nrelease: "${release}"\nsource: ${source}\n${more}`);
  return asRhel((await loadRecipe(path, {})).recipe);
}

/** A recipe of a ready image, with more of its `source` and more of the rest. */
export async function readyRecipe(source = '', release = '9.6', more = ''): Promise<RhelRecipe> {
  return rhelRecipe(more, release, `{ image: /x.qcow2${source && `, ${source}`} }`);
}

/** A recipe that must be one of this family. */
export function asRhel(recipe: Recipe): RhelRecipe {
  if (recipe.family !== 'rhel') throw new Error(`${recipe.name} is of the family ${recipe.family}`);
  return recipe as RhelRecipe;
}

/** A rendered file of a recipe by name. */
export function rendered(recipe: Recipe, name: string): RenderedFile {
  const file = familyOf(recipe)
    .render(recipe)
    .find((each) => each.name === name);
  if (!file) throw new Error(`${name} is not rendered`);
  return file;
}

/** The scripts that edit the guest, as one: they need not run in one launch. */
export function editsOf(recipe: Recipe): string {
  return rendered(recipe, 'kernel.sh').text + rendered(recipe, 'guest.sh').text;
}

/** The arguments of a stage that has something to do. */
export function argsOf(work: { args: readonly Arg[] } | { omitted: string }): readonly Arg[] {
  if ('omitted' in work) throw new Error(`omitted: ${work.omitted}`);
  return work.args;
}

/** Arguments as a person reads them. */
export function words(args: readonly Arg[]): string[] {
  return args.map((arg) =>
    (Array.isArray(arg) ? arg : [arg])
      .map((piece: Exclude<Arg, readonly unknown[]>) =>
        typeof piece === 'string' ? piece : `<${String(Object.values(piece)[0])}>`,
      )
      .join(''),
  );
}
