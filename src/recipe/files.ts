import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { SecretRef } from '../model.ts';
import { isZxScript } from './hooks.ts';
import { mapMedia } from './media.ts';
import { findFile, isFile, type Report, resolveSecret } from './paths.ts';
import { resolveUpload } from '../targets/recipe.ts';
import type { Recipe, RhelRecipe, WindowsRecipe } from '../families/recipe.ts';

/** Templates that vmkiln ships. */
export const shippedKickstarts = join(import.meta.dirname, '../../kickstart');

/** Hooks that vmkiln ships. */
const shippedHooks = join(import.meta.dirname, '../../hooks');

/** How a family's own paths are made absolute. */
type Resolve<R extends Recipe> = (recipe: R, folder: string, report: Report) => R;

/**
 * Makes every path of a recipe absolute: relative ones belong to the recipe's folder. Reports files that are not there;
 * secrets and media are looked for when they are needed. The folder of the `directory` target belongs to the current folder.
 */
export function resolveFiles(recipe: Recipe, folder: string, report: Report): Recipe {
  const resolveOwn = ownPaths[recipe.family] as Resolve<Recipe>;
  const common = {
    source: resolveSource(recipe.source, folder),
    upload: resolveUpload(recipe.upload, folder, report),
    hooks: resolveHooks(recipe.hooks, folder, report),
  };
  return resolveOwn({ ...recipe, ...common } as Recipe, folder, report);
}

const ownPaths = { rhel: resolveRhel, windows: resolveWindows };

function resolveRhel(recipe: RhelRecipe, folder: string, report: Report): RhelRecipe {
  const { subscription, proxy, install, rootPassword } = recipe;
  return {
    ...recipe,
    install: { ...install, ...(install.kickstart && { kickstart: findKickstart(install.kickstart, folder, report) }) },
    ...(rootPassword && { rootPassword: resolveSecret(rootPassword, folder) }),
    ...(subscription && { subscription: resolveSubscription(subscription, folder, report) }),
    ...(proxy && { proxy: { ...proxy, ...(proxy.password && { password: resolveSecret(proxy.password, folder) }) } }),
    caCertificates: recipe.caCertificates.map((path, index, all) => {
      const where = ['caCertificates', index];
      // In the guest they lie in one folder.
      const same = all.findIndex((other) => basename(other) === basename(path));
      if (same !== index) report(where, `another certificate is called ${basename(path)}: give this one another name`);
      return findCertificate(path, folder, where, report);
    }),
    customize: recipe.customize.map((step, index) => {
      if (step.upload) {
        const from = findUpload(step.upload.from, folder, ['customize', index, 'upload', 'from'], report);
        return { ...step, upload: { ...step.upload, from } };
      }
      if (typeof step.run === 'object') {
        const script = findFile(step.run.script, folder, ['customize', index, 'run', 'script'], report);
        return { ...step, run: { script } };
      }
      return step;
    }),
  };
}

function resolveWindows(recipe: WindowsRecipe, folder: string, report: Report): WindowsRecipe {
  const { install, productKey, administratorPassword } = recipe;
  const answerFile = install.answerFile && findFile(install.answerFile, folder, ['install', 'answerFile'], report);
  return {
    ...recipe,
    install: { ...install, ...(answerFile && { answerFile }) },
    ...(typeof productKey === 'object' && { productKey: resolveSecret(productKey, folder) }),
    administratorPassword: resolveSecret(administratorPassword, folder),
    customize: recipe.customize.map((step, index) => {
      const find = (path: string, ...where: string[]) =>
        findUpload(path, folder, ['customize', index, ...where], report);
      if (step.upload) return { upload: { ...step.upload, from: find(step.upload.from, 'upload', 'from') } };
      if (step.firstboot) return { firstboot: { script: find(step.firstboot.script, 'firstboot', 'script') } };
      return step;
    }),
  };
}

function findUpload(path: string, folder: string, where: readonly PropertyKey[], report: Report): string {
  const found = findFile(path, folder, where, report);
  if (found.includes(':')) report(where, `virt-customize cannot upload a file with a colon in its path: ${found}`);
  return found;
}

/** A certificate for the guest to trust. In DER, or without a certificate, nothing would trust it and nothing would say so. */
function findCertificate(path: string, folder: string, where: readonly PropertyKey[], report: Report): string {
  const found = findUpload(path, folder, where, report);
  if (isFile(found) && !readFileSync(found, 'latin1').includes('-----BEGIN CERTIFICATE-----')) {
    report(where, `there is no certificate in PEM in ${found}: convert it with openssl x509 -inform der`);
  }
  return found;
}

/** A problem is told of the hook as a whole: when it is just a path, it has no `run` in the file. */
function resolveHooks(hooks: Recipe['hooks'], folder: string, report: Report): Recipe['hooks'] {
  const resolved = Object.entries(hooks).flatMap(([name, hook]) => {
    if (hook === undefined) return [];
    const own = resolve(folder, hook.run);
    const shipped = join(shippedHooks, hook.run);
    const run = !isFile(own) && !hook.run.includes('/') && isFile(shipped) ? shipped : own;
    const problem = hookProblem(run);
    if (problem !== undefined) report(['hooks', name], problem);
    return [[name, { ...hook, run }] as const];
  });
  return Object.fromEntries(resolved);
}

function hookProblem(path: string): string | undefined {
  if (!isFile(path)) return `there is no file ${path}`;
  const isScript = isZxScript(path);
  try {
    accessSync(path, isScript ? constants.R_OK : constants.X_OK);
    return undefined;
  } catch {
    if (isScript) return `${path} cannot be read`;
    return `${path} is not executable: make it so with chmod +x, or give it a name that ends in .mjs if it is a zx script`;
  }
}

function resolveSource<S extends Recipe['source']>(source: S, folder: string): S {
  const checksum = (text: string) => (/^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : resolveMedium(text, folder));
  return mapMedia(source, (place) => resolveMedium(place, folder), checksum);
}

/** `--set iso=x.iso` is typed in the current folder, so that is the second place to look. */
function resolveMedium(source: string, folder: string): string {
  if (isUrl(source)) return source;
  const beside = resolve(folder, source);
  return !existsSync(beside) && existsSync(source) ? resolve(source) : beside;
}

function findKickstart(name: string, folder: string, report: Report): string {
  const own = resolve(folder, name);
  if (isFile(own)) return own;
  const shipped = join(shippedKickstarts, name);
  if (!isAbsolute(name) && isFile(shipped)) return shipped;
  report(['install', 'kickstart'], `there is no file ${own}, and vmkiln ships none of that name`);
  return own;
}

type Subscription = NonNullable<RhelRecipe['subscription']>;

function resolveSubscription(given: Subscription, folder: string, report: Report): Subscription {
  const at = <T extends string | SecretRef>(value: T): T =>
    typeof value === 'string' ? value : (resolveSecret(value, folder) as T);
  const where = ['subscription', 'caCertificate'];
  const caCertificate = given.caCertificate && findCertificate(given.caCertificate, folder, where, report);
  return {
    ...given,
    ...(given.username && { username: at(given.username) }),
    ...(given.password && { password: at(given.password) }),
    ...(given.organization && { organization: at(given.organization) }),
    ...(given.activationKey && { activationKey: at(given.activationKey) }),
    ...(caCertificate && { caCertificate }),
  };
}

function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}
