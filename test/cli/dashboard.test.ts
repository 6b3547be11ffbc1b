import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Browser, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NightSummary } from '../../src/factory/summary.ts';
import { ownIdentity } from '../../src/store/process.ts';
import { axeFaults, browserPath, openPage, startBrowser } from '../support/browser.ts';
import { installedEvents, publishedEvents, writeBuild } from '../support/build-folder.ts';
import { type Dashboard, startDashboard } from '../support/dashboard.ts';
import { hostile, hostileId } from '../support/hostile.ts';
import { vmkiln } from '../support/vmkiln.ts';

// The dashboard as people run it: the command, asked over HTTP, and looked at in Chromium.

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-dashboard-'));
const home = join(folder, 'home');
const env = { PATH: `${folder}/bin:${process.env['PATH']}`, VMKILN_HOME: home };
const dashboard = (...args: string[]) => vmkiln(['factory', 'dashboard', ...args], { env, cwd: folder });

const good = 'web-20260101-030000-0001';
const running = 'web-20260105-030000-0005';
const hostileRunning = `y'"><img src=x onerror=ran(4)>-20260105-030000-0006`;
const night: NightSummary = {
  ...{ version: 1, night: 'nightly-20260104-020000', factory: 'nightly', file: '/f.yaml', dryRun: false },
  ...{ startedAt: '2026-01-04T02:00:00Z', endedAt: '2026-01-04T03:00:00Z', seconds: 3600, outcome: 'failed' },
  warnings: [hostile('warning')],
  entries: [
    { name: 'web', recipe: '/web.yaml', outcome: 'built', build: good, seconds: 90, reasons: [], notes: [] },
    {
      ...{ name: hostile('name'), recipe: '/x.yaml', outcome: 'failed', build: hostileId, notes: [hostile('note')] },
      reasons: [{ kind: 'packages', text: hostile('reason') }],
      failure: { code: 'COMMAND_FAILED', message: hostile('message') },
    },
  ],
};

const [viewer, operator] = ['v'.repeat(40), 'o'.repeat(40)];

const start = (...args: string[]) => startDashboard(args, { env, cwd: folder });

/** Writes a build that runs as long as this test does: there is an owner, and no manifest. */
function writeRunning(id: string, name: string): string {
  const path = writeBuild(home, id, { start: '2026-01-05T03:00:00Z', events: installedEvents(name).slice(0, 6) });
  rmSync(join(path, 'manifest.json'));
  const owner = { ...ownIdentity(), build: id, startedAt: 0, uses: [], connect: 'qemu:///system' };
  writeFileSync(join(path, 'owner.json'), JSON.stringify(owner));
  return path;
}

function progress(path: string, build: string, message: string): void {
  const event = { at: '2026-01-05T03:01:00Z', build, type: 'progress', stage: 'install', message };
  appendFileSync(join(path, 'events.ndjson'), `${JSON.stringify(event)}\n`);
}

let server: Dashboard;
/** A busy machine takes its time. */
const patient = { timeout: 20_000 };
const ask = (path: string, token?: string, init: RequestInit = {}) =>
  fetch(`${server.url}${path}`, {
    redirect: 'manual',
    ...init,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...init.headers },
  });

