import { z } from 'zod';
import { VmkilnError } from '../errors.ts';
import type { Report } from '../recipe/paths.ts';
import type { UploadEntry } from '../recipe/recipe.ts';
import { type PlannedTarget, plannedTargets, targetCalled, targets } from './index.ts';

const names = Object.keys(targets);

const entry = z
  .strictObject(Object.fromEntries(Object.entries(targets).map(([name, { schema }]) => [name, schema.optional()])))
  .refine((value) => names.filter((name) => value[name] !== undefined).length === 1, {
    error: `expected one target in each entry of the list: ${names.join(' or ')}`,
  })
  .meta({ minProperties: 1, maxProperties: 1 });

/** The key `upload` of a recipe: a list of targets, each of which `targets` names. */
export const uploadKey = z
  .array(entry)
  .prefault([{ directory: { path: './images' } }])
  .describe('Where the finished image goes.');

/** Makes the paths of an `upload` list absolute that count from the recipe's folder; reports files that are not there. */
export function resolveUpload(upload: readonly UploadEntry[], folder: string, report: Report): UploadEntry[] {
  return upload.map((given, index) =>
    Object.fromEntries(
      Object.entries(given).map(([name, spec]) => {
        const within: Report = (path, message) => report(['upload', index, name, ...path], message);
        return [name, targetCalled(name).resolve?.(spec, folder, within) ?? spec];
      }),
    ),
  );
}

/** The places that an `upload` list of no recipe names; its relative paths begin in `folder`. @throws VmkilnError USAGE */
export function targetsFrom(list: readonly unknown[], folder: string): PlannedTarget[] {
  const problems: string[] = [];
  const report: Report = (path, message) => problems.push(`${path.map(String).join('.')}: ${message}`);
  const { data = [], error } = uploadKey.safeParse(list);
  for (const { path, message } of error?.issues ?? []) report(['upload', ...path], message);
  const upload = resolveUpload(data, folder, report);
  if (problems.length === 0) return plannedTargets(upload);
  throw new VmkilnError('USAGE', problems.join('\n'), { hint: 'docs/targets.md has the targets and what they take' });
}
