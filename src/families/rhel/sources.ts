import type { PackageSources } from '../family.ts';
import { distributionOf } from './distributions.ts';
import type { RhelRecipe } from './recipe.ts';
import { managesPackages } from './views.ts';

/**
 * Where packages come from. The content delivery network of Red Hat answers whoever has an entitlement certificate, and a Satellite likewise
 * (Red Hat, "Using and Configuring Red Hat Subscription Manager"): nothing is seen of it from here.
 */
export function packageSources(recipe: RhelRecipe): PackageSources {
  if (!managesPackages(recipe)) return { repositories: [], ca: [], unseen: [] };
  const { subscription, repositories, distributionRepositories, caCertificates, packages } = recipe;
  const distribution = distributionOf(recipe);
  const own = distributionRepositories ? distribution.repositories(recipe.release) : [];
  const [seen, hidden] = [repositories.filter(isSeen), repositories.filter((each) => !isSeen(each))];
  const urls = packages.filter((name) => /^(https?|ftp):/.test(name));
  return {
    repositories: [
      ...seen.map(({ baseurl }) => ({ type: 'rpm' as const, url: baseurl, mirrored: false })),
      ...own.map((url) => ({ type: 'rpm' as const, url, mirrored: true })),
    ],
    ca: caCertificates,
    unseen: [
      ...(subscription
        ? [`the repositories of ${subscription.serverUrl === undefined ? "Red Hat's subscription" : 'the Satellite'}`]
        : []),
      ...hidden.map(({ id }) => `the repository ${id}`),
      ...urls.map((url) => url.replace(/^.*\//, 'the package ')),
    ],
  };
}

/** Whether a repository can be looked at from here: dnf's variables have values in the guest alone. */
function isSeen({ baseurl }: RhelRecipe['repositories'][number]): boolean {
  return /^https?:/.test(baseurl) && !baseurl.includes('$');
}
