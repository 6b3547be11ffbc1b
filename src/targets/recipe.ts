import { z } from 'zod';
import { findFile, type Report, resolveSecret } from '../recipe/paths.ts';
import type { UploadEntry } from '../recipe/recipe.ts';
import { line } from '../recipe/values.ts';
import { glance } from './glance/recipe.ts';

const target = z
  .strictObject({
    directory: z
      .strictObject({ path: line('a path').describe('The folder; relative to the current folder.') })
      .optional()
      .describe('A folder with an index.json and a checksum beside each image.'),
    glance: glance.optional().describe('The Image service of an OpenStack cloud.'),
  })
  .refine((value) => (value.directory === undefined) !== (value.glance === undefined), {
    error: 'expected one target in each entry of the list: directory or glance',
  })
  .meta({ minProperties: 1, maxProperties: 1 });

type Target = z.output<typeof target>;

/** The key `upload` of a recipe: a list of targets. */
export const uploadKey = z
  .array(target)
  .prefault([{ directory: { path: './images' } }])
  .describe('Where the finished image goes.');

/** An `upload` list as the targets see it. */
export function targetsIn(upload: readonly UploadEntry[]): readonly Target[] {
  return upload as readonly Target[];
}

/** The folders that an `upload` list names, as they are written. */
export function foldersIn(upload: readonly UploadEntry[]): string[] {
  return targetsIn(upload).flatMap(({ directory }) => directory?.path ?? []);
}

/** Makes the paths of an `upload` list absolute that count from the recipe's folder; reports files that are not there. */
export function resolveUpload(upload: readonly UploadEntry[], folder: string, report: Report): readonly UploadEntry[] {
  return targetsIn(upload).map((each, index) => resolveTarget(each, folder, ['upload', index, 'glance'], report));
}

/** The key and the certificate of a signature belong to the recipe; a certificate may also be an id. */
function resolveTarget(given: Target, folder: string, where: readonly PropertyKey[], report: Report): Target {
  const sign = given.glance?.sign;
  if (!given.glance || !sign) return given;
  const { key, certificate, passphrase } = sign;
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(certificate);
  const resolved = {
    ...sign,
    key: findFile(key, folder, [...where, 'sign', 'key'], report),
    certificate: isId ? certificate : findFile(certificate, folder, [...where, 'sign', 'certificate'], report),
    ...(passphrase && { passphrase: resolveSecret(passphrase, folder) }),
  };
  return { ...given, glance: { ...given.glance, sign: resolved } };
}
