import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogueUrl, identity } from '../../src/openstack/auth.ts';
import { readCloud } from '../../src/openstack/clouds-yaml.ts';
import { openClient } from '../../src/openstack/connection.ts';

/** Reads the cloud `c` of files that lie beside each other. */
function read(files: Record<string, string | Buffer>, env: Record<string, string> = {}, region?: string) {
  const cwd = mkdtempSync(join(tmpdir(), 'vmkiln-clouds-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return readCloud({ cloud: 'c', region, env: { HOME: cwd, XDG_CONFIG_DIRS: cwd, ...env }, cwd });
}

const login = 'username: me, password: hush-hush, project_name: p';
const cloud = (rest: string, auth = `auth_url: 'https://id/v3', ${login}`) => ({
  'clouds.yaml': `clouds: {c: {${rest === '' ? '' : `${rest}, `}auth: {${auth}}}}`,
});

test.each([
  ['1234e5', '1234e5'],
  ['08', '08'],
  ['010', '8'],
  ['1.0', '1.0'],
  ['1.50', '1.5'],
  ['1.0e+16', '1e+16'],
  ['12345678901234567890', '12345678901234567890'],
  ['1_000', '1000'],
  ['0x1F', '31'],
  ['1:30', '90'],
  ['2026-11-28', '2026-11-28'],
  ['y', 'y'],
  ["'yes'", 'yes'],
])('the unquoted password %s is sent as openstacksdk sends it', async (written, sent) => {
  const { auth } = await read(
    cloud('', `auth_url: 'https://id', username: me, project_name: 7.90, password: ${written}`),
  );
  expect(auth).toMatchObject({ password: sent, project_name: '7.9' });
});

test('in JSON, numbers are those of JSON', async () => {
  const text =
    '{\n\t"clouds": {"c": {"auth": {"auth_url": "https://id", "password": 1234e5, "username": 12345678901234567890}}}}';
  const { auth } = await read({ 'clouds.json': text });
  expect(auth).toMatchObject({ password: '123400000.0', username: '12345678901234567890' });
});

test.each([
  ['a tab', { 'clouds.yaml': 'clouds:\n\tc: {auth: {password: hush-hush}}' }, /clouds\.yaml:2:1: a tab indents/],
  [
    'a cloud twice',
    { 'clouds.yaml': 'clouds:\n  c: {auth: {password: hush-hush}}\n  c: {}' },
    /clouds\.yaml:3:3: .*already/,
  ],
  ['a key twice', { 'clouds.json': '{"clouds": {"c": {},\n "c": {}}}' }, /clouds\.json:2:2: .*already/],
  [
    'an open quote',
    { ...cloud(''), 'secure.yaml': 'clouds: {c: {auth: {password: "hush-hush}}}' },
    /secure\.yaml:1:\d+: /,
  ],
  ['a tag', { 'clouds.yaml': 'clouds:\n  c: {auth: {password: !vault hush-hush}}' }, /clouds\.yaml:2:\d+: the tag/],
  ['an alias in itself', { 'clouds.yaml': 'clouds: &x {c: {auth: {y: *x}}}' }, /auth\.y .* is a map/],
  ['Latin-1', { 'clouds.yaml': Buffer.from('clouds: {c: {password: "hush-hush\xe9"}}', 'latin1') }, /not UTF-8/],
  ['another login', cloud('auth_type: none'), /authentication none/],
  ['a list', { 'clouds.yaml': '[]' }, /is not a map/],
  ['clouds as a list', { 'clouds.yaml': 'clouds: [{name: c}]' }, /clouds in .* is a list/],
  ['no key clouds', { 'clouds.yaml': 'cloud: {c: {}}' }, /no cloud called c/],
  ['an empty cloud', { 'clouds.yaml': 'clouds: {c: }' }, /clouds\.c in .* is empty/],
  ['auth as text', { 'clouds.yaml': "clouds: {c: {auth: 'me:hush-hush'}}" }, /clouds\.c\.auth in .* is a single value/],
  ['a password in a list', cloud('', "auth_url: 'https://id', password: [hush-hush]"), /auth\.password .* is a list/],
  ['a password that is true', cloud('', "auth_url: 'https://id', password: yes"), /auth\.password .* true or false/],
  ['a password that is false', cloud('', "auth_url: 'https://id', password: off"), /auth\.password .* true or false/],
  ['a region without a name', cloud('regions: [{values: {}}]'), /no name/],
  ['regions as a map', cloud('regions: {R: {}}'), /a map and should be a list/],
  [
    'an address without a scheme',
    cloud('', `auth_url: '127.0.0.1:5000/v3', ${login}`),
    /auth_url .* 127\.0\.0\.1:5000\/v3/,
  ],
  ['an address with a blank', cloud('', `auth_url: 'http://me:hush-hush@exa mple/v3', ${login}`), /\*\*\*@exa mple/],
  ['a login that breaks the address', cloud('', `auth_url: 'http://me:a/hush-hush@id/v3', ${login}`), /\*\*\*@id\/v3/],
  ['another protocol', cloud('', `auth_url: 'ftp://id/v3', ${login}`), /ftp:/],
  ['a query', cloud('', `auth_url: 'http://id/v3?key=hush-hush', ${login}`), /a query/],
  ['the address of tokens', cloud('', `auth_url: 'http://id/v3/auth/tokens', ${login}`), /of the tokens/],
  ['an open place', cloud('', `auth_url: 'http://{region_name}.id/v3', ${login}`), /\{region_name\}/],
  ['an endpoint without a scheme', cloud("image_endpoint_override: '127.0.0.1:9292'"), /image_endpoint_override/],
  ['a profile that nobody has', cloud('profile: nobody', login), /no vendor profile called nobody/],
  ['a cloud that is gone', cloud('profile: internap', login), /no longer exists: Internap/],
])('%s is told with its place and a remedy, and no secret', async (_, files, message) => {
  const error: unknown = await read(files)
    .then(identity)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message), hint: expect.any(String) });
  expect(JSON.stringify(error) + String(error)).not.toContain('hush-hush');
});

