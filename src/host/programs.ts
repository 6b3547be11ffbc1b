import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Env } from '../model.ts';

/** The path of the first of these programs that is on the PATH of `env` (or at that path) and executable. */
export async function findProgram(names: readonly string[], env: Env): Promise<string | undefined> {
  const folders = (env['PATH'] ?? '').split(delimiter);
  const paths = names.flatMap((name) => (name.includes('/') ? [name] : folders.map((folder) => join(folder, name))));
  const found = await Promise.all(
    paths.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths[found.indexOf(true)];
}

/** A text that changes whenever one of the files is replaced. */
export async function stamp(...paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (file) => `${path}:${file.size}:${file.mtimeMs}`,
        () => `${path}:none`,
      ),
    ),
  );
  return parts.join(' ');
}
