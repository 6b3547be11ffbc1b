import { VmkilnError } from '../errors.ts';
import type { CloudConfig } from './clouds-yaml.ts';
import { ServiceError } from './http.ts';

/** The services of a cloud as a Keystone token lists them. */
export type Catalogue = readonly {
  type: string;
  endpoints: readonly { interface: string; region?: string; region_id?: string; url: string }[];
}[];

/**
 * The request for a token (Identity API v3, `POST /v3/auth/tokens`). An application credential brings its own project,
 * and Keystone refuses one that comes with a scope.
 *
 * @throws VmkilnError USAGE when the cloud's settings lack something.
 */
export function identity(cloud: CloudConfig): { url: string; body: object } {
  const { auth, authType } = cloud;
  if (!/^(?:v3)?(?:password|token|application_?credential)$/.test(authType)) {
    const message = `the cloud ${cloud.name} asks for the authentication ${authType}, which is not supported`;
    throw new VmkilnError('USAGE', message, { hint: 'use password, v3applicationcredential or token' });
  }
  const address = auth['auth_url'];
  if (!address) throw lacking(cloud, 'auth_url');
  const url = `${address.replace(/\/+$/, '').replace(/\/v(2\.0|3)$/, '')}/v3/auth/tokens`;
  const { method, scoped } = methodOf(cloud);
  if (!scoped) return { url, body: { auth: { identity: method } } };
  const scope = scopeOf(auth);
  if (scope === undefined) throw lacking(cloud, 'project_name');
  return { url, body: { auth: { identity: method, scope } } };
}

function methodOf(cloud: CloudConfig): { method: object; scoped: boolean } {
  const { auth, authType } = cloud;
  const type = authType.replace(/^v3/, '');
  const user = {
    ...(auth['user_id'] ? { id: auth['user_id'] } : { name: auth['username'] }),
    ...(!auth['user_id'] && { domain: domainOf(auth, 'user') }),
  };
  const hasUser = Boolean(auth['user_id'] ?? auth['username']);
  const isCredential = type.startsWith('application');
  if (isCredential || (auth['application_credential_secret'] && !auth['password'])) {
    const {
      application_credential_id: id,
      application_credential_name: name,
      application_credential_secret: secret,
    } = auth;
    if (!secret) throw lacking(cloud, 'application_credential_secret');
    if (!id && !(name && hasUser)) throw lacking(cloud, 'application_credential_id');
    const credential = id ? { id, secret } : { name, user, secret };
    return { method: { methods: ['application_credential'], application_credential: credential }, scoped: false };
  }
  if (type === 'token' || (auth['token'] && !auth['password'])) {
    if (!auth['token']) throw lacking(cloud, 'token');
    return { method: { methods: ['token'], token: { id: auth['token'] } }, scoped: true };
  }
  if (!hasUser) throw lacking(cloud, 'username');
  if (!auth['password']) throw lacking(cloud, 'password');
  return {
    method: { methods: ['password'], password: { user: { ...user, password: auth['password'] } } },
    scoped: true,
  };
}

function scopeOf(auth: CloudConfig['auth']): object | undefined {
  if (auth['project_id']) return { project: { id: auth['project_id'] } };
  if (auth['project_name']) return { project: { name: auth['project_name'], domain: domainOf(auth, 'project') } };
  if (auth['domain_id']) return { domain: { id: auth['domain_id'] } };
  if (auth['domain_name']) return { domain: { name: auth['domain_name'] } };
  if (auth['trust_id']) return { 'OS-TRUST:trust': { id: auth['trust_id'] } };
  if (auth['system_scope']) return { system: { [auth['system_scope']]: true } };
  return undefined;
}

/** keystoneauth's generic plugin falls back to `default_domain_*`; most clouds have only the domain `default`. */
function domainOf(auth: CloudConfig['auth'], who: 'user' | 'project'): object {
  const [id, name] = [auth[`${who}_domain_id`], auth[`${who}_domain_name`]];
  if (id) return { id };
  if (name) return { name };
  const fallback = auth['default_domain_name'];
  return fallback && !auth['default_domain_id'] ? { name: fallback } : { id: auth['default_domain_id'] ?? 'default' };
}

/**
 * The address of a service without its version: vmkiln adds `/v2` itself, and some catalogues have it already.
 *
 * @throws VmkilnError CLOUD_FAILED when the catalogue has none for this interface and region.
 */
export function catalogueUrl(cloud: CloudConfig, catalogue: Catalogue, type: string): string {
  const bare = (url: string) => url.replace(/\/+$/, '').replace(/\/v\d+(\.\d+)?$/, '');
  const own = cloud.endpoints[type];
  if (own) return bare(own);
  const interfaces = cloud.interfaces.map((name) => name.replace(/URL$/, ''));
  const endpoints = catalogue.filter((service) => service.type === type).flatMap((service) => service.endpoints);
  const inRegion = ({ region, region_id: id }: (typeof endpoints)[number]) =>
    cloud.region === '' || id === cloud.region || region === cloud.region;
  const reachable = endpoints.filter(inRegion);
  const found = interfaces.flatMap((name) => reachable.find((endpoint) => endpoint.interface === name) ?? [])[0];
  if (found && !URL.canParse(found.url)) {
    throw new ServiceError(0, `${cloud.name} gives an address of the service ${type} that is none: ${found.url}`, {
      hint: `tell its operator, and set ${overrideOf(type)} meanwhile`,
    });
  }
  if (found) return bare(found.url);
  const there = endpoints.map((each) => `${each.interface} in ${each.region_id ?? each.region ?? 'no region'}`);
  const where = cloud.region === '' ? '' : ` in the region ${cloud.region}`;
  throw new ServiceError(0, `${cloud.name} has no ${interfaces.join(' or ')} endpoint of the service ${type}${where}`, {
    hint:
      there.length > 0
        ? `it has ${[...new Set(there)].join(', ')}: set region_name or interface in clouds.yaml`
        : catalogue.length === 0
          ? 'the token is for no project: set project_name in clouds.yaml'
          : `the catalogue has no such service; set ${overrideOf(type)} if there is one`,
  });
}

function overrideOf(type: string): string {
  return `${type.replaceAll('-', '_')}_endpoint_override`;
}

function lacking(cloud: CloudConfig, key: string): VmkilnError {
  return new VmkilnError('USAGE', `the cloud ${cloud.name} has no ${key}`, {
    hint: `write it under auth in clouds.yaml or secure.yaml, or set OS_${key.toUpperCase()}`,
  });
}
