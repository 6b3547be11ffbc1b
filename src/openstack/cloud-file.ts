import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { parsePython, type Tree } from './python-yaml.ts';

/** A file of clouds, and what it holds. */
export type CloudFile = { path: string; tree: Tree };

/**
 * The first file of that name (`clouds`, `secure` or `clouds-public`) on the search path of openstacksdk: the working
 * directory, the XDG folders of the user and of the system, and /etc/openstack.
 *
 * @param first a path to look at before these.
 * @throws VmkilnError USAGE when it cannot be read, with line and column.
 */
export async function readCloudFile(
  name: string,
  first: string | undefined,
  { env, cwd }: { env: Env; cwd: string },
): Promise<CloudFile | undefined> {
  const found = folders(env, cwd).flatMap((folder) =>
    ['yaml', 'yml', 'json'].map((suffix) => join(folder, `${name}.${suffix}`)),
  );
  for (const path of first ? [first, ...found] : found) {
    const text = await readIfThere(path);
    if (text !== undefined) return { path, tree: parseFile(path, text) };
  }
  return undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return undefined;
    const why = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : messageOf(error);
    throw unusable(`${path} cannot be read: ${why}`, 'correct or move it');
  }
}

function parseFile(path: string, text: string): Tree {
  let tree: unknown;
  try {
    tree = parsePython(text, path.endsWith('json') ? 'json' : 'yaml');
  } catch (error) {
    throw unusable(`${path}:${messageOf(error)}`, 'correct that line; text with special characters stands in quotes');
  }
  if (tree === null || tree === undefined) return {};
  if (isTree(tree)) return tree;
  throw unusable(`${path} is not a map in YAML`, 'its first key is `clouds`, with a map of clouds by their names');
}

function folders(env: Env, cwd: string): string[] {
  const home = env['HOME'] || homedir();
  const system = (env['XDG_CONFIG_DIRS'] ?? '/etc').split(':').map((folder) => join(folder, 'openstack'));
  return [
    cwd,
    join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'openstack'),
    join(env['SNAP_REAL_HOME'] ?? home, '.config', 'openstack'),
    ...system,
    '/etc/openstack',
  ];
}

/** Merges maps within maps; else what is above counts. */
export function merge(below: Tree, above: Tree): Tree {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = merged[key];
    merged[key] = isTree(value) && isTree(old) ? merge(old, value) : value;
  }
  return merged;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A mistake in the settings of clouds. The message never has a value. */
export function unusable(message: string, hint: string): VmkilnError {
  return new VmkilnError('USAGE', message, { hint });
}
