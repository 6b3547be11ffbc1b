import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { normalize, str, type Tree } from './cloud-fixes.ts';

/** How to reach a cloud, as openstacksdk would. `auth` has the keys of keystoneauth's options. */
export type CloudConfig = {
  name: string;
  /** Empty when neither file nor environment names one. */
  region: string;
  interface: string;
  authType: string;
  auth: Readonly<Record<string, string>>;
  verify: boolean;
  /** Paths, with `~` expanded. */
  cacert: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  /** Endpoints that replace those of the catalogue, by service type. */
  endpoints: Readonly<Record<string, string>>;
};

/** Where to look and what was asked for. */
export type CloudRequest = { cloud?: string | undefined; region?: string | undefined; env: Env; cwd: string };

/** Variables that choose among clouds and do not describe one. */
const selectors = new Set([
  'OS_CLOUD',
  'OS_REGION_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_CLOUD_NAME',
]);

/**
 * Reads `clouds.yaml`, `secure.yaml` and the `OS_*` variables the way openstacksdk does: the first file that exists in
 * the working directory, the user's and the system's configuration counts and no other; the secrets are merged over it;
 * the environment is a cloud of its own, called `envvars`. Vendor profiles are not known.
 *
 * @throws VmkilnError USAGE when there is no such cloud or region, or a file cannot be read.
 */
export async function readCloud(request: CloudRequest): Promise<CloudConfig> {
  const { env, cwd } = request;
  const [file, clouds] = await readFiles(env, cwd);
  const envName = env['OS_CLOUD_NAME'] ?? 'envvars';
  if (envName in clouds) {
    throw usage(`${file} has a cloud ${envName}, which is the name of the one in the OS_* variables`, 'rename it');
  }
  const fromEnv = environmentCloud(env);
  if (fromEnv) clouds[envName] = fromEnv;
  const names = Object.keys(clouds);
  const name = request.cloud ?? (env['OS_CLOUD'] || (fromEnv ? envName : names.length === 1 ? names[0] : undefined));
  if (name === undefined) {
    throw names.length === 0
      ? usage(
          'no cloud is configured',
          'write a clouds.yaml (here or in ~/.config/openstack), or source the RC file of the cloud',
        )
      : usage('several clouds are configured and none is chosen', `name one: ${names.join(', ')}`);
  }
  const own = clouds[name];
  if (own === undefined) {
    const hint =
      file === undefined
        ? 'there is no clouds.yaml: write one (here or in ~/.config/openstack), or name it in OS_CLIENT_CONFIG_FILE'
        : `${file} has ${names.join(', ') || 'none'}; name one of these, or another file in OS_CLIENT_CONFIG_FILE`;
    throw usage(`there is no cloud called ${name}`, hint);
  }
  if (typeof own !== 'object' || Array.isArray(own))
    throw usage(`the cloud ${name} in ${file} is not a map`, 'correct it');
  // The clients of OpenStack hand OS_REGION_NAME over as if it were an option.
  const wanted = request.region ?? env['OS_REGION_NAME'];
  return normalize(name, own, wanted || undefined, env['HOME'] || homedir());
}

async function readFiles(env: Env, cwd: string): Promise<[string | undefined, Record<string, Tree>]> {
  const [file, main] = await readFirst('clouds', env['OS_CLIENT_CONFIG_FILE'], env, cwd);
  const [, secure] = await readFirst('secure', env['OS_CLIENT_SECURE_FILE'], env, cwd);
  const { clouds } = merge(main, secure);
  return [
    file,
    { ...(clouds && typeof clouds === 'object' && !Array.isArray(clouds) ? (clouds as Tree) : {}) } as never,
  ];
}

/** The search path of openstacksdk: it knows the XDG folders of the user and of the system, and /etc/openstack. */
function folders(env: Env, cwd: string): string[] {
  const home = env['HOME'] || homedir();
  const system = (env['XDG_CONFIG_DIRS'] ?? '/etc').split(':').map((folder) => join(folder, 'openstack'));
  return [
    cwd,
    join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'openstack'),
    join(env['SNAP_REAL_HOME'] ?? home, '.config', 'openstack'),
    ...system,
    '/etc/openstack',
  ];
}

async function readFirst(
  name: string,
  first: string | undefined,
  env: Env,
  cwd: string,
): Promise<[string | undefined, Tree]> {
  const found = folders(env, cwd).flatMap((folder) =>
    ['yaml', 'yml', 'json'].map((suffix) => join(folder, `${name}.${suffix}`)),
  );
  for (const path of first ? [first, ...found] : found) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') continue;
      throw usage(`${path} cannot be read: ${messageOf(error)}`, 'correct or move it');
    }
    try {
      // YAML 1.1, like the YAML of Python: `yes` is true there.
      const tree: unknown = parse(text, { version: '1.1', prettyErrors: false, logLevel: 'error' });
      if (tree === null || tree === undefined) return [path, {}];
      if (typeof tree === 'object' && !Array.isArray(tree)) return [path, tree as Tree];
    } catch {
      // The parser's words quote the text, and with it passwords.
    }
    throw usage(`${path} is not a map in YAML`, 'see what `openstack configuration show` says of it');
  }
  return [undefined, {}];
}

function merge(below: Tree, above: Tree): Tree {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = merged[key];
    merged[key] = isTree(value) && isTree(old) ? merge(old, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The cloud in the environment: `OS_AUTH_URL` is its `auth_url`, and so on. None if only selectors are set. */
function environmentCloud(env: Env): Tree | undefined {
  const own = Object.keys(env).filter(
    (key) => key.startsWith('OS_') && !/^OS_(TEST|STD|LOG)/.test(key) && env[key] !== undefined,
  );
  if (!own.some((key) => !selectors.has(key))) return undefined;
  return Object.fromEntries(own.map((key) => [key.slice(3).toLowerCase(), str(env[key])]));
}

function usage(message: string, hint: string): VmkilnError {
  return new VmkilnError('USAGE', message, { hint });
}
