import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChannelState } from '../../src/targets/channel-place.ts';
import { axeFaults, browserPath, openPage, startBrowser } from '../support/browser.ts';
import { type Dashboard, startDashboard } from '../support/dashboard.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { publishContent } from '../support/publish-image.ts';
import { vmkiln } from '../support/vmkiln.ts';

// What the dashboard changes, and who may have it do so: on a host whose tools do nothing.

const host = fakeHost();
const images = join(host.folder, 'images');
const tokens = { viewer: 'v'.repeat(40), builder: 'b'.repeat(40), promoter: 'p'.repeat(40) };
const patient = { timeout: 60_000 };
const at = { env: host.env, cwd: host.folder };
const words = [join(host.folder, 'factory.yaml'), '--tokens', join(host.folder, 'tokens')];

let server: Dashboard;
let [one, two] = ['', ''];

const post = (url: string, path: string, token: string, body: object) =>
  fetch(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const said = async (answer: Response) => `${answer.status} ${await answer.text()}`;
const prod = async () => {
  const { stdout } = await vmkiln(['channels', '--in', `${images}/`, '--json'], at);
  return (JSON.parse(stdout) as ChannelState[])[0]?.image?.sha256;
};
const nights = () => {
  try {
    return readdirSync(join(host.folder, 'home/state/factory/nightly/nights')).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
};
const state = async () => [await prod(), readFileSync(join(images, 'index.json'), 'utf8'), nights()];

beforeAll(async () => {
  host.recipe('web');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: nightly\nrecipes: [web.yaml]\nlimits: { room: 1M }\n');
  writeFileSync(
    join(host.folder, 'tokens'),
    `ann view ${tokens.viewer}\nbob build ${tokens.builder}\npam promote ${tokens.promoter}\n`,
    { mode: 0o600 },
  );
  one = await publishContent(host.folder, 'one');
  const promoted = await vmkiln(['promote', 'images/rhel9.raw', '--to', 'prod'], at);
  expect(promoted).toMatchObject({ status: 0 });
  two = await publishContent(host.folder, 'two');
  server = await startDashboard([...words, '--allow', 'build,promote'], at);
}, 60_000);
afterAll(() => server.stop());

const promotion = { place: images, channel: 'prod', image: 'rhel9.raw' };
const changes = [
  ['channels/promote', promotion, 'promoter'],
  ['channels/rollback', { place: images, channel: 'prod' }, 'promoter'],
  ['factory/build', { image: 'web' }, 'builder'],
] as const;

test('without the role nothing is changed, and with it neither unless the command allows it', async () => {
  const before = await state();
  const closed = await startDashboard(words, at);
  for (const [path, body, whose] of changes) {
    for (const name of ['viewer', 'builder', 'promoter'] as const) {
      if (name !== whose)
        expect(await said(await post(server.url, path, tokens[name], body))).toMatch(/^403 .*takes the role/);
      expect(await said(await post(closed.url, path, tokens[name], body))).toMatch(/^403 .*it takes --allow/);
    }
    expect((await post(server.url, path, 'x'.repeat(40), body)).status).toBe(401);
  }
  expect(await closed.stop()).toBe(0);
  expect(await state()).toEqual(before);
  expect(await vmkiln(['factory', 'dashboard', '--allow', 'everything'], at)).toMatchObject({ status: 2 });
});

test('what vmkiln refuses is refused, in its words; other folders and options are none of its business', async () => {
  const before = await state();
  const refused = async (path: string, body: object) => said(await post(server.url, path, tokens.promoter, body));
  expect(await refused('channels/promote', { ...promotion, image: '--older' })).toMatch(/^409 .*no image --older/);
  expect(await refused('channels/promote', { ...promotion, channel: 'Not A Name' })).toMatch(
    /^409 .*name of a channel/,
  );
  expect(await refused('channels/promote', { ...promotion, place: '/etc' })).toMatch(
    /^409 .*no folder of this factory/,
  );
  expect(await refused('channels/rollback', { place: images, channel: '--help' })).toMatch(/^409 .*name of a channel/);
  expect(await refused('channels/rollback', { place: images, channel: 'prod' })).toMatch(/^409 .*could go back to/);
  expect(await refused('channels/rollback', {})).toMatch(/^400 /);
  expect(await said(await post(server.url, 'factory/build', tokens.builder, { image: '--help' }))).toMatch(
    /^409 .*no image/,
  );
  expect(await state()).toEqual(before);
});

test('with the role an image is promoted and gone back from, and an entry is built; who did it is told', async () => {
  const change = (path: string, body: object) => post(server.url, path, tokens.promoter, body);
  expect(await said(await change('channels/promote', promotion))).toMatch(/^200 /);
  expect(await prod()).toBe(two);
  expect(await said(await change('channels/rollback', { place: images, channel: 'prod' }))).toMatch(/^200 /);
  expect(await prod()).toBe(one);
  expect(await said(await post(server.url, 'factory/build', tokens.builder, { image: 'web' }))).toMatch(/^202 /);
  expect(await said(await post(server.url, 'factory/build', tokens.builder, { image: 'web' }))).toMatch(
    /^409 .*already/,
  );
  await expect.poll(nights, patient).toHaveLength(1);
  const answer = await fetch(`${server.url}/api/v1/nights`, { headers: { authorization: `Bearer ${tokens.viewer}` } });
  expect(await answer.json()).toMatchObject([{ outcome: 'done', entries: [{ name: 'web', outcome: 'built' }] }]);
  expect(server.said()).toContain('pam: rhel9.raw is the image of prod');
  expect(server.said()).toContain('bob: web is built');
}, 120_000);

test('a build that was begun here ends with the dashboard, and leaves nothing behind', async () => {
  const slow = await startDashboard([...words, '--allow', 'build'], {
    ...at,
    env: { ...host.env, FAKE_SECONDS: '300' },
  });
  const before = nights().length;
  writeFileSync(join(host.folder, 'web.yaml'), `${readFileSync(host.recipe('web'), 'utf8')}packages: [git]\n`);
  expect((await post(slow.url, 'factory/build', tokens.builder, { image: 'web' })).status).toBe(202);
  const running = async () => {
    const builds = JSON.parse((await vmkiln(['builds', '--json'], at)).stdout) as { outcome: string }[];
    return builds.filter(({ outcome }) => outcome === 'running').length;
  };
  await expect.poll(running, patient).toBe(1);
  expect(await slow.stop()).toBe(0);
  expect(await running()).toBe(0);
  expect(readdirSync(join(host.folder, 'home/cache/work'))).toEqual([]);
  expect(nights().length).toBe(before + 1);
}, 120_000);

describe.skipIf(browserPath === undefined && !process.env['CI'])('in a browser', () => {
  test('only who may change something sees how, and does so with a click', async () => {
    const browser = await startBrowser();
    try {
      const logIn = async (token: string) => {
        const opened = await openPage(browser, `${server.url}/login`, { bypassCSP: true });
        await opened.page.getByLabel('Token').fill(token);
        await opened.page.getByRole('button', { name: 'Log in' }).click();
        await opened.page.getByRole('heading', { name: 'Factory nightly' }).waitFor();
        return opened;
      };
      const viewer = await logIn(tokens.viewer);
      expect(await viewer.page.getByRole('button').allTextContents()).toEqual(['Log out']);
      const { page, faults } = await logIn(tokens.promoter);
      expect(await axeFaults(page)).toEqual([]);
      expect(await page.getByRole('button', { name: 'Build web now' }).count()).toBe(0);
      await page.getByLabel('Channel for rhel9.raw').fill('staging');
      await page.getByRole('button', { name: 'Promote rhel9.raw', exact: true }).click();
      await page.getByRole('rowheader', { name: 'staging' }).waitFor();
      await page.getByLabel('Channel for rhel9.raw').fill('NO NAME');
      await page.getByRole('button', { name: 'Promote rhel9.raw', exact: true }).click();
      await page.getByRole('heading', { name: '409' }).waitFor();
      expect(await page.locator('main').textContent()).toContain('name of a channel');
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 120_000);
});