beforeAll(async () => {
  writeBuild(home, good, {
    start: '2026-01-01T03:00:00Z',
    events: [...installedEvents('web'), ...publishedEvents(90, 100 * 2 ** 20)],
  });
  writeBuild(home, hostileId, {
    start: '2026-01-02T03:00:00Z',
    events: [
      ...installedEvents(hostile('name'), hostile('recipe')),
      [70, { type: 'failed', code: hostile('code'), message: hostile('message'), hint: hostile('hint') }],
    ],
  });
  writeRunning(hostileRunning, hostile('name'));
  const state = join(home, 'state/factory/nightly');
  mkdirSync(join(state, 'nights'), { recursive: true });
  mkdirSync(join(state, 'entries'), { recursive: true });
  writeFileSync(join(state, 'nights', `${night.night}.json`), JSON.stringify(night));
  const entry = { version: 1, name: 'web', recipe: 'web.yaml', lookedAt: '2026-01-04T02:00:00Z', build: good };
  writeFileSync(join(state, 'entries/web.json'), JSON.stringify({ ...entry, failure: hostile('failure') }));
  writeFileSync(
    join(folder, 'web.yaml'),
    `name: web\nfamily: rhel\nrelease: "7.9"\nsource: { iso: /x.iso }\nrepositories: [{ id: r, baseurl: 'http://r.example.com/' }]\nupload: [{ directory: { path: ${folder}/images } }]\n`,
  );
  writeFileSync(join(folder, 'factory.yaml'), "name: nightly\nrecipes: [web.yaml]\nschedule: '0 2 * * *'\n");
  writeFileSync(join(folder, 'tokens'), `# who may come in\nann view ${viewer}\nbob build,promote ${operator}\n`, {
    mode: 0o600,
  });
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'screen.png'), PNG.sync.write(new PNG({ width: 64, height: 48 })));
  writeFileSync(join(folder, 'bin/virsh'), `#!/bin/sh\nfor last; do :; done\ncp '${folder}/screen.png' "$last"\n`, {
    mode: 0o755,
  });
  server = await start(join(folder, 'factory.yaml'), '--tokens', join(folder, 'tokens'));
}, 60_000);
afterAll(() => server.stop());

test('an address that others reach wants a file of tokens, which nobody else may read; what is wrong is told without them', async () => {
  const file = join(folder, 'bad');
  const refused = async (text: string, mode: number, ...args: string[]) => {
    writeFileSync(file, text);
    chmodSync(file, mode);
    const { status, stdout, stderr } = await dashboard('--tokens', file, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).not.toContain(viewer.slice(0, 20));
    return stderr;
  };
  const open = await dashboard('--listen', '0.0.0.0:0');
  expect(open).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('--tokens') });
  expect(await refused(`ann view ${viewer}\n`, 0o640)).toContain(`chmod 600 ${file}`);
  expect(await refused(`ann view ${viewer}\nbob admin ${viewer}\n`, 0o600)).toContain(`${file}:2: expected roles`);
  expect(await refused(`ann view ${viewer}\n`, 0o600, '--listen', 'here')).toContain('expected HOST:PORT');
  expect(await refused(`ann view ${viewer}\n`, 0o600, join(folder, 'none.yaml'))).toContain('none.yaml');
});

const pages = ['/', '/pages/index.html', `/pages/${good}.html`, `/live/${running}`, `/live/${good}/log`, '/none'];
const programs = ['/metrics', '/api/openapi.json', `/live/${good}/screen.png`];

test('without a token nothing is shown, and with a wrong one neither', async () => {
  const { paths } = (await (await ask('/api/openapi.json', viewer)).json()) as { paths: object };
  const api = Object.keys(paths).map((path) => path.replace('{build}', good));
  expect(api.length).toBeGreaterThan(5);
  for (const path of [...api, ...programs, ...pages]) {
    for (const token of [undefined, 'x'.repeat(40), viewer.slice(1)]) {
      const answer = await ask(path, token);
      expect([path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
        path,
        401,
        'Bearer realm="vmkiln"',
      ]);
      expect(await answer.json()).toEqual({ error: { code: 'UNAUTHORIZED', message: 'this takes a token' } });
    }
  }
  for (const path of pages) {
    const answer = await ask(path, undefined, { headers: { accept: 'text/html', cookie: 'vmkiln=x' } });
    expect([path, answer.status, answer.headers.get('location'), await answer.text()]).toEqual([
      path,
      303,
      '/login',
      '',
    ]);
  }
  expect(await (await ask('/healthz')).json()).toEqual({ status: 'ok' });
});

