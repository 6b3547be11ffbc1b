import { homedir } from 'node:os';
import type { VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { environmentCloud, environmentOptions } from './cloud-environment.ts';
import { type CloudFile, isTree, merge, readCloudFile, unusable } from './cloud-file.ts';
import { normalize } from './cloud-fixes.ts';
import type { Tree } from './python-yaml.ts';
import { overProfile } from './vendor-profile.ts';

/** How to reach a cloud, as openstacksdk would. `auth` has the keys of keystoneauth's options. */
export type CloudConfig = {
  name: string;
  /** Empty when neither file nor environment names one. */
  region: string;
  /** The kinds of endpoint (`public`, `internal`, `admin`), the preferred one first. */
  interfaces: readonly string[];
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

/**
 * Reads `clouds.yaml`, `secure.yaml`, `clouds-public.yaml` and the `OS_*` variables the way openstacksdk does: of each,
 * the first file that exists in the working directory, the user's and the system's configuration counts and no other;
 * the secrets are merged over the clouds; the environment is a cloud of its own, called `envvars`. Over a cloud that is
 * named, the environment counts as for the `openstack` client.
 *
 * @throws VmkilnError USAGE when there is no such cloud or region, or a file or setting cannot be used; CLOUD_FAILED when
 *   a vendor does not give its profile.
 */
export async function readCloud(request: CloudRequest): Promise<CloudConfig> {
  const { env, cwd } = request;
  const main = await readCloudFile('clouds', env['OS_CLIENT_CONFIG_FILE'], request);
  const secure = await readCloudFile('secure', env['OS_CLIENT_SECURE_FILE'], request);
  const clouds = cloudsOf(merge(main?.tree ?? {}, secure?.tree ?? {}), main);
  const envName = env['OS_CLOUD_NAME'] ?? 'envvars';
  if (Object.hasOwn(clouds, envName)) {
    const said = `${pathOf(main)} has a cloud ${envName}, which is the name of the one in the OS_* variables`;
    throw unusable(said, 'rename it');
  }
  const fromEnv = environmentCloud(env);
  if (fromEnv) clouds[envName] = fromEnv;
  const names = Object.keys(clouds);
  const name = request.cloud ?? (env['OS_CLOUD'] || (fromEnv ? envName : names.length === 1 ? names[0] : undefined));
  if (name === undefined) throw noneChosen(names);
  if (!Object.hasOwn(clouds, name)) throw noSuchCloud(name, names, main);
  const own = clouds[name];
  if (!isTree(own)) throw notAMap(`clouds.${name}`, own, main);
  const auth = own['auth'] ?? {};
  if (!isTree(auth)) throw notAMap(`clouds.${name}.auth`, auth, main);
  return normalize(name, await overProfile(name, { ...own, auth }, { env, cwd }), {
    // The clients of OpenStack hand OS_REGION_NAME over as if it were an option.
    region: request.region ?? (env['OS_REGION_NAME'] || undefined),
    options: name === envName ? { auth: {}, rest: {} } : environmentOptions(env),
    home: env['HOME'] || homedir(),
  });
}

function cloudsOf(tree: Tree, file: CloudFile | undefined): Record<string, unknown> {
  const clouds = tree['clouds'] ?? {};
  if (!isTree(clouds)) throw notAMap('clouds', clouds, file);
  return { ...clouds };
}

function noneChosen(names: readonly string[]): VmkilnError {
  return names.length === 0
    ? unusable(
        'no cloud is configured',
        'write a clouds.yaml (here or in ~/.config/openstack), or source the RC file of the cloud',
      )
    : unusable('several clouds are configured and none is chosen', `name one: ${names.join(', ')}`);
}

function noSuchCloud(name: string, names: readonly string[], file: CloudFile | undefined): VmkilnError {
  const hint =
    file === undefined
      ? 'there is no clouds.yaml: write one (here or in ~/.config/openstack), or name it in OS_CLIENT_CONFIG_FILE'
      : 'clouds' in file.tree
        ? `${file.path} has ${names.join(', ') || 'none'}; name one of these, or another file in OS_CLIENT_CONFIG_FILE`
        : `${file.path} has no key \`clouds\`: put its clouds below that, by their names`;
  return unusable(`there is no cloud called ${name}`, hint);
}

function notAMap(what: string, value: unknown, file: CloudFile | undefined): VmkilnError {
  const is = value === null ? 'empty' : Array.isArray(value) ? 'a list' : 'a single value';
  return unusable(
    `${what} in ${pathOf(file)} is ${is} and should be a map`,
    'indent its keys below it, as `KEY: VALUE`',
  );
}

function pathOf(file: CloudFile | undefined): string {
  return file?.path ?? 'secure.yaml';
}
