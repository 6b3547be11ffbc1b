import { resolve } from 'node:path';
import type { Recipe } from '../recipe/recipe.ts';
import type { Event, StageName, World } from '../model.ts';
import { loadRecipe } from '../families/index.ts';
import { readVariables } from '../recipe/variables.ts';
import { ensurePaths, type Paths, statePaths } from '../store/paths.ts';
import { localOnly } from '../targets/index.ts';
import type { Serial } from '../targets/serial.ts';
import type { Rehearsal } from './prepare.ts';

/** What a person asks for: a recipe, and how it is to be built. */
export type BuildRequest = {
  /** Path of the recipe, or `-`. */
  recipe: string;
  /** KEY=VALUE words. */
  set: readonly string[];
  /** Path of a file with variables. */
  vars?: string;
  /** Folder of the directory target, instead of the recipe's own. */
  out?: string;
  /** Whether layers may be reused. */
  cache: boolean;
  from?: StageName;
  until?: StageName;
  keepOnFailure: boolean;
  /** Which publication it is: whoever repeats a build that may have been published has the same. By default one of its own. */
  serial?: Serial;
  /** libvirt connection URI. */
  connect?: string;
  /** Other media than the recipe's: makes the build a rehearsal. */
  rehearsal?: Rehearsal;
  /** Whether a rehearsal may upload to a cloud. */
  allowRehearsal?: boolean;
};

/** How a build tells what happens, learns that it should stop, and sees the process that it is part of. */
export type BuildContext = { signal: AbortSignal; emit: (event: Event) => void; world: World };

/** A recipe as a request wants it: what the image is called, and where everything goes. */
export type Wanted = { recipe: Recipe; recipeFile: { path: string; sha256: string }; name: string };

/** The recipe as the request wants it. @throws VmkilnError when the recipe or a variable is not valid */
export async function readRecipe(request: BuildRequest, { cwd, stdin }: World): Promise<Wanted> {
  const vars = request.vars && resolve(cwd, request.vars);
  const { values, shared } = await readVariables({ set: request.set, ...(vars && { vars }) });
  const rehearsal = request.rehearsal !== undefined;
  const { recipe, path, sha256 } = await loadRecipe(request.recipe, values, { rehearsal, cwd, stdin, shared });
  return {
    recipe: withTargets(recipe, request, cwd),
    recipeFile: { path, sha256 },
    // One of a rehearsal can be told from the real one.
    name: rehearsal ? `${recipe.name}-rehearsal` : recipe.name,
  };
}

/** `--out` takes the place of the recipe's targets. What a rehearsal makes stays on this host unless that is allowed. */
function withTargets(recipe: Recipe, { out, rehearsal, allowRehearsal }: BuildRequest, cwd: string): Recipe {
  if (out !== undefined) return { ...recipe, upload: [{ directory: { path: resolve(cwd, out) } }] };
  if (rehearsal === undefined || allowRehearsal) return recipe;
  return { ...recipe, upload: localOnly(recipe.upload, resolve(cwd, 'images')) };
}

/** The folders of this user, made if need be. */
export async function openPaths({ env }: World): Promise<Paths> {
  const paths = statePaths(env, process.getuid?.() ?? 0);
  await ensurePaths(paths);
  return paths;
}
