import type { View } from '../answers/templates.ts';
import type { SecretRef } from '../model.ts';
import type { Recipe } from '../recipe/schema.ts';
import { rhelRelease } from './rhel-releases.ts';

/** What a kickstart template may use. */
export function kickstartView(recipe: Recipe): View {
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
export function cloudView(recipe: Recipe): View {
  return { user: recipe.cloudInit.user };
}

/** What guest.sh.hbs may use. */
export function guestView(recipe: Recipe): View {
  const { kernelArguments, grubConfig } = rhelRelease(recipe);
  return {
    kernelArguments,
    grubConfig: grubConfig[recipe.machine.firmware],
    lockRoot: recipe.rootPassword === undefined,
  };
}

/** Whether packages.sh has anything to do. */
export function managesPackages(recipe: Recipe): boolean {
  return recipe.packages.length > 0 || updates(recipe) || recipe.subscription !== undefined;
}

/** Whether the guest is updated: unless the recipe says otherwise, when it has somewhere to get updates from. */
export function updates({ update, subscription, repositories }: Recipe): boolean {
  return update ?? (subscription !== undefined || repositories.length > 0);
}

/** What packages.sh.hbs may use. Every key is always there, empty or false when the recipe has none. */
export function packagesView(recipe: Recipe): View {
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
    update: updates(recipe),
    packages,
    // Groups have a name for yum only.
    provided: packages.filter((wanted) => !wanted.startsWith('@')),
  };
}

function proxyView({ subscription }: Recipe): View {
  const { url = '', user = '', password = '' } = subscription?.proxy ?? {};
  const [, scheme = '', host = ''] = /^(https?:\/\/)([^/]+)/.exec(url) ?? [];
  return { url, scheme, host, user, password };
}

/** Every secret that a recipe refers to, once each, in the order they are needed. */
export function requiredSecrets(recipe: Recipe): SecretRef[] {
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
