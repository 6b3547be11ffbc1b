import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { proxyFor } from '../../src/media/proxy.ts';
import { exec } from '../../src/tools/exec.ts';
import { startForwardProxy } from '../support/cloud/forward-proxy.ts';
import { issue, makeAuthority, startTls } from '../support/cloud/tls.ts';
import { cloudsFile, fresh, makeImage, openstack, signal } from '../support/cloud/tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));

function upload(path: string, name: string, env: Record<string, string>, cloud = 'test') {
  return vmkiln(['upload', path, '--to', cloud, '--name', name], { env: { VMKILN_HOME: home, ...env } });
}

test('proxies of the environment are chosen as requests, the HTTP library of the openstack client, chooses them', async () => {
  const proxy = fc.constantFrom('http://proxy:3128', 'proxy.corp:8080', 'http://me:it@proxy:1', 'https://safe:443', '');
  const entry = fc.constantFrom(
    ...['*', 'corp', '.corp', 'image.corp', 'image.corp:9292', 'CORP', 'orp', '10.0.0.0/8', '10.1.2.3', '10.1.2.4/32'],
    ...['10.0.0.0/33', '127.0.0.1', 'localhost', '::1', ' image.other ', ''],
  );
  // To an empty no_proxy beside a NO_PROXY, requests and urllib, which it asks too, each have their own view.
  const list = fc.array(entry, { minLength: 1, maxLength: 3 }).map((names) => names.join(',') || 'none');
  const env = fc.record(
    {
      ...{ http_proxy: proxy, HTTP_PROXY: proxy, https_proxy: proxy, HTTPS_PROXY: proxy },
      ...{ all_proxy: proxy, ALL_PROXY: proxy, no_proxy: list, NO_PROXY: list, REQUEST_METHOD: fc.constant('GET') },
    },
    { requiredKeys: [] },
  );
  const url = fc.constantFrom(
    ...['https://image.corp:9292', 'http://image.corp:9292', 'https://image.other', 'http://10.1.2.3:9292'],
    ...['https://10.1.2.3', 'http://127.0.0.1:5000', 'http://[::1]:5000', 'http://localhost:5000', 'https://corp'],
  );
  const cases = fc.sample(fc.record({ url, env }), { numRuns: 1000, seed: 7 });
  const script = join(import.meta.dirname, '../support/cloud/read_proxies.py');
  const input = JSON.stringify(cases);
  const { stdout } = await exec({ program: '/usr/bin/python3', args: [script], input, timeout: 60, signal });
  const expected = JSON.parse(stdout) as (string | null)[];
  const full = (found: string) => new URL(found.includes('://') ? found : `http://${found}`).href;
  const ours = cases.map(({ url: text, env: names }) => ({
    ...{ text, names, proxy: proxyFor(new URL(text), names)?.url.href ?? null },
  }));
  const theirs = cases.map(({ url: text, env: names }, index) => ({
    ...{ text, names, proxy: expected[index] ? full(expected[index]) : null },
  }));
  expect(ours).toEqual(theirs);
  expect(ours.filter(({ proxy: found }) => found !== null).length).toBeGreaterThan(200);
});

test('a plain cloud behind a proxy: everything goes through it, and what no_proxy names does not', async () => {
  const proxy = await startForwardProxy('me:p w@x');
  const env = { OS_CLIENT_CONFIG_FILE: inject('cloud').clouds, no_proxy: '' };
  const { path, name } = await makeImage();
  const through = { ...env, http_proxy: proxy.url.replace('//', '//me:p%20w%40x@') };
  expect(await upload(path, name, through)).toMatchObject({ status: 0, stderr: expect.any(String) });
  expect(await openstack('test', 'image', 'show', name)).toMatchObject({ status: 'active' });
  expect(proxy.seen[0]).toBe(`POST ${inject('cloud').keystone}/v3/auth/tokens`);
  expect(proxy.seen.some((line) => /^PUT http:.*\/file$/.test(line))).toBe(true);
  proxy.seen.length = 0;
  expect(await upload(path, name, { ...through, no_proxy: '127.0.0.0/8' })).toMatchObject({ status: 0 });
  expect(proxy.seen).toEqual([]);
  const refused = await upload(path, name, { ...env, http_proxy: proxy.url.replace('//', '//me:Wr0ng@') });
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/407.*\n.*its user and password/) });
  expect(refused.stderr).not.toContain('Wr0ng');
  proxy.close();
});

test('a cloud with TLS behind a proxy: a tunnel, in which certificates are checked as ever', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-tls-'));
  const authority = await makeAuthority(folder, 'the-authority');
  const own = await issue(authority, 'cloud.test', 'IP:127.0.0.1');
  const [keystone, glance] = await Promise.all([
    startTls(inject('cloud').keystone, own),
    startTls(inject('cloud').one, own),
  ]);
  const { password } = inject('cloud');
  const user = { username: 'builder', password, user_domain_id: 'default' };
  const auth = { auth_url: `${keystone.url}/v3`, ...user, project_name: 'images', project_domain_id: 'default' };
  const cloud = { auth, region_name: 'RegionOne', image_endpoint_override: glance.url };
  const file = cloudsFile({ tls: { ...cloud, cacert: authority.cert }, strange: cloud });
  const proxy = await startForwardProxy('me:secret');
  const env = { OS_CLIENT_CONFIG_FILE: file, no_proxy: '' };
  const through = { ...env, https_proxy: proxy.url.replace('//', '//me:secret@') };
  const { path } = await makeImage();
  const name = fresh('tunnel');
  const { status, stderr } = await upload(path, name, through, 'tls');
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(await openstack('test', 'image', 'show', name)).toMatchObject({ status: 'active' });
  expect(new Set(proxy.seen)).toEqual(new Set([keystone, glance].map(({ url }) => `CONNECT ${new URL(url).host}`)));

  const unknown = await upload(path, name, through, 'strange');
  expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining('issued by CN=the-authority') });
  const stranger = await upload(path, name, { ...env, https_proxy: proxy.url }, 'tls');
  expect(stranger.stderr).toContain(`through the proxy ${new URL(proxy.url).host}: it answered 407`);
  proxy.close();
  const nobody = await upload(path, name, { ...env, https_proxy: proxy.url }, 'tls');
  expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining('https_proxy and no_proxy') });
});
