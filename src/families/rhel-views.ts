import type { View } from '../answers/templates.ts';
import type { SecretRef } from '../model.ts';
import type { RhelRecipe } from '../recipe/schema.ts';
import { rhelRelease } from './rhel-releases.ts';

/** What a kickstart template may use. */
export function kickstartView(recipe: RhelRecipe): View {
  const { release, language, keyboard, timezone, machine, install } = recipe;
  const { kernelArguments } = rhelRelease(recipe);
  return {
    release,
    language,
    keyboard,
    timezone,
    uefi: machine.firmware === 'uefi',
    kernelArguments,
    variables: install.variables,
  };
}

/** What cloud.cfg.hbs may use. */
export function cloudView(recipe: RhelRecipe): View {
  const { user, rootLogin } = recipe.cloudInit;
  return { user, rootKeys: rootLogin !== 'none', passwords: rootLogin === 'password' };
}

/** What guest.sh.hbs may use. */
export function guestView(recipe: RhelRecipe): View {
  const { kernelArguments, grubConfig } = rhelRelease(recipe);
  return {
    kernelArguments,
    grubConfig: grubConfig[recipe.machine.firmware],
    lockRoot: recipe.rootPassword === undefined,
  };
}

/** Whether packages.sh has anything to do. */
export function managesPackages(recipe: RhelRecipe): boolean {
  return recipe.packages.length > 0 || maxAge(recipe) !== undefined || recipe.subscription !== undefined;
}

/** A nightly build installs new updates, and the builds of one day share them. Seconds. */
const usualMaxAge = 20 * 3600;

/**
 * Seconds for which updates are new enough; undefined when none are installed. There are updates when the recipe says
 * so, or says nothing and has somewhere to get them from.
 */
export function maxAge({ update, subscription, repositories }: RhelRecipe): number | undefined {
  if (typeof update === 'object') return update.maxAge;
  return (update ?? (subscription !== undefined || repositories.length > 0)) ? usualMaxAge : undefined;
}

/** What packages.sh.hbs may use. Every key is always there, empty or false when the recipe has none. */
export function packagesView(recipe: RhelRecipe): View {
  const { packages, repositories, subscription } = recipe;
  const { attach = 'none', serverUrl = '', contentUrl = '', caCertificate } = subscription ?? {};
  return {
    subscription: subscription !== undefined,
    // Not the recipe's name: recipes that differ in nothing else share their checkpoints.
    consumerName: 'vmkiln',
    account: {
      username: subscription?.username ?? '',
      password: subscription?.password ?? '',
      organization: subscription?.organization ?? '',
      activationKey: subscription?.activationKey ?? '',
    },
    attach: { auto: attach === 'auto', pool: attach === 'auto' || attach === 'none' ? '' : attach },
    server: {
      needed: Boolean(serverUrl || contentUrl || caCertificate),
      url: serverUrl,
      contentUrl,
      ca: caCertificate !== undefined,
    },
    proxy: proxyView(recipe),
    enable: subscription?.repositories ?? [],
    repositories: repositories.map(({ id, name: title = id, baseurl, gpgcheck, gpgkey, keep }) => ({
      id,
      name: title,
      baseurl,
      gpgcheck: gpgcheck ? '1' : '0',
      gpgkey,
      keep,
    })),
    update: maxAge(recipe) !== undefined,
    packages,
    // Groups have a name for yum only.
    provided: packages.filter((wanted) => !wanted.startsWith('@')),
  };
}

function proxyView({ subscription }: RhelRecipe): View {
  const { url = '', user = '', password = '' } = subscription?.proxy ?? {};
  const [, scheme = '', host = ''] = /^(https?:\/\/)([^/]+)/.exec(url) ?? [];
  return { url, scheme, host, user, password };
}

/** Every secret that a recipe refers to, once each, in the order they are needed. */
export function requiredSecrets(recipe: RhelRecipe): SecretRef[] {
  const { subscription, rootPassword } = recipe;
  const all = [
    subscription?.username,
    subscription?.password,
    subscription?.organization,
    subscription?.activationKey,
    subscription?.proxy?.password,
    rootPassword,
  ].filter((value) => typeof value === 'object');
  return [...new Map(all.map((secret) => [JSON.stringify(secret), secret])).values()];
}
