import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { issue, makeAuthority, type Pair, startTls } from '../support/cloud/tls.ts';
import { cloudsFile, fresh, makeImage, signal } from '../support/cloud/tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-tls-'));
const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));
let authority: Pair;
let keystone: string;
let image: string;

/** Keystone and Glance behind TLS, with the certificate of a server, and what clouds.yaml says besides. */
async function behind(own: Pair, clients?: Pair) {
  const [one, other] = await Promise.all(
    [inject('cloud').keystone, inject('cloud').one].map((target) => startTls(target, own, clients)),
  );
  if (!one || !other) throw new Error('no servers');
  return { keystone: one.url, image: other.url };
}

beforeAll(async () => {
  authority = await makeAuthority(folder, 'the-authority');
  ({ keystone, image } = await behind(await issue(authority, 'cloud.test', 'IP:127.0.0.1')));
});

/** `v3password` has no client look for versions: Keystone does not know that it is behind TLS, and names `http:` links. */
function cloud(keys: object = {}, urls = { keystone, image }) {
  const { password } = inject('cloud');
  const user = { username: 'builder', password, user_domain_id: 'default' };
  const auth = { auth_url: `${urls.keystone}/v3`, ...user, project_name: 'images', project_domain_id: 'default' };
  return { auth_type: 'v3password', auth, region_name: 'RegionOne', image_endpoint_override: urls.image, ...keys };
}

/** `image list` by both clients: their exit codes, and what ours said. */
async function list(keys: object, env: Record<string, string> = {}, urls = { keystone, image }) {
  const all = { OS_CLIENT_CONFIG_FILE: cloudsFile({ tls: cloud(keys, urls) }), PYTHONWARNINGS: 'ignore', ...env };
  const ours = vmkiln(['image', 'list', '--os-cloud', 'tls', '--json'], { env: { ...all, VMKILN_HOME: home } });
  const theirs = exec({
    program: '/usr/bin/openstack',
    args: ['--os-cloud', 'tls', 'image', 'list', '-f', 'json'],
    env: all,
    timeout: 60,
    accept: [1, 2],
    signal,
  });
  const [{ status, stderr }, { exitCode }] = await Promise.all([ours, theirs]);
  return { ours: status, theirs: exitCode, stderr };
}

test('with cacert an image goes through TLS, and the openstack client agrees', async () => {
  const name = fresh('tls');
  const { path } = await makeImage();
  const env = { OS_CLIENT_CONFIG_FILE: cloudsFile({ tls: cloud({ cacert: authority.cert }) }), VMKILN_HOME: home };
  const { status, stderr } = await vmkiln(['upload', path, '--to', 'tls', '--name', name], { env });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const args = ['--os-cloud', 'tls', 'image', 'show', name, '-f', 'value', '-c', 'status'];
  const shown = await exec({ program: '/usr/bin/openstack', args, env, timeout: 60, signal });
  expect(shown.stdout.trim()).toBe('active');
});

test('an authority that is not known: the certificate is named, and what to do', async () => {
  const { ours, theirs, stderr } = await list({});
  expect({ ours, theirs }).toEqual({ ours: 1, theirs: 1 });
  expect(stderr).toContain(`the certificate of ${keystone} is not trusted`);
  expect(stderr).toMatch(/CN=cloud\.test; issued by CN=the-authority; valid until /);
  expect(stderr).toMatch(/cacert in clouds\.yaml/);
});

test.each([
  ['verify: false', { verify: false }, {}],
  ['insecure: true', { insecure: true }, {}],
  ['an authority of this host', {}, { REQUESTS_CA_BUNDLE: 'authority' }],
])('%s is as good', async (_, keys, env) => {
  const named = Object.fromEntries(Object.keys(env).map((name) => [name, authority.cert]));
  expect(await list(keys, named)).toMatchObject({ ours: 0, theirs: 0 });
});

test.each([
  ['of another name', 'DNS:elsewhere.test', 2, /a name that the certificate has/],
  ['that has ended', 'IP:127.0.0.1', -1, /clock of this machine/],
])('a certificate %s is not trusted, whoever issued it', async (_, alternative, days, hint) => {
  const urls = await behind(await issue(authority, fresh('other'), alternative, days));
  const { ours, theirs, stderr } = await list({ cacert: authority.cert }, {}, urls);
  expect({ ours, theirs }).toEqual({ ours: 1, theirs: 1 });
  expect(stderr).toMatch(hint);
});

test('a certificate of our own is shown to a server that wants one', async () => {
  const own = await issue(authority, 'the-client', 'DNS:client.test');
  const urls = await behind(await issue(authority, 'strict.test', 'IP:127.0.0.1'), authority);
  const keys = { cacert: authority.cert };
  expect(await list({ ...keys, ...own }, {}, urls)).toMatchObject({ ours: 0, theirs: 0 });
  const without = await list(keys, {}, urls);
  expect(without).toMatchObject({ ours: 1, theirs: 1, stderr: expect.stringContaining('cert and key in clouds.yaml') });
});

test('a file that is no certificate, and a server without TLS, are told as such', async () => {
  const missing = await list({ cacert: '/no/such/file' });
  expect(missing).toMatchObject({ ours: 2, stderr: expect.stringContaining('cannot read /no/such/file') });
  const plain = { keystone: inject('cloud').keystone.replace('http:', 'https:'), image };
  const { ours, stderr } = await list({ cacert: authority.cert }, {}, plain);
  expect({ ours, stderr }).toMatchObject({
    ours: 1,
    stderr: expect.stringContaining('speaks TLS there, or plain HTTP'),
  });
});
