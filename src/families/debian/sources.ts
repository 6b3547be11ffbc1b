import type { PackageSources, Repository } from '../family.ts';
import type { DebianRecipe } from './recipe.ts';
import { debianRelease } from './releases.ts';
import { isSnapshot, managesPackages } from './views.ts';

/** Where the cloud images themselves look: the sources.list of Debian's and of Ubuntu's. */
const archives = {
  debian: { archive: 'http://deb.debian.org/debian', security: 'http://security.debian.org/debian-security' },
  ubuntu: { archive: 'http://archive.ubuntu.com/ubuntu', security: undefined },
} as const;

/** Where packages come from. A snapshot is the same on every day: nobody need look at it. */
export function packageSources(recipe: DebianRecipe): PackageSources {
  if (!managesPackages(recipe)) return { repositories: [], ca: [], unseen: [] };
  const { distribution, mirror, repositories, caCertificates } = recipe;
  const { suites, securitySuite, components } = debianRelease(recipe);
  const { archive, security } = mirror ?? archives[distribution];
  const from = (url: string | undefined, names: readonly string[], parts: readonly string[], mirrored: boolean) =>
    url === undefined || isSnapshot(url)
      ? []
      : names.map((suite): Repository => ({ type: 'deb', url, suite, components: parts, mirrored }));
  const usual = components.split(' ');
  return {
    repositories: [
      ...from(archive, suites, usual, mirror === undefined),
      ...from(securitySuite === undefined ? undefined : security, [securitySuite ?? ''], usual, mirror === undefined),
      ...repositories.flatMap((each) => from(each.uri, each.suites, each.components, false)),
    ],
    ca: caCertificates,
    unseen: [],
  };
}
