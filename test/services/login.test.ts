import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { readCloud } from '../../src/openstack/clouds-yaml.ts';
import { listImages } from '../../src/openstack/image-api.ts';
import { openSession } from '../../src/openstack/keystone.ts';
import { exec } from '../../src/tools/exec.ts';
import { startProxy } from '../support/cloud/proxy.ts';
import { cloudsFile, fresh, imagesCalled, makeImage, openstack, sessionOf, signal } from '../support/cloud/tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));

/** What a clouds.yaml has in common for all kinds of login. */
function cloud(auth: object, keys: object = {}) {
  return { auth: { auth_url: `${inject('cloud').keystone}/v3`, ...auth }, region_name: 'RegionOne', ...keys };
}

function run(entry: object, ...args: string[]) {
  const env = { OS_CLIENT_CONFIG_FILE: cloudsFile({ mine: entry }), OS_CLOUD: 'mine', VMKILN_HOME: home };
  return vmkiln(args, { env });
}

type Credential = { id: string; secret: string };

test('an application credential, by its id and by its name, until it is deleted', async () => {
  const name = fresh('credential');
  const made = ['application', 'credential', 'create', name, '--role', 'member'];
  const { id, secret } = await openstack<Credential>('test', ...made);
  const type = { auth_type: 'v3applicationcredential' };
  const byId = cloud({ application_credential_id: id, application_credential_secret: secret }, type);
  const user = { username: 'builder', user_domain_id: 'default' };
  const byName = cloud({ application_credential_name: name, application_credential_secret: secret, ...user }, type);
  const image = await makeImage();
  const uploaded = await run(byId, 'upload', image.path, '--to', 'mine', '--name', image.name);
  expect(uploaded).toMatchObject({ status: 0 });
  const again = await run(byName, 'upload', image.path, '--to', 'mine', '--name', image.name);
  expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('already there') });
  // It is in the project that the credential belongs to.
  expect(await imagesCalled(await sessionOf('test'), image.name)).toMatchObject([{ status: 'active' }]);

  const wrong = cloud({ application_credential_id: id, application_credential_secret: 'Wr0ng-secret' }, type);
  const refused = await run(wrong, 'image', 'list');
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('mine answered 401 to logging in') });
  expect(refused.stderr).not.toContain('Wr0ng-secret');
  await exec({
    program: '/usr/bin/openstack',
    args: ['--os-cloud', 'test', 'application', 'credential', 'delete', name],
    timeout: 60,
    signal,
  });
  const gone = await run(byId, 'image', 'list');
  expect(gone).toMatchObject({ status: 1, stderr: expect.stringContaining('is not there any more') });
  expect(gone.stderr).not.toContain(secret);
});

test('a token, in clouds.yaml and in the environment, until it is revoked', async () => {
  const { id } = await openstack<{ id: string }>('test', 'token', 'issue');
  const project = { project_name: 'images', project_domain_id: 'default' };
  const entry = cloud({ token: id, ...project }, { auth_type: 'v3token' });
  expect(await run(entry, 'image', 'list', '--json')).toMatchObject({ status: 0 });
  const env = {
    OS_AUTH_TYPE: 'token',
    OS_TOKEN: id,
    OS_AUTH_URL: `${inject('cloud').keystone}/v3`,
    OS_PROJECT_NAME: 'images',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_REGION_NAME: 'RegionOne',
    OS_CLIENT_CONFIG_FILE: '',
    OS_CLOUD: '',
    HOME: home,
  };
  expect(await vmkiln(['image', 'list', '--json'], { env, cwd: home })).toMatchObject({ status: 0 });
  await exec({
    program: '/usr/bin/openstack',
    args: ['--os-cloud', 'test', 'token', 'revoke', id],
    timeout: 60,
    signal,
  });
  const gone = await run(entry, 'image', 'list');
  expect(gone).toMatchObject({ status: 1, stderr: expect.stringContaining('is not there any more') });
  expect(gone.stderr).not.toContain(id);
});

test('a token that the service refuses is renewed once, and no more', async () => {
  const [keystone, glance] = await Promise.all([startProxy(inject('cloud').keystone), startProxy(inject('cloud').one)]);
  const { password } = inject('cloud');
  const user = { username: 'builder', password, user_domain_id: 'default' };
  const auth = { ...user, project_name: 'images', project_domain_id: 'default', auth_url: `${keystone.url}/v3` };
  const file = cloudsFile({ mine: cloud(auth, { image_endpoint_override: glance.url }) });
  const session = openSession(
    await readCloud({ cloud: 'mine', env: { OS_CLIENT_CONFIG_FILE: file }, cwd: tmpdir() }),
    process.env,
  );
  const refused = { kind: 'status', status: 401, after: 0 } as const;
  glance.fail(/^GET/, refused, refused, refused);
  const list = () => listImages(session, [['name', fresh('none')]], { signal });
  await expect(list()).rejects.toThrow(/401/);
  expect([keystone.seen.length, glance.seen.length]).toEqual([2, 2]);
  // The third refusal, and then the service takes the new token.
  expect(await list()).toEqual([]);
  expect([keystone.seen.length, glance.seen.length]).toEqual([3, 4]);
  // It is kept for the next questions.
  await list();
  expect([keystone.seen.length, glance.seen.length]).toEqual([3, 5]);
  keystone.close();
  glance.close();
});
