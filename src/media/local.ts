import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { VmkilnError, messageOf } from '../errors.ts';

/**
 * Checks that a path is a regular, readable file with something in it.
 *
 * @throws VmkilnError MEDIA_MISSING, naming the nearest folder that exists and the files there that look alike.
 */
export async function checkLocalFile(path: string): Promise<void> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw missing(`${path} is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}`);
    if (stats.size === 0) throw missing(`${path} is empty`, 'a copy or download that failed? fetch it again');
    await access(path, constants.R_OK);
  } catch (error) {
    if (error instanceof VmkilnError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw missing(`${path} does not exist`, await whereNext(path));
    throw missing(`${path} cannot be read: ${messageOf(error)}`, 'check the permissions of the file and its folders');
  }
}

function missing(message: string, hint = 'name the ISO or disk image itself'): VmkilnError {
  return new VmkilnError('MEDIA_MISSING', message, { hint });
}

/** What there is instead of `path`, in words. */
async function whereNext(path: string): Promise<string> {
  const home = path.includes('/~/') ? '; a leading ~ is not expanded: write the whole path' : '';
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const names = await readdir(folder).catch(() => undefined);
    if (names === undefined && folder !== dirname(folder)) continue;
    if (folder !== dirname(path)) return `the nearest folder that exists is ${folder}${home}`;
    const alike = lookAlikes(basename(path), names ?? []);
    return alike.length > 0 ? `in ${folder} there is ${alike.join(', ')}` : `${folder} holds nothing of a similar name`;
  }
}

/** Up to three names that resemble `wanted`, best first. */
export function lookAlikes(wanted: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, score: likeness(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(({ score }) => score >= 0.6)
    .toSorted((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Dice's coefficient over pairs of letters: 0 for nothing in common, 1 for the same pairs. */
function likeness(a: string, b: string): number {
  const pairs = (text: string) => Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2));
  const rest = pairs(b);
  const total = pairs(a).length + rest.length;
  let common = 0;
  for (const pair of pairs(a)) {
    const at = rest.indexOf(pair);
    if (at < 0) continue;
    rest.splice(at, 1);
    common++;
  }
  return total === 0 ? 0 : (2 * common) / total;
}