test('answers are what the OpenAPI document says', async () => {
  type Document = {
    paths: Record<string, { get?: { responses: Record<string, { content: Record<string, { schema: object }> }> } }>;
  };
  const { paths } = (await (await ask('/api/openapi.json', viewer)).json()) as Document;
  const ajv = new Ajv2020({ strict: false });
  const json: Record<string, unknown> = {};
  for (const [path, { get }] of Object.entries(paths)) {
    const schema = get?.responses['200']?.content['application/json']?.schema;
    if (!schema) continue;
    const answer = await ask(path.replace('{build}', good), viewer);
    json[path] = await answer.json();
    const isValid = ajv.compile(schema);
    expect([path, answer.status, isValid(json[path]), isValid.errors]).toEqual([path, 200, true, null]);
  }
  expect(json).toMatchObject({
    '/api/v1/builds/{build}': { build: good, outcome: 'done', seconds: 90, published: [{ size: 100 * 2 ** 20 }] },
    '/api/v1/factory': { name: 'nightly', entries: [{ name: 'web', build: good }] },
    '/api/v1/nights': [{ night: night.night, entries: [{ outcome: 'built' }, { reasons: [hostile('reason')] }] }],
    '/api/v1/hosts': [{ cores: expect.any(Number) }],
  });
  const failed = (await (await ask('/api/v1/builds?outcome=failed', viewer)).json()) as { build: string }[];
  expect(failed.map(({ build }) => build)).toEqual([hostileId]);
  expect((await ask('/api/v1/builds?limit=0', viewer)).status).toBe(400);
  expect((await ask('/api/v1/builds/..%2f..%2fetc', viewer)).status).toBe(404);
});

test('metrics have no text that somebody else has chosen', async () => {
  const text = await (await ask('/metrics', viewer)).text();
  expect(text).toContain('vmkiln_builds{outcome="failed",cause="UNKNOWN"} 1');
  expect(text).toContain('vmkiln_last_good_build_duration_seconds{image="web"} 90');
  expect(text).toContain('vmkiln_last_night_entries{outcome="failed"} 1');
  expect(text).toMatch(/vmkiln_next_night_timestamp_seconds \d{10}\n/);
  expect(text).not.toContain('ran(');
});

test('the log of a build comes as it is written, from where somebody has lost it, and ends with the build', async () => {
  const path = writeRunning(running, 'web');
  const answer = await ask(`/api/v1/builds/${running}/events`, viewer, { headers: { 'last-event-id': '5' } });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  const whole = (async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString();
  })();
  await expect.poll(() => text, patient).toContain('partitioning');
  expect(text).not.toContain('build-started');
  progress(path, running, 'formatting');
  await expect.poll(() => text, patient).toMatch(/id: 7\ndata: \{.*"formatting"\}\n\n/);
  rmSync(join(path, 'owner.json'));
  await whole;
  expect(text).toMatch(/event: end\ndata: \{\}\n\n$/);
});

test('without a file of tokens the address logs in once, and the token is told once', async () => {
  const own = await start();
  await expect.poll(() => own.said(), patient).toMatch(/the token is [\w-]{43}\n/);
  const [, token = ''] = /the token is (\S+)/.exec(own.said()) ?? [];
  const first = await fetch(own.address, { redirect: 'manual' });
  expect([first.status, first.headers.get('location')]).toEqual([303, '/']);
  const cookie = first.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^vmkiln_\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  expect((await fetch(own.address, { redirect: 'manual' })).status).toBe(401);
  const [pair = ''] = cookie.split(';');
  const page = (headers: Record<string, string>) => fetch(`${own.url}/`, { headers, redirect: 'manual' });
  const leave = (headers: Record<string, string>) =>
    fetch(`${own.url}/logout`, { method: 'POST', headers: { cookie: pair, ...headers }, redirect: 'manual' });
  expect((await page({ cookie: pair })).status).toBe(200);
  // Another site cannot have somebody do anything.
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://evil.example.com' },
    { origin: 'null' },
    {},
  ])
    expect((await leave(headers as Record<string, string>)).status).toBe(403);
  expect((await page({ cookie: pair })).status).toBe(200);
  expect((await leave({ origin: own.url })).status).toBe(303);
  expect((await page({ cookie: pair })).status).toBe(401);
  expect((await page({ authorization: `Bearer ${token}` })).status).toBe(200);
  expect(await own.stop()).toBe(0);
});

