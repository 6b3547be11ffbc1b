import { isAbsolute, join, resolve } from 'node:path';
import type { SecretRef } from '../../model.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import { isFile, resolveSecret } from '../../recipe/paths.ts';
import { resolveStep, stepFiles } from '../linux/steps.ts';
import { findCertificate, findCertificates } from '../linux/trust.ts';
import type { RhelRecipe } from './recipe.ts';
import { distributionOf } from './distributions.ts';
import { rhelRelease } from './releases.ts';

/** Kickstart templates that vmkiln ships. */
export const shippedKickstarts = join(import.meta.dirname, '../../../kickstart');

/** Makes the paths of RHEL's own keys absolute, and reports what the release cannot do. */
export function resolvePaths(recipe: RhelRecipe, files: RecipeFiles): RhelRecipe {
  reportUnfit(recipe, files.report);
  const { subscription, proxy, install, rootPassword, caCertificates, customize } = recipe;
  const { folder } = files;
  return {
    ...recipe,
    install: { ...install, ...(install.kickstart && { kickstart: findKickstart(install.kickstart, files) }) },
    ...(rootPassword && { rootPassword: resolveSecret(rootPassword, folder) }),
    ...(subscription && { subscription: resolveSubscription(subscription, files) }),
    ...(proxy && { proxy: { ...proxy, ...(proxy.password && { password: resolveSecret(proxy.password, folder) }) } }),
    caCertificates: findCertificates(caCertificates, 'caCertificates', files),
    customize: customize.map((step, index) => resolveStep(step, ['customize', index], files)),
  };
}

/** The files of the user's that the commands of RHEL read. */
export function filesOf({ subscription, caCertificates, customize }: RhelRecipe): string[] {
  const ca = subscription?.caCertificate;
  return [...caCertificates, ...(ca === undefined ? [] : [ca]), ...customize.flatMap(stepFiles)];
}

function findKickstart(name: string, { folder, report }: RecipeFiles): string {
  const own = resolve(folder, name);
  if (isFile(own)) return own;
  const shipped = join(shippedKickstarts, name);
  if (!isAbsolute(name) && isFile(shipped)) return shipped;
  report(['install', 'kickstart'], `there is no file ${own}, and vmkiln ships none of that name`);
  return own;
}

function reportUnfit(recipe: RhelRecipe, report: RecipeFiles['report']): void {
  const { source, machine, cloudInit } = recipe;
  const { leastMemory, major, networkMetadata, uefi } = rhelRelease(recipe);
  const { subscribes, title } = distributionOf(recipe);
  if (recipe.subscription !== undefined && !subscribes) {
    report(['subscription'], `${title} has no subscriptions: leave it out, its own repositories need no registration`);
  }
  if (cloudInit.network === 'metadata' && !networkMetadata) {
    report(['cloudInit', 'network'], `the cloud-init of ${title} ${major} cannot read network metadata: leave it out`);
  }
  if (source.image !== undefined) return;
  if (machine.memory < leastMemory) {
    const least = `${leastMemory / 1024 ** 2}M`;
    report(
      ['machine', 'memory'],
      `the installer of ${title} ${recipe.release.split('.')[0]} needs at least ${least}: write memory: ${least} or more`,
    );
  }
  if (machine.firmware === 'uefi' && !uefi) {
    report(
      ['machine', 'firmware'],
      `${title} ${major} installs no boot loader that UEFI finds on another machine: use bios, or a ready image that has one`,
    );
  }
}

type Subscription = NonNullable<RhelRecipe['subscription']>;

function resolveSubscription(given: Subscription, files: RecipeFiles): Subscription {
  const at = <T extends string | SecretRef>(value: T): T =>
    typeof value === 'string' ? value : (resolveSecret(value, files.folder) as T);
  const where = ['subscription', 'caCertificate'];
  const caCertificate = given.caCertificate && findCertificate(given.caCertificate, where, files);
  return {
    ...given,
    ...(given.username && { username: at(given.username) }),
    ...(given.password && { password: at(given.password) }),
    ...(given.organization && { organization: at(given.organization) }),
    ...(given.activationKey && { activationKey: at(given.activationKey) }),
    ...(caCertificate && { caCertificate }),
  };
}
