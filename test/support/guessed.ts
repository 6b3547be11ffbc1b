import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRecipe } from '../../src/families/index.ts';

/** Where `put` writes: one folder of each file of tests. */
export function guessedFolder(): string {
  const folder = join(tmpdir(), 'vmkiln-guesses');
  mkdirSync(folder, { recursive: true });
  return folder;
}

export const rhel = 'name: x\nfamily: rhel\nrelease: "9.4"\nsource: { iso: /x.iso }\n';
export const debian = 'name: x\nfamily: debian\nrelease: "12"\nsource: { image: /x.qcow2 }\n';
export const windows =
  'name: x\nfamily: windows\nrelease: "2022"\nsource: { iso: /x, virtioIso: /v, cloudbaseInitMsi: /c }\nadministratorPassword: { env: A }\n';

export function put(text: string | Uint8Array): string {
  const path = join(guessedFolder(), 'x.yaml');
  writeFileSync(path, text);
  return path;
}

/** What is wrong with a recipe, one line for each problem, without the name of its file. */
export async function told(text: string | Uint8Array): Promise<string[]> {
  const found = await loadRecipe(put(text), {}).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  return found === '' ? [] : found.replaceAll(`${guessedFolder()}/x.yaml:`, '').split('\n');
}
