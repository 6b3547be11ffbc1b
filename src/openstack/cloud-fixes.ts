import { VmkilnError } from '../errors.ts';
import { isTree, unusable } from './cloud-file.ts';
import type { CloudConfig } from './clouds-yaml.ts';
import type { Tree } from './python-yaml.ts';

/** Keys that belong under `auth` and may stand beside it, as the OS_* variables do. */
export const authKeys = [
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

/** What was asked for besides the cloud: a region, and what the environment says. */
type Asked = { region: string | undefined; options: { auth: Tree; rest: Tree }; home: string };

/**
 * Brings one cloud's settings into one form: older names, values beside `auth`, domains given once, one region.
 *
 * @throws VmkilnError USAGE for a region that the cloud does not list, and a setting that is of another kind or no URL.
 */
export function normalize(name: string, own: Tree, { region: wanted, options, home }: Asked): CloudConfig {
  const region = chooseRegion(name, own, wanted);
  const config: Record<string, unknown> = { ...own, ...withoutNull(region.values), region_name: region.name };
  delete config['regions'];
  const auth: Record<string, unknown> = { ...asTree(own['auth']), ...asTree(region.values['auth']) };
  useAliases(config, auth);
  Object.assign(config, options.rest);
  Object.assign(auth, options.auth);
  spreadDomain(config, auth);
  const authType = String(lastOf(config, ['auth_plugin', 'auth_type']) ?? 'password');
  const flat = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replaceAll('-', '_'), value]));
  const text = (key: string, value: unknown) => expand(textOf(name, key, value), flat);
  const path = (key: string) =>
    filled(flat[key]) ? text(key, flat[key]).replace(/^~(?=\/|$)/, () => home) : undefined;
  const isPath = typeof flat['verify'] === 'string' && flat['verify'] !== '';
  return {
    name,
    region: region.name,
    interfaces: interfacesOf(name, flat),
    authType,
    auth: authOf(name, auth, flat),
    verify: !isTrue(flat['insecure']) && flat['verify'] !== false,
    // requests takes a text for the path of a bundle.
    cacert: path('cacert') ?? (isPath ? path('verify') : undefined),
    cert: path('cert'),
    key: path('key'),
    endpoints: endpointsOf(flat, (key, value) => urlOf(name, key, text(key, value))),
  };
}

function authOf(cloud: string, auth: Tree, flat: Tree): Record<string, string> {
  const found: Record<string, string> = {};
  const take = (key: string, value: unknown) => {
    const isThere = filled(value) || value === false;
    if (isThere && found[key] === undefined) found[key] = textOf(cloud, `auth.${key}`, value);
  };
  for (const [key, value] of Object.entries(auth)) take(key.replaceAll('-', '_'), value);
  for (const key of authKeys) take(key, flat[key]);
  // The `openstack` client's own, for logins without domains (osc-lib, `_auth_default_domain`).
  if (found['default_domain_name'] === undefined) take('default_domain_id', flat['default_domain']);
  // keystoneauth's older name of the same option.
  take('username', found['user_name'] ?? flat['user_name']);
  delete found['user_name'];
  const address = found['auth_url'];
  if (address !== undefined) found['auth_url'] = urlOf(cloud, 'auth_url', expand(address, flat));
  return found;
}

function interfacesOf(cloud: string, flat: Tree): string[] {
  const keys = ['image_interface', 'image_endpoint_type', 'endpoint_type', 'interface'];
  const key = keys.find((each) => filled(flat[each]));
  if (key === undefined) return ['public'];
  const value = flat[key];
  return (Array.isArray(value) ? value : [value]).map((each) => textOf(cloud, key, each));
}

function endpointsOf(flat: Tree, url: (key: string, value: unknown) => string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const type of ['identity', 'image', 'key-manager']) {
    const prefix = type.replaceAll('-', '_');
    const key = filled(flat[`${prefix}_endpoint_override`]) ? `${prefix}_endpoint_override` : `${prefix}_endpoint`;
    if (filled(flat[key])) found[type] = url(key, flat[key]);
  }
  return found;
}

type Region = { name: string; values: Tree };

function chooseRegion(cloud: string, own: Tree, wanted: string | undefined): Region {
  const listed = own['regions'] ?? own['region_name'] ?? own['region-name'];
  if (isTree(listed))
    throw unusable(`the regions of the cloud ${cloud} are a map and should be a list`, 'write `- NAME`');
  const list = Array.isArray(listed) ? listed : filled(listed) ? textOf(cloud, 'region_name', listed).split(',') : [];
  const regions = list.map((entry: unknown): Region => {
    if (!isTree(entry)) return { name: textOf(cloud, 'regions', entry), values: {} };
    if (filled(entry['name']))
      return { name: textOf(cloud, 'regions.name', entry['name']), values: asTree(entry['values']) };
    throw unusable(`a region of the cloud ${cloud} has no name`, 'write `- name: NAME`, and `values:` below it');
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

function withoutNull(values: Tree): Tree {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
}

function useAliases(config: Record<string, unknown>, auth: Record<string, unknown>): void {
  for (const [target, names] of Object.entries(aliases)) {
    let value: unknown;
    for (const name of names) {
      for (const place of [config, auth]) {
        if (!(name in place)) continue;
        value = place[name];
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
  return text.replaceAll(/\{([a-z_]+)\}/g, (whole, key: string) => {
    const value = values[key];
    return typeof value === 'string' && value !== '' ? value : whole;
  });
}

/** @throws VmkilnError USAGE; the address is shown without user and password */
function urlOf(cloud: string, key: string, text: string): string {
  const url = text.trim();
  const shown = url.replace(/\/\/.*@/s, '//***@').replace(/[?#].*/s, '');
  const refuse = (why: string, hint: string) => unusable(`${key} of the cloud ${cloud} is ${why}: ${shown}`, hint);
  const open = /\{\w+\}/.exec(shown)?.[0];
  if (open) throw refuse(`not complete, for nothing says what ${open} is`, 'name a region, or write the whole address');
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    throw refuse('no address of a service', 'write it as https://HOST:PORT, or with http:// if the service has no TLS');
  if (/[?#]/.test(url)) throw refuse('an address with a query', 'leave out what begins with ? or #');
  if (/\/auth\/tokens\/*$/.test(url)) throw refuse('that of the tokens', 'leave out /auth/tokens at its end');
  return url;
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

function filled(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false;
}

/** A setting that is text. @throws VmkilnError USAGE for a list, a map, or a word that YAML takes for true or false */
function textOf(cloud: string, key: string, value: unknown): string {
  if (typeof value === 'string') return value;
  const what =
    typeof value === 'boolean'
      ? 'a word that YAML takes for true or false'
      : Array.isArray(value)
        ? 'a list'
        : isTree(value)
          ? 'a map'
          : 'empty';
  throw unusable(`${key} of the cloud ${cloud} is ${what} and should be text`, 'put the text in quotes');
}

function asTree(value: unknown): Tree {
  return isTree(value) ? value : {};
}
