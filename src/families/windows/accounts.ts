import type { WindowsRecipe } from './recipe.ts';
import { windowsRelease } from './releases.ts';

/**
 * Names of the built-in Administrator in the languages of Windows that have another one: vmware/packer-examples-for-vsphere#332
 * lists them.
 */
const administrators: Readonly<Record<string, string>> = {
  es: 'Administrador',
  fi: 'Järjestelmänvalvoja',
  fr: 'Administrateur',
  hu: 'Rendszergazda',
  pt: 'Administrador',
  ru: 'Администратор',
  sv: 'Administratör',
};

/** What the built-in Administrator is called in a Windows of that language, like `fr-FR`. */
export function administratorName(language: string): string {
  return administrators[language.toLowerCase().split('-')[0] ?? ''] ?? 'Administrator';
}

/**
 * The user whose password and keys Cloudbase-Init sets. By default the built-in Administrator of a server. Client editions
 * have that account disabled when they have been generalized (`enable_administrator_account` of windows-imaging-tools), and
 * Cloudbase-Init enables none: it makes another user, `Admin`, as it does by its own default. It reads its configuration in
 * the code page of the system, so a name that is not ASCII is none for it either.
 */
export function loginUser(recipe: Pick<WindowsRecipe, 'release' | 'language' | 'cloudbaseInit'>): string {
  const { release, language, cloudbaseInit } = recipe;
  if (cloudbaseInit.user !== undefined) return cloudbaseInit.user;
  const builtIn = administratorName(language);
  return windowsRelease({ release }).isServer && /^[ -~]+$/.test(builtIn) ? builtIn : 'Admin';
}
