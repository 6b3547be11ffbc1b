import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { dirname, resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { familyOf, familyTools, loadRecipe } from '../families/index.ts';
import { examine, type Check } from '../host/doctor.ts';
import { localPath } from '../media/find.ts';
import type { MachineNeeds, World } from '../model.ts';
import { secretReader } from '../pipeline/secrets.ts';
import { mediaOf } from '../recipe/media.ts';
import { readVariables } from '../recipe/variables.ts';
import { statePaths } from '../store/paths.ts';
import { noPaint, paintFor, type Paint } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';
import { allHarmless, jsonText } from '../text.ts';

/**
 * `vmkiln doctor`: what this host can do, what is missing, and the command that fixes it, as text or as one JSON
 * array on standard output. With a recipe, its media are looked for too, and into. Returns 1 when something fails.
 *
 * @throws VmkilnError USAGE when the recipe cannot be read, VARIABLE_INVALID, or INTERRUPTED.
 */
export async function doctor(
  recipe: string | undefined,
  { connect, json, ...variables }: { connect?: string; json?: boolean; set: string[]; vars?: string },
  { signal, world }: CommandContext,
): Promise<number> {
  const paths = statePaths(world.env, process.getuid?.() ?? 0);
  const wanted: Wanted = recipe === undefined ? { files: [], findings: [] } : await wantedBy(recipe, variables, world);
  const { findings, ...needs } = wanted;
  const { state, cache } = paths;
  const checks = [
    ...(await examine({
      ...(connect && { connect }),
      state,
      cache,
      ...needs,
      tools: familyTools,
      env: world.env,
      signal,
    })),
    ...findings,
  ];
  const text = json ? jsonText(checks) : formatChecks(allHarmless(checks), paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
  return checks.some((check) => check.status === 'fail') ? 1 : 0;
}

const marks = { ok: ['good', '✔'], warn: ['warn', '!'], fail: ['bad', '✖'] } as const;

/** The findings as a table, and below a fault the command that fixes it. */
export function formatChecks(checks: readonly Check[], paint: Paint = noPaint): string {
  const width = Math.max(0, ...checks.map((check) => check.title.length));
  const lines = checks.flatMap(({ status, title, detail, fix }) => {
    const [role, mark] = marks[status];
    const line = `${paint(role, mark)} ${title.padEnd(width)}  ${detail}`;
    return fix === undefined ? [line] : [line, `  ${' '.repeat(width)}  ${paint('name', `→ ${fix}`)}`];
  });
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const verdict = failed > 0 ? 'builds will fail until this is fixed' : 'this host can build images';
  return [...lines, '', `${failed} failed, ${warned} to note: ${verdict}`].join('\n');
}

/** What a recipe needs of the host, and what is wrong with the recipe itself. */
type Wanted = { files: string[]; machine?: MachineNeeds; findings: Check[] };

/**
 * The ISO of a recipe, if it is a local file, and its machine. A recipe that is not valid, or lacks a variable, may still name it
 * literally, and is a finding.
 */
async function wantedBy(
  path: string,
  options: { set: string[]; vars?: string },
  { env, stdin }: World,
): Promise<Wanted> {
  const { values, shared } = await readVariables(options);
  try {
    const { recipe } = await loadRecipe(path, values, { stdin, shared });
    const family = familyOf(recipe);
    const named = mediaOf(recipe.source, family.media).flatMap(({ role, source }) => {
      const file = localPath(source);
      return file === undefined ? [] : [{ role, source, path: file, sha256: undefined, size: undefined }];
    });
    const media = Object.fromEntries(named.map(({ role, ...found }) => [role, found]));
    // A secret that is missing has no part in what a medium lacks.
    const unfit = await unfitMedia(() => family.check?.(recipe, media, secretReader(true, env)));
    return { files: named.map((found) => found.path), machine: family.machine(recipe), findings: unfit };
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code !== 'RECIPE_INVALID') throw error;
  }
  try {
    const data: unknown = parse((path === '-' ? stdin : undefined) ?? (await readFile(path, 'utf8')));
    const finding = { id: 'recipe', status: 'warn', title: 'Recipe', detail: `${path} is not valid as it is` } as const;
    return {
      files: sourcePaths(data).map((file) => besideOrHere(file, dirname(path))),
      findings: [{ ...finding, fix: `vmkiln validate ${path}` }],
    };
  } catch (cause) {
    throw new VmkilnError('USAGE', `cannot read the recipe ${path}: ${messageOf(cause)}`, {
      hint: `vmkiln validate ${path}`,
      cause,
    });
  }
}

/** What the media that are there lack for a recipe, and those that cannot be read. */
async function unfitMedia(check: () => Promise<readonly string[]> | undefined): Promise<Check[]> {
  const finding = (detail: string, fix = 'choose other media, or correct the recipe') =>
    ({ id: 'media', status: 'fail', title: 'Media', detail, fix }) as const;
  try {
    return ((await check()) ?? []).map((detail) => finding(detail));
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code === 'INTERRUPTED') throw error;
    return [finding(error.message, error.hint)];
  }
}

/** A medium lies beside the recipe, or else in the current folder. */
function besideOrHere(file: string, folder: string): string {
  const beside = resolve(folder, file);
  return !existsSync(beside) && existsSync(file) ? resolve(file) : beside;
}

/** The values of `source` that are paths: no URL, no variable, no checksum. */
export function sourcePaths(recipe: unknown): string[] {
  const source = recipe instanceof Object && 'source' in recipe ? recipe.source : undefined;
  if (!(source instanceof Object)) return [];
  return Object.entries(source).flatMap(([key, value]) =>
    typeof value === 'string' && !/sha256/i.test(key) && !/^[a-z+]+:\/\/|\$\{/.test(value) ? [value] : [],
  );
}
