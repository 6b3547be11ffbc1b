import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { SecretRef } from '../model.ts';
import { isZxScript } from './hooks.ts';
import type { Recipe } from './schema.ts';

/** Templates that vmkiln ships. */
export const shippedKickstarts = join(import.meta.dirname, '../../kickstart');

/** Hooks that vmkiln ships. */
const shippedHooks = join(import.meta.dirname, '../../hooks');

type Report = (path: readonly PropertyKey[], message: string) => void;

/**
 * Makes every path of a recipe absolute: relative ones belong to the recipe's folder. Reports files that are not there;
 * secrets and media are looked for when they are needed. The folder of the `directory` target belongs to the current folder.
 */
export function resolveFiles(recipe: Recipe, folder: string, report: Report): Recipe {
  const beside = (path: string) => resolve(folder, path);
  const file = (path: string, where: readonly PropertyKey[]) => {
    const found = beside(path);
    if (!isFile(found)) report(where, `there is no file ${found}`);
    return found;
  };
  const { subscription, install, rootPassword } = recipe;
  return {
    ...recipe,
    source: resolveSource(recipe.source, folder),
    install: { ...install, ...(install.kickstart && { kickstart: findKickstart(install.kickstart, folder, report) }) },
    ...(rootPassword && { rootPassword: resolveSecret(rootPassword, folder) }),
    ...(subscription && {
      subscription: resolveSubscription(
        subscription,
        folder,
        (path) => file(path, ['subscription', 'caCertificate']),
        report,
      ),
    }),
    customize: recipe.customize.map((step, index) => {
      if (step.upload) {
        const where = ['customize', index, 'upload', 'from'];
        const from = file(step.upload.from, where);
        if (from.includes(':')) report(where, `virt-customize cannot upload a file with a colon in its path: ${from}`);
        return { ...step, upload: { ...step.upload, from } };
      }
      if (typeof step.run === 'object')
        return { ...step, run: { script: file(step.run.script, ['customize', index, 'run', 'script']) } };
      return step;
    }),
    upload: recipe.upload.map((target, index) => resolveTarget(target, folder, file, ['upload', index, 'glance'])),
    hooks: resolveHooks(recipe.hooks, folder, report),
  };
}

/** The key and the certificate of a signature belong to the recipe; a certificate may also be an id. */
function resolveTarget(
  target: Recipe['upload'][number],
  folder: string,
  file: (path: string, where: readonly PropertyKey[]) => string,
  where: readonly PropertyKey[],
): Recipe['upload'][number] {
  const sign = target.glance?.sign;
  if (!target.glance || !sign) return target;
  const { key, certificate, passphrase } = sign;
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(certificate);
  const resolved = {
    ...sign,
    key: file(key, [...where, 'sign', 'key']),
    certificate: isId ? certificate : file(certificate, [...where, 'sign', 'certificate']),
    ...(passphrase && { passphrase: resolveSecret(passphrase, folder) }),
  };
  return { ...target, glance: { ...target.glance, sign: resolved } };
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

function resolveSource(source: Recipe['source'], folder: string): Recipe['source'] {
  const { iso, sha256 } = source;
  const isDigest = sha256 !== undefined && /^[0-9a-f]{64}$/i.test(sha256);
  return {
    ...source,
    iso: resolveMedium(iso, folder),
    ...(sha256 !== undefined && { sha256: isDigest ? sha256.toLowerCase() : resolveMedium(sha256, folder) }),
  };
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

type Subscription = NonNullable<Recipe['subscription']>;

function resolveSubscription(
  given: Subscription,
  folder: string,
  file: (path: string) => string,
  report: Report,
): Subscription {
  const at = <T extends string | SecretRef>(value: T): T =>
    typeof value === 'string' ? value : (resolveSecret(value, folder) as T);
  const caCertificate = given.caCertificate && file(given.caCertificate);
  if (caCertificate?.includes(':')) {
    report(
      ['subscription', 'caCertificate'],
      `virt-customize cannot upload a file with a colon in its path: ${caCertificate}`,
    );
  }
  return {
    ...given,
    ...(given.username && { username: at(given.username) }),
    ...(given.password && { password: at(given.password) }),
    ...(given.organization && { organization: at(given.organization) }),
    ...(given.activationKey && { activationKey: at(given.activationKey) }),
    ...(caCertificate && { caCertificate }),
    ...(given.proxy && {
      proxy: { ...given.proxy, ...(given.proxy.password && { password: at(given.proxy.password) }) },
    }),
  };
}

function resolveSecret(secret: SecretRef, folder: string): SecretRef {
  return 'file' in secret ? { file: resolve(folder, secret.file) } : secret;
}

function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
