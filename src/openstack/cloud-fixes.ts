import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { CloudConfig } from './clouds-yaml.ts';

/** What a YAML file holds. */
export type Tree = Readonly<Record<string, unknown>>;

/** Keys that belong under `auth` and may stand beside it, as the OS_* variables do. */
const authKeys = [
  'auth_url',
  'username',
  'user_id',
  'password',
  'token',
  'project_id',
  'project_name',
  'user_domain_id',
  'user_domain_name',
  'project_domain_id',
  'project_domain_name',
  'domain_id',
  'domain_name',
  'default_domain_id',
  'default_domain_name',
  'system_scope',
  'trust_id',
  'application_credential_id',
  'application_credential_name',
  'application_credential_secret',
] as const;

/** Older names, the last one present wins; the last in each list is the present one. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  domain_id: ['domain_id', 'domain-id'],
  domain_name: ['domain_name', 'domain-name'],
  user_domain_id: ['user_domain_id', 'user-domain-id'],
  user_domain_name: ['user_domain_name', 'user-domain-name'],
  project_domain_id: ['project_domain_id', 'project-domain-id'],
  project_domain_name: ['project_domain_name', 'project-domain-name'],
  token: ['auth-token', 'auth_token', 'token'],
  project_id: ['tenant_id', 'tenant-id', 'project_id', 'project-id'],
  project_name: ['tenant_name', 'tenant-name', 'project_name', 'project-name'],
};

/**
 * Brings one cloud's settings into one form: older names, values beside `auth`, domains given once, one region.
 *
 * @param wanted the region asked for.
 * @throws VmkilnError USAGE for a region that the cloud does not list.
 */
export function normalize(name: string, own: Tree, wanted: string | undefined, home: string): CloudConfig {
  const config: Record<string, unknown> = { ...own };
  delete config['regions'];
  const auth: Record<string, unknown> = { ...asTree(own['auth']) };
  const region = chooseRegion(name, own, wanted);
  config['region_name'] = region.name;
  for (const [key, value] of Object.entries(region.values)) {
    if (value === null || value === undefined) continue;
    if (key === 'auth') Object.assign(auth, asTree(value));
    else config[key] = value;
  }
  useAliases(config, auth);
  spreadDomain(config, auth);
  const authType = String(lastOf(config, ['auth_plugin', 'auth_type']) ?? 'password');
  const flat = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replaceAll('-', '_'), value]));
  const found: Record<string, string> = {};
  for (const [key, value] of Object.entries(auth)) if (filled(value)) found[key.replaceAll('-', '_')] = str(value);
  for (const key of authKeys) if (found[key] === undefined && filled(flat[key])) found[key] = str(flat[key]);
  // keystoneauth's older name of the same option.
  const user = found['user_name'] ?? flat['user_name'];
  if (found['username'] === undefined && filled(user)) found['username'] = str(user);
  delete found['user_name'];
  for (const [key, value] of Object.entries(found)) if (key === 'auth_url') found[key] = expand(value, flat);
  const verify = !isTrue(flat['insecure']) && flat['verify'] !== false;
  const path = (value: unknown) => (filled(value) ? str(value).replace(/^~(?=\/|$)/, () => join(home)) : undefined);
  return {
    name,
    region: region.name,
    interface: str(
      flat['image_interface'] ?? flat['image_endpoint_type'] ?? flat['endpoint_type'] ?? flat['interface'] ?? 'public',
    ),
    authType,
    auth: found,
    verify,
    cacert: path(flat['cacert']),
    cert: path(flat['cert']),
    key: path(flat['key']),
    endpoints: endpointsOf(flat),
  };
}

function endpointsOf(flat: Tree): Record<string, string> {
  const found: Record<string, string> = {};
  for (const type of ['identity', 'image', 'key-manager']) {
    const prefix = type.replaceAll('-', '_');
    const value = flat[`${prefix}_endpoint_override`] ?? flat[`${prefix}_endpoint`];
    if (filled(value)) found[type] = str(value);
  }
  return found;
}

type Region = { name: string; values: Tree };

function chooseRegion(cloud: string, own: Tree, wanted: string | undefined): Region {
  const listed = own['regions'] ?? own['region_name'] ?? own['region-name'];
  const list = Array.isArray(listed) ? listed : filled(listed) ? str(listed).split(',') : [];
  const regions = list.map((entry: unknown): Region => {
    const tree = asTree(entry);
    return 'name' in tree
      ? { name: str(tree['name']), values: asTree(tree['values']) }
      : { name: str(entry), values: {} };
  });
  const [first] = regions;
  if (first === undefined) return { name: wanted ?? '', values: {} };
  if (wanted === undefined) return first;
  const found = regions.find(({ name }) => name === wanted);
  if (found) return found;
  throw new VmkilnError('USAGE', `the cloud ${cloud} has no region ${wanted}`, {
    hint: `it has ${regions.map(({ name }) => name).join(', ')}; upper and lower case differ`,
  });
}

function useAliases(config: Record<string, unknown>, auth: Record<string, unknown>): void {
  for (const [target, names] of Object.entries(aliases)) {
    let value: unknown;
    for (const name of names) {
      for (const place of [config, auth]) {
        if (!(name in place)) continue;
        value = str(place[name]);
        delete place[name];
      }
    }
    if (filled(value)) auth[target] = value;
  }
}

/** With a project, `domain_*` says the domain of both the user and the project. */
function spreadDomain(config: Record<string, unknown>, auth: Record<string, unknown>): void {
  for (const kind of ['id', 'name'] as const) {
    if (auth['project_id'] === undefined && auth['project_name'] === undefined) continue;
    const value = auth[`domain_${kind}`];
    for (const who of ['user', 'project']) if (value !== undefined) auth[`${who}_domain_${kind}`] ??= value;
    delete auth[`domain_${kind}`];
    delete config[`domain_${kind}`];
  }
}

function lastOf(config: Tree, keys: readonly string[]): unknown {
  return keys.map((key) => config[key]).findLast((value) => value !== undefined && value !== null && value !== '');
}

/** `{region_name}` and the like in an address. */
function expand(text: string, values: Tree): string {
  return text.replaceAll(/\{([a-z_]+)\}/g, (whole, key: string) => (filled(values[key]) ? str(values[key]) : whole));
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

function filled(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false;
}

/** A plain value as text. */
export function str(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function asTree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}
