import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { channelSource, isFolder, mapMedia, type MediaKeys, readyImage } from './media.ts';
import { isFile, type Report, resolveSecret, scriptProblem } from './paths.ts';
import type { Recipe } from './recipe.ts';
import { resolveChecks } from './verify.ts';

/** Hooks that vmkiln ships. */
const shippedHooks = join(import.meta.dirname, '../../hooks');

/**
 * What the relative paths of a recipe belong to: its own `folder`, and for some the current one. `report` gets told what is
 * not there; `given` says whether the recipe itself has a key, or a default stands for it.
 */
export type RecipeFiles = {
  folder: string;
  cwd: string;
  report: Report;
  given: (path: readonly PropertyKey[]) => boolean;
};

/**
 * The keys of every recipe with their paths made absolute. Hooks that are not there are reported; media are looked for when
 * they are needed.
 */
export function resolveShared(
  { source, hooks, describe, verify }: Recipe,
  media: MediaKeys,
  files: RecipeFiles,
): Pick<Recipe, 'source' | 'hooks' | 'describe' | 'verify'> {
  const report: Report = (at, message) => files.report(['verify', 'checks', ...at], message);
  const signWith = describe?.signWith && resolveSecret(describe.signWith, files.folder);
  return {
    source: resolveSource(source, media, files),
    hooks: resolveHooks(hooks, files),
    ...(verify && { verify: { ...verify, checks: resolveChecks(verify.checks, files.folder, report) } }),
    ...(describe && { describe: { ...describe, ...(signWith && { signWith }) } }),
  };
}

/** A problem is told of the hook as a whole: when it is just a path, it has no `run` in the file. */
function resolveHooks(hooks: Recipe['hooks'], { folder, report }: RecipeFiles): Recipe['hooks'] {
  const resolved = Object.entries(hooks).flatMap(([name, hook]) => {
    return hook === undefined ? [] : [[name, { ...hook, run: findHook(hook.run, folder, ['hooks', name], report) }]];
  });
  return Object.fromEntries(resolved);
}

/** The absolute path of a hook that must be there and can be run: one in `folder`, or one that vmkiln ships. */
export function findHook(path: string, folder: string, where: readonly PropertyKey[], report: Report): string {
  const own = resolve(folder, path);
  const shipped = join(shippedHooks, path);
  const run = !isFile(own) && !path.includes('/') && isFile(shipped) ? shipped : own;
  const problem = scriptProblem(run);
  if (problem !== undefined) report(where, problem);
  return run;
}

function resolveSource(source: Recipe['source'], media: MediaKeys, files: RecipeFiles): Recipe['source'] {
  const checksum = (text: string) => {
    const digest = text.trim().replace(/^sha256:/i, '');
    return /^[0-9a-f]{64}$/i.test(digest) ? digest.toLowerCase() : resolveMedium(text, files);
  };
  if (typeof source['channel'] === 'string') return resolveChannel(source, source['channel'], files);
  return mapMedia(source, media, (place) => resolveMedium(place, files), checksum);
}

/** The image of a channel is a ready image, whose place is looked up when a build begins. */
function resolveChannel(source: Recipe['source'], channel: string, { cwd }: RecipeFiles): Recipe['source'] {
  const { channel: _, in: place = './images', ...rest } = source;
  const where = String(place);
  const folder = isFolder(where) ? `${resolve(cwd, where)}/` : where;
  return { ...rest, [readyImage]: channelSource(channel, folder) };
}

/** `--set iso=x.iso` is typed in the current folder, so that is the second place to look. */
function resolveMedium(source: string, { folder, cwd }: RecipeFiles): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return source;
  const [beside, here] = [resolve(folder, source), resolve(cwd, source)];
  return !existsSync(beside) && existsSync(here) ? here : beside;
}