test('without its packages the command says which, and how to get them; no other needs them', async () => {
  const without = join(folder, 'without');
  mkdirSync(join(without, 'node_modules'), { recursive: true });
  cpSync('dist', join(without, 'dist'), { recursive: true });
  for (const name of ['package.json', 'templates']) symlinkSync(resolve(name), join(without, name));
  for (const name of readdirSync('node_modules')) {
    if (name !== 'fastify') symlinkSync(resolve('node_modules', name), join(without, 'node_modules', name));
  }
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(without, 'dist/cli.js'), ...args], { env, encoding: 'utf8' });
  expect(run('factory', 'dashboard')).toMatchObject({
    ...{ status: 1, stdout: '' },
    stderr: expect.stringMatching(
      /needs the package fastify, which is optional.*\n.*next: npm install .*optional vmkiln/s,
    ),
  });
  expect(run('builds', '--json')).toMatchObject({ status: 0, stderr: '' });
});

describe.skipIf(browserPath === undefined && !process.env['CI'])('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);
  afterAll(() => browser.close());

  /** Somebody who logs in, with the keyboard alone. */
  async function logIn(options: Parameters<typeof openPage>[2] = {}) {
    const opened = await openPage(browser, `${server.url}/`, options);
    await typeToken(opened.page);
    return opened;
  }

  async function typeToken(page: Page) {
    expect(new URL(page.url()).pathname).toBe('/login');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type(viewer);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Factory nightly' }).waitFor();
  }

  const all = ['/', '/pages/index.html', `/pages/${night.night}.html`, `/live/${encodeURIComponent(hostileRunning)}`];

  test('what names and messages say is never run', async () => {
    const { page, faults } = await logIn();
    for (const path of [
      ...all,
      `/pages/${encodeURIComponent(hostileId)}.html`,
      `/live/${encodeURIComponent(hostileId)}`,
    ]) {
      await page.goto(`${server.url}${path}`);
      await page.evaluate(
        `for (const each of document.querySelectorAll('*')) each.dispatchEvent(new MouseEvent('mouseover'))`,
      );
      expect(await page.locator('script').count()).toBe(1);
      expect(await page.locator('img:not(#screen), iframe, object, embed, base').count()).toBe(0);
      expect(await page.locator('body').textContent()).toContain('ran(');
    }
    expect(faults).toEqual([]);
    // The policy itself: what got into a page in spite of all would not run either.
    await page.goto(`${server.url}/`);
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="ran(1)">')`);
    await expect.poll(() => faults[0], patient).toContain('refused script-src-attr');
  });

  test.each(['light', 'dark'] as const)('axe finds nothing, %s', async (colorScheme) => {
    const { page, faults } = await openPage(browser, `${server.url}/login`, { colorScheme, bypassCSP: true });
    expect(await axeFaults(page)).toEqual([]);
    await typeToken(page);
    for (const path of all) {
      await page.goto(`${server.url}${path}`);
      expect([path, await axeFaults(page)]).toEqual([path, []]);
    }
    expect(faults).toEqual([]);
  });

  test('a running build is followed: its log, its screen, its end; its report is a link away', async () => {
    const path = writeRunning(running, 'web');
    const { page, faults } = await logIn();
    await page.getByRole('link', { name: running }).click();
    expect(await page.locator('#log').textContent()).toContain('install: partitioning 25 %');
    progress(path, running, hostile('progress'));
    await expect.poll(() => page.locator('#log').textContent(), patient).toContain(hostile('progress'));
    await page.getByRole('img', { name: 'Screen of the guest' }).waitFor();
    expect(await page.evaluate(`document.querySelector('#screen').naturalWidth`)).toBe(64);
    rmSync(join(path, 'owner.json'));
    await expect.poll(() => page.getByRole('status').textContent(), patient).toBe('ended');
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByRole('heading', { level: 1, name: 'web interrupted' }).waitFor();
    await page.getByRole('link', { name: 'All builds' }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.goto(`${server.url}/`);
    expect(new URL(page.url()).pathname).toBe('/login');
    expect(faults).toEqual([]);
  });
});
