import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRecipe } from '../../src/families/index.ts';
import type { WindowsRecipe } from '../../src/families/windows/recipe.ts';

/** Where `windowsRecipe` writes: one folder of each file of tests. */
export function windowsFolder(): string {
  const folder = join(tmpdir(), 'vmkiln-windows');
  mkdirSync(folder, { recursive: true });
  return folder;
}

const base = `name: x
family: windows
source: { iso: /w.iso, virtioIso: /v.iso, cloudbaseInitMsi: /c.msi }
administratorPassword: { env: WINDOWS_PASSWORD }
`;

/** A recipe of only what it needs, and the given YAML. */
export async function windowsRecipe(more = '', release = '2022'): Promise<WindowsRecipe> {
  const path = join(windowsFolder(), 'x.yaml');
  writeFileSync(path, `${base}release: '${release}'\n${more}`);
  const { recipe } = await loadRecipe(path, {});
  if (recipe.family !== 'windows') throw new Error('not a recipe of Windows');
  return recipe as WindowsRecipe;
}
