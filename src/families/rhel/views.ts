import type { View } from '../../answers/templates.ts';
import type { SecretRef } from '../../model.ts';
import type { RhelRecipe } from './recipe.ts';
import { consoles } from '../linux/console.ts';
import { getsGpt } from './kickstart/storage.ts';
import { packageView } from './packages.ts';
import { proxyView, usualMaxAge, yamlWord } from '../linux/views.ts';
import { distributionOf } from './distributions.ts';
import { fipsOf, ownArguments, systemArguments } from './kernel-arguments.ts';
import { packageKey, rhelRelease } from './releases.ts';

/** The user that cloud-init makes: that of the distribution's own images, unless the recipe has another. */
export function userOf(recipe: RhelRecipe): string {
  return recipe.cloudInit.user ?? distributionOf(recipe).user;
}

/** What a kickstart template may use. */
export function kickstartView(recipe: RhelRecipe): View {
  const { release, language, keyboard, timezone, machine, install, disk } = recipe;
  const { major } = rhelRelease(recipe);
  return {
    distribution: distributionOf(recipe).title,
    release,
    language,
    keyboard,
    timezone,
    uefi: machine.firmware === 'uefi',
    biosboot: machine.firmware === 'bios' && getsGpt(major, disk.size),
    kernelArguments: systemArguments(recipe),
    fips: fipsOf(recipe) !== 'nobody',
    variables: install.variables,
  };
}

/** What cloud.cfg.hbs may use. */
export function cloudView(recipe: RhelRecipe): View {
  const { groups, network } = rhelRelease(recipe);
  const { rootLogin, network: configured } = recipe.cloudInit;
  return {
    user: yamlWord(userOf(recipe)),
    groups: ['adm', ...groups].join(', '),
    connection: network === 'keyfile' ? 'eth0.nmconnection' : 'ifcfg-eth0',
    metadata: configured === 'metadata',
    rootKeys: rootLogin !== 'none',
    passwords: rootLogin === 'password',
  };
}

/** What kernel.sh.hbs may use. */
export function kernelView(recipe: RhelRecipe): View {
  const { bootLoader, growRoot, grubConfig } = rhelRelease(recipe);
  const kernelArguments = systemArguments(recipe);
  const { machine } = recipe;
  const { efi } = distributionOf(recipe);
  const config = grubConfig(machine.firmware, efi);
  const other = grubConfig(machine.firmware === 'uefi' ? 'bios' : 'uefi', efi);
  return {
    consoles,
    kernelArguments,
    // As a pattern of awk, between slashes.
    ownArguments: ownArguments(recipe).map((argument) => argument.replace(/[^\w=:,@%-]/g, '\\$&')),
    grubConfig: config,
    otherGrubConfig: other === config ? '' : other,
    legacy: bootLoader === 'legacy',
    // Arguments that vmkiln writes into the lines of the kernels itself.
    kernelLine: bootLoader === 'grub2' ? '' : `${consoles} ${kernelArguments}`.trim(),
    entries: bootLoader === 'entries',
    growRoot: growRoot !== undefined && recipe.packages.includes(growRoot),
  };
}

/** What guest.sh.hbs may use. */
export function guestView(recipe: RhelRecipe): View {
  const { init, network, rootPasswordLogin } = rhelRelease(recipe);
  const { cloudInit, rootPassword } = recipe;
  return {
    lockRoot: rootPassword === undefined,
    permitRootLogin: !rootPasswordLogin && (cloudInit.rootLogin === 'password' || rootPassword !== undefined),
    metadata: cloudInit.network === 'metadata',
    keyfile: network === 'keyfile',
    networkManager: network === 'ifcfg',
    initscripts: network === 'initscripts',
    systemd: init === 'systemd',
  };
}

/** What clean-rhel.sh.hbs may use. */
export function cleanView(recipe: RhelRecipe): View {
  const { init, packageManager } = rhelRelease(recipe);
  return { dnf: packageManager === 'dnf', systemd: init === 'systemd' };
}

/** Whether packages.sh has anything to do. */
export function managesPackages(recipe: RhelRecipe): boolean {
  const { packages, repositories, subscription } = recipe;
  return (
    packages.length > 0 ||
    maxAge(recipe) !== undefined ||
    subscription !== undefined ||
    repositories.some(({ keep }) => keep)
  );
}

/**
 * Seconds for which updates are new enough; undefined when none are installed. There are updates when the recipe says
 * so, or says nothing and has somewhere to get them from.
 */
export function maxAge(recipe: RhelRecipe): number | undefined {
  const { update, subscription, repositories } = recipe;
  if (typeof update === 'object') return update.maxAge;
  const somewhere = !distributionOf(recipe).subscribes || subscription !== undefined || repositories.length > 0;
  return (update ?? somewhere) ? usualMaxAge : undefined;
}

/** What packages.sh.hbs may use. Every key is always there, empty or false when the recipe has none. */
export function packagesView(recipe: RhelRecipe): View {
  const { packages, repositories, distributionRepositories, subscription } = recipe;
  const { serverUrl = '', contentUrl = '', caCertificate } = subscription ?? {};
  const { attach: canAttach, bootLoader, packageManager } = rhelRelease(recipe);
  const attach = (canAttach && subscription?.attach) || 'none';
  return {
    subscription: subscription !== undefined,
    // Not the recipe's name: recipes that differ in nothing else share their checkpoints.
    consumerName: 'vmkiln',
    account: {
      username: subscription?.username ?? '',
      password: subscription?.password ?? '',
      organization: subscription?.organization ?? '',
      activationKey: subscription?.activationKey ?? '',
      environment: subscription?.environment ?? '',
    },
    held: subscription?.release ?? '',
    attach: { auto: attach === 'auto', pool: attach === 'auto' || attach === 'none' ? '' : attach },
    server: {
      needed: Boolean(serverUrl || contentUrl || caCertificate),
      url: serverUrl,
      contentUrl,
      ca: caCertificate !== undefined,
    },
    proxy: proxyView(recipe.proxy),
    ended: distributionOf(recipe).ended ?? { mirrorList: '', mirrors: '', vault: '' },
    enable: subscription?.repositories ?? [],
    repositories: repositories.map(
      ({ id, name: title = id, baseurl, gpgcheck, gpgkey = packageKey(recipe), keep }) => ({
        id,
        name: title,
        baseurl,
        gpgcheck: gpgcheck ? '1' : '0',
        gpgkey,
        keep,
      }),
    ),
    tool: packageManager,
    lone: distributionRepositories ? [] : repositories.map(({ id }) => id),
    entries: bootLoader === 'entries',
    update: maxAge(recipe) !== undefined,
    packages,
    ...packageView(packages, packageManager),
  };
}

/** Every secret that a recipe refers to, once each, in the order they are needed. */
export function requiredSecrets(recipe: RhelRecipe): SecretRef[] {
  const { subscription, proxy, rootPassword } = recipe;
  const all = [
    subscription?.username,
    subscription?.password,
    subscription?.organization,
    subscription?.activationKey,
    proxy?.password,
    rootPassword,
  ].filter((value) => typeof value === 'object');
  return [...new Map(all.map((secret) => [JSON.stringify(secret), secret])).values()];
}
