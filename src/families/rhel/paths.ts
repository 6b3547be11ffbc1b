import { basename, isAbsolute, join, resolve } from 'node:path';
import type { SecretRef } from '../../model.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import { fileProblem, isFile, resolveSecret } from '../../recipe/paths.ts';
import { findUpload } from '../uploads.ts';
import { resolveStep, stepFiles } from '../linux/steps.ts';
import { findCertificate, findCertificates } from '../linux/trust.ts';
import { shippedKickstarts } from './kickstarts.ts';
import { isRpm, packageForm } from './packages.ts';
import type { RhelRecipe } from './recipe.ts';
import { distributionOf } from './distributions.ts';
import { reportUnused } from './unused.ts';
import { reportUnfitFetching } from './unfit.ts';
import { rhelRelease } from './releases.ts';

/** Makes the paths of RHEL's own keys absolute, and reports what the release cannot do. */
export function resolvePaths(recipe: RhelRecipe, files: RecipeFiles): RhelRecipe {
  const resolved = absolute(recipe, files);
  reportUnfit(resolved, files.report);
  reportUnfitFetching(resolved, files.report);
  reportUnused(resolved, files);
  return resolved;
}

function absolute(recipe: RhelRecipe, files: RecipeFiles): RhelRecipe {
  const { subscription, proxy, install, rootPassword, caCertificates, customize, packages } = recipe;
  const { folder } = files;
  return {
    ...recipe,
    install: {
      ...install,
      ...(install.kickstart && {
        kickstart: findKickstart(install.kickstart, files, recipe.source.image !== undefined),
      }),
    },
    ...(rootPassword && { rootPassword: resolveSecret(rootPassword, folder) }),
    ...(subscription && { subscription: resolveSubscription(subscription, files) }),
    ...(proxy && { proxy: { ...proxy, ...(proxy.password && { password: resolveSecret(proxy.password, folder) }) } }),
    caCertificates: findCertificates(caCertificates, 'caCertificates', files),
    packages: packages.map((name, index) => findPackage(name, index, packages, files)),
    customize: customize.map((step, index) => resolveStep(step, ['customize', index], files)),
  };
}

/** The files of the user's that the commands of RHEL read. */
export function filesOf({ subscription, caCertificates, customize, packages }: RhelRecipe): string[] {
  const ca = subscription?.caCertificate;
  const rpms = packages.filter((name) => packageForm(name) === 'file');
  return [...caCertificates, ...(ca === undefined ? [] : [ca]), ...rpms, ...customize.flatMap(stepFiles)];
}

/** The absolute path of an RPM of the user's; any other package as it is named. In the guest they lie in one folder. */
function findPackage(name: string, index: number, all: readonly string[], files: RecipeFiles): string {
  if (packageForm(name) !== 'file') return name;
  const where = ['packages', index];
  const found = findUpload(name, where, files);
  if (all.findIndex((other) => packageForm(other) === 'file' && basename(other) === basename(name)) !== index) {
    files.report(where, `another RPM is called ${basename(name)}: give this one another name`);
  }
  if (isFile(found) && !isRpm(found)) files.report(where, `${found} is no RPM`);
  return found;
}

/** One that is `unused`, with a ready image, is told as such: it need not be there. */
function findKickstart(name: string, { folder, report }: RecipeFiles, unused: boolean): string {
  const own = resolve(folder, name);
  if (isFile(own)) return own;
  const shipped = join(shippedKickstarts, name);
  if (!isAbsolute(name) && isFile(shipped)) return shipped;
  if (unused) return own;
  const problem = fileProblem(own) ?? '';
  report(
    ['install', 'kickstart'],
    problem.startsWith('there is no') ? `${problem}, and vmkiln ships none of that name` : problem,
  );
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
