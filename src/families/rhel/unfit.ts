import type { Report } from '../../recipe/paths.ts';
import { type PackageForm, packageForm } from './packages.ts';
import type { RhelRecipe } from './recipe.ts';
import { rhelRelease } from './releases.ts';

/** Reports what the programs of a release that fetch packages cannot do: they would ignore it, or fail late. */
export function reportUnfitFetching(recipe: RhelRecipe, report: Report): void {
  const { major, packageManager } = rhelRelease(recipe);
  const title = `RHEL ${major}`;
  for (const [index, name] of recipe.packages.entries()) {
    const why = unfitForms[packageForm(name) ?? 'name']?.(packageManager, major, name);
    if (why !== undefined) report(['packages', index], `${title} ${why}`);
  }
  if (!recipe.distributionRepositories) {
    const fault = loneFault(recipe);
    if (fault !== undefined) report(['distributionRepositories'], fault);
  }
  const proxy = proxyFault(recipe);
  if (proxy !== undefined) report(['proxy', 'url'], `${title}: ${proxy}`);
  const held = recipe.subscription?.release;
  if (held !== undefined && !isHeld(held, recipe.release)) {
    report(['subscription', 'release'], `expected a minor release of ${major} from ${recipe.release} on, got ${held}`);
  }
}

type Unfit = (tool: 'yum' | 'dnf', major: number, name: string) => string | undefined;

const unfitForms: Partial<Record<PackageForm, Unfit>> = {
  // nevra_form_regex of libdnf, and buildPkgRefDict of yum/packages.py.
  name: (tool, _, name) => {
    if (!/^\d+:|-\d+:(?!:)/.test(name) || /[ (/]/.test(name)) return undefined;
    if (tool === 'dnf')
      return /^\d+:/.test(name) ? 'takes an epoch before the version only: NAME-EPOCH:VERSION' : undefined;
    const whole = /^(\d+:[^:]+|[^:]+-\d+:[^:-]+)-[^:-]+\.(noarch|x86_64|i[3-6]86)$/.test(name);
    return whole ? undefined : 'takes an epoch in a whole name only: NAME-EPOCH:VERSION-RELEASE.ARCH';
  },
  module: (tool) => (tool === 'yum' ? 'has no modules: yum takes @group or a package' : undefined),
  // Environment groups came with yum 3.4.
  environment: (_, major) => (major === 6 ? 'has no environments: name its @groups' : undefined),
};

/**
 * Why a proxy cannot be used. HTTPS proxies need curl 7.52, and RHEL 7 has 7.29; subscription-manager begins TLS with the server
 * behind the proxy alone (`rhsm/connection.py`), and up to 1.24 divides its --proxy at the first colon.
 */
function proxyFault(recipe: RhelRecipe): string | undefined {
  const { major, packageManager } = rhelRelease(recipe);
  const url = recipe.proxy?.url ?? '';
  if (url.startsWith('https:')) {
    if (packageManager === 'yum') return 'yum cannot use a proxy by https://, write http:// and its port';
    if (recipe.subscription) return 'subscription-manager cannot use a proxy by https://, write http:// and its port';
  }
  return url.includes('[') && recipe.subscription && major < 8
    ? 'subscription-manager cannot use a proxy by an IPv6 address, write its name'
    : undefined;
}

/** Why a recipe cannot do with its own repositories alone. */
function loneFault({ repositories, subscription }: RhelRecipe): string | undefined {
  if (repositories.length === 0) return 'expected repositories too: without them there is nothing to install from';
  return subscription ? 'expected no subscription beside it: its repositories would not be used' : undefined;
}

/** An older release than the one that is installed has no packages for it. */
function isHeld(held: string, release: string): boolean {
  const [[major, minor], [itsMajor, itsMinor = 0]] = [held, release].map((text) => text.split('.').map(Number)) as [
    [number, number],
    [number, number?],
  ];
  return major === itsMajor && minor >= itsMinor;
}
