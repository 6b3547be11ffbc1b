import type { View } from '../../answers/templates.ts';
import { consoles } from '../linux/console.ts';
import { proxyView, usualMaxAge, yamlWord } from '../linux/views.ts';
import type { DebianRecipe } from './recipe.ts';
import { debianRelease } from './releases.ts';

/** The user that cloud-init makes: the distribution's own, unless the recipe has another. */
export function userOf({ cloudInit, distribution }: DebianRecipe): string {
  return cloudInit.user ?? distribution;
}

/** What cloud.cfg.hbs may use. */
export function cloudView(recipe: DebianRecipe): View {
  const { rootLogin } = recipe.cloudInit;
  const ubuntu = recipe.distribution === 'ubuntu';
  return {
    user: yamlWord(userOf(recipe)),
    gecos: ubuntu ? 'Ubuntu' : 'Debian',
    // Those that the distribution's own cloud.cfg gives its user, as far as a minimal image has them.
    groups: (ubuntu
      ? ['adm', 'cdrom', 'dip', 'lxd', 'sudo']
      : ['adm', 'audio', 'cdrom', 'dip', 'plugdev', 'sudo']
    ).join(', '),
    rootKeys: rootLogin !== 'none',
    passwords: rootLogin === 'password',
    keepArchives: recipe.mirror?.keep ?? false,
  };
}

/** What kernel.sh.hbs may use. */
export const kernelView: View = { consoles };

/** What guest.sh.hbs may use. */
export function guestView(recipe: DebianRecipe): View {
  return { lockRoot: recipe.rootPassword === undefined };
}

/** Whether all packages are updated. */
function updates({ update }: DebianRecipe): boolean {
  return update !== false;
}

/** Whether packages.sh has anything to do. */
export function managesPackages(recipe: DebianRecipe): boolean {
  const { mirror, packages, repositories } = recipe;
  return updates(recipe) || packages.length > 0 || [mirror, ...repositories].some((one) => one?.keep);
}

/** Whether every package comes from a snapshot, which is the same on every day. */
function isPinned({ mirror, repositories }: DebianRecipe): boolean {
  const places = [mirror?.archive, mirror?.security, ...repositories.map(({ uri }) => uri)];
  return mirror !== undefined && places.every((place) => place === undefined || isSnapshot(place));
}

/** Whether a URL names a snapshot of an archive, by the time in it. Its Release file is past its Valid-Until. */
export function isSnapshot(place: string): boolean {
  return /\/\d{8}T\d{6}Z(\/|$)/.test(place);
}

/** Seconds for which updates are new enough; undefined when none are installed, or always the same. */
export function maxAge(recipe: DebianRecipe): number | undefined {
  if (!updates(recipe) || isPinned(recipe)) return undefined;
  return typeof recipe.update === 'object' ? recipe.update.maxAge : usualMaxAge;
}

/** The file of a repository's key in the guest: APT goes by its suffix whether a key is armored. */
export function keyFile({ id, key }: DebianRecipe['repositories'][number]): string {
  return `/etc/apt/keyrings/${id}.${key?.endsWith('.gpg') ? 'gpg' : 'asc'}`;
}

/** What packages.sh.hbs may use. Every key is always there, empty or false when the recipe has none. */
export function packagesView(recipe: DebianRecipe): View {
  const { mirror, packages, repositories } = recipe;
  const { suites, securitySuite, components, keyring } = debianRelease(recipe);
  const entry = (uri: string, names: readonly string[]) => ({
    uri,
    suites: names.join(' '),
    components,
    key: keyring,
    snapshot: isSnapshot(uri),
  });
  return {
    proxy: proxyView(recipe.proxy),
    archives: [
      ...(mirror ? [entry(mirror.archive, suites)] : []),
      ...(mirror?.security && securitySuite ? [entry(mirror.security, [securitySuite])] : []),
    ],
    keepArchives: mirror?.keep ?? false,
    repositories: repositories.map((repository) => ({
      id: repository.id,
      uri: repository.uri,
      suites: repository.suites.join(' '),
      components: repository.components.join(' '),
      key: repository.key ? keyFile(repository) : '',
      snapshot: isSnapshot(repository.uri),
      keep: repository.keep,
    })),
    update: updates(recipe),
    packages,
  };
}
