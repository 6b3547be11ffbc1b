import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { dirname, resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { examine, type Check } from '../host/doctor.ts';
import { statePaths } from '../store/paths.ts';
import { noPaint, paintFor, type Paint } from '../ui/format.ts';
import type { Session } from '../ui/ui.ts';

/**
 * `vmkiln doctor`: what this host can do, what is missing, and the command that mends it, as text or as one JSON
 * array on standard output. With a recipe, its local media are looked at too. Returns 1 when something fails.
 *
 * @throws VmkilnError USAGE when the recipe cannot be read, or INTERRUPTED.
 */
export async function doctor(
  recipe: string | undefined,
  { connect, json }: { connect?: string; json: boolean },
  { signal }: Session,
): Promise<number> {
  const paths = statePaths(process.env, process.getuid?.() ?? 0);
  const files = recipe === undefined ? [] : await recipeFiles(recipe);
  const checks = await examine({ ...(connect && { connect }), state: paths.state, cache: paths.cache, files, signal });
  const text = json ? JSON.stringify(checks, null, 2) : formatChecks(checks, paintFor(process.stdout));
  process.stdout.write(`${text}\n`);
  return checks.some((check) => check.status === 'fail') ? 1 : 0;
}

const marks = { ok: ['good', '✔'], warn: ['warn', '!'], fail: ['bad', '✖'] } as const;

/** The findings as a table, and below a fault the command that mends it. */
export function formatChecks(checks: readonly Check[], paint: Paint = noPaint): string {
  const width = Math.max(0, ...checks.map((check) => check.title.length));
  const lines = checks.flatMap(({ status, title, detail, fix }) => {
    const [role, mark] = marks[status];
    const line = `${paint(role, mark)} ${title.padEnd(width)}  ${detail}`;
    return fix === undefined ? [line] : [line, `  ${' '.repeat(width)}  ${paint('name', `→ ${fix}`)}`];
  });
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const verdict = failed > 0 ? 'builds will fail until this is mended' : 'this host can build images';
  return [...lines, '', `${failed} failed, ${warned} to note: ${verdict}`].join('\n');
}

/**
 * The local files among a recipe's sources. Read without its variables, which doctor does not know: a value that
 * needs one is left out.
 */
async function recipeFiles(recipe: string): Promise<string[]> {
  try {
    const data: unknown = parse(await readFile(recipe, 'utf8'));
    return sourcePaths(data).map((path) => resolve(dirname(recipe), path));
  } catch (cause) {
    throw new VmkilnError('USAGE', `cannot read the recipe ${recipe}: ${messageOf(cause)}`, {
      hint: `vmkiln validate ${recipe}`,
      cause,
    });
  }
}

/** The values of `source` that are paths: no URL, no variable, no checksum. */
export function sourcePaths(recipe: unknown): string[] {
  const source = recipe instanceof Object && 'source' in recipe ? recipe.source : undefined;
  if (!(source instanceof Object)) return [];
  return Object.entries(source).flatMap(([key, value]) =>
    typeof value === 'string' && !key.startsWith('sha256') && !/^[a-z+]+:\/\/|\$\{/.test(value) ? [value] : [],
  );
}
