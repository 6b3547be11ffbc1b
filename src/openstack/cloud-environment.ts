import type { Env } from '../model.ts';
import { authKeys } from './cloud-fixes.ts';
import type { Tree } from './python-yaml.ts';

/** Variables that choose among clouds and do not describe one. */
const selectors = new Set([
  'OS_CLOUD',
  'OS_REGION_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_CLOUD_NAME',
]);

/**
 * The cloud in the environment, as openstacksdk sees it: `OS_AUTH_URL` is its `auth_url`, and so on. None if only
 * selectors are set.
 */
export function environmentCloud(env: Env): Tree | undefined {
  const own = Object.keys(env).filter(
    (key) => key.startsWith('OS_') && !/^OS_(TEST|STD|LOG)/.test(key) && env[key] !== undefined,
  );
  if (!own.some((key) => !selectors.has(key))) return undefined;
  return Object.fromEntries(own.map((key) => [key.slice(3).toLowerCase(), env[key]]));
}

/** Settings of a cloud that the `openstack` client takes from the environment besides those of the login. */
const ownOptions = ['auth_type', 'interface', 'cacert', 'cert', 'key', 'default_domain'];

/**
 * What the `OS_*` variables say of a cloud that is named: the `openstack` client reads them as its options, which fill
 * the gaps of clouds.yaml and count more than it (osc-lib, `shell.py` and `api/auth.py`). openstacksdk alone does not.
 */
export function environmentOptions(env: Env): { auth: Tree; rest: Tree } {
  const set = (key: string): [string, string][] => {
    const value =
      env[`OS_${key.toUpperCase()}`] || env[`OS_${key.replace(/^project_(?=id|name)/, 'tenant_').toUpperCase()}`];
    return value ? [[key, value]] : [];
  };
  return { auth: Object.fromEntries(authKeys.flatMap(set)), rest: Object.fromEntries(ownOptions.flatMap(set)) };
}