test('OS_* fills the gaps of a named cloud, and counts more than it', async () => {
  const env = { OS_PASSWORD: 'from-env', OS_TENANT_NAME: 'from-env', OS_INTERFACE: 'admin', OS_INSECURE: 'true' };
  const found = await read(cloud('', "auth_url: 'https://id', username: me, project_name: p"), env);
  expect(found).toMatchObject({
    auth: { username: 'me', password: 'from-env', project_name: 'from-env' },
    interfaces: ['admin'],
    verify: true,
  });
  expect((await read({ 'clouds.yaml': 'clouds: {c: {}}' }, { OS_AUTH_URL: 'https://env' })).auth).toEqual({
    auth_url: 'https://env',
  });
});

test('OS_DEFAULT_DOMAIN is for users and projects without one', async () => {
  const { body } = identity(
    await read(cloud('', `auth_url: 'https://id', user_domain_name: u, ${login}`), { OS_DEFAULT_DOMAIN: 'd' }),
  );
  const user = { domain: { name: 'u' } };
  const auth = { identity: { password: { user } }, scope: { project: { domain: { id: 'd' } } } };
  expect(body).toMatchObject({ auth });
});

test('vendor profiles: a file beside clouds.yaml, those that are known, and their regions', async () => {
  const file = {
    'clouds-public.yaml': 'public-clouds: {mine: {regions: [A, B], auth: {auth_url: "https://{region_name}.id"}}}',
  };
  const own = await read({ ...cloud('profile: mine', login), ...file }, {}, 'B');
  expect(own).toMatchObject({ region: 'B', auth: { auth_url: 'https://B.id', username: 'me' } });
  const known = await read(cloud('cloud: citycloud, region_name: Kna1', login));
  expect(known).toMatchObject({ region: 'Kna1', auth: { auth_url: 'https://Kna1.citycloud.com:5000/v3/' } });
  await expect(read(cloud('profile: citycloud', login), {}, 'Nowhere')).rejects.toThrow('no region Nowhere');
});

test('a vendor is asked for its profile', async () => {
  const profile = { name: 'v', profile: { auth: { auth_url: 'https://id' }, regions: ['R'], profile: 'none' } };
  const server = createServer((request, answer) => {
    answer.writeHead(request.url === '/.well-known/openstack/api' ? 200 : 404).end(JSON.stringify(profile));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const found = await read(cloud(`profile: '${address}/any'`, login));
  expect(found).toMatchObject({ region: 'R', auth: { auth_url: 'https://id', username: 'me' } });
  server.close();
  await once(server, 'close');
  await expect(read(cloud(`profile: '${address}'`, login))).rejects.toMatchObject({
    code: 'CLOUD_FAILED',
    message: expect.stringContaining(`${address}/.well-known/openstack/api`),
    hint: expect.stringContaining('auth_url'),
  });
});

test('of several interfaces the first that the catalogue has is taken', async () => {
  const found = await read(cloud('interface: [internal, publicURL]'));
  const catalogue = (...interfaces: string[]) => [
    { type: 'image', endpoints: interfaces.map((name) => ({ interface: name, url: `https://${name}/v2` })) },
  ];
  expect(catalogueUrl(found, catalogue('public', 'internal'), 'image')).toBe('https://internal');
  expect(catalogueUrl(found, catalogue('public', 'admin'), 'image')).toBe('https://public');
  expect(() => catalogueUrl(found, catalogue('admin'), 'image')).toThrow('no internal or public endpoint');
});

test('a domain is the scope of a login without a project', async () => {
  const found = await read(cloud('', "auth_url: 'https://id', username: me, password: x, domain_id: d"));
  expect(identity(found).body).toMatchObject({ auth: { scope: { domain: { id: 'd' } } } });
});

test('a missing cacert is told when it is needed: with TLS, and when something is verified', async () => {
  const missing = await read(cloud('cacert: /no/such/ca.pem'));
  const unread = openClient({ verify: false, ca: missing.cacert }, {});
  expect(unread.secure().tls.rejectUnauthorized).toBe(false);
  const client = openClient({ verify: true, ca: missing.cacert }, {});
  expect(() => client.secure()).toThrow('cannot read /no/such/ca.pem');
});
