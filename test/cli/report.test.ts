import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NightSummary } from '../../src/factory/summary.ts';
import { listBuilds } from '../../src/pipeline/builds.ts';
import { writeNight } from '../../src/report/write.ts';
import { axeFaults, browserPath, openPage, startBrowser } from '../support/browser.ts';
import { installedEvents, publishedEvents, writeBuild } from '../support/build-folder.ts';
import { inventory } from '../support/inventory.ts';
import { hostile, hostileId } from '../support/hostile.ts';
import { freshFolder, vmkiln } from '../support/vmkiln.ts';

// The pages as people get them: written by the command, opened in Chromium from a file, without network.

const home = freshFolder('report');
const out = join(home, 'pages');
const run = (...args: string[]) => vmkiln(['report', ...args], { env: { VMKILN_HOME: home }, cwd: home });

const good = 'web-20260101-030000-0001';
const failed = 'web-20260103-030000-0003';

/** A night with all that it may say, in hostile words where a recipe, a build or a server has chosen them. */
const night: NightSummary = {
  ...{ version: 1, night: 'nightly-20260104-020000-0004', factory: 'nightly', file: '/f.yaml', dryRun: false },
  ...{ startedAt: '2026-01-04T02:00:00Z', endedAt: '2026-01-04T03:00:00Z', seconds: 3600, outcome: 'failed' },
  warnings: [hostile('warning')],
  entries: [
    { name: 'web', recipe: '/web.yaml', outcome: 'built', build: good, seconds: 90, reasons: [], notes: [] },
    {
      ...{ name: hostile('name'), recipe: '/x.yaml', outcome: 'failed', build: hostileId, notes: [hostile('note')] },
      reasons: [{ kind: 'packages', text: hostile('reason') }],
      difference: hostile('difference'),
      failure: { code: 'COMMAND_FAILED', message: hostile('message'), hint: hostile('hint'), stage: hostile('stage') },
    },
    { name: 'db', recipe: '/db.yaml', outcome: 'postponed', reasons: [], notes: ['no room'] },
    { name: 'idle', recipe: '/idle.yaml', outcome: 'unchanged', reasons: [], notes: [] },
  ],
};
const nightPage = join('..', 'nights', `${night.night}.html`);

beforeAll(async () => {
  const packages = Array.from({ length: 300 }, (_, at) => ({
    ...{ type: 'deb', name: `lib${at}`, version: `1.${at}`, arch: 'noarch' },
  }));
  writeBuild(home, good, {
    start: '2026-01-01T03:00:00Z',
    events: [...installedEvents('web'), ...publishedEvents(90, 100 * 2 ** 20)],
    files: {
      'installer.log': 'all is well\n',
      'vulnerabilities.json': JSON.stringify({ scanner: 'grype', counts: { critical: 1 } }),
      'inventory.json': JSON.stringify({
        ...inventory(),
        packages: [...packages, { type: 'rpm', name: 'bash', version: '5.2', arch: 'x86_64' }],
      }),
      'verify.json': JSON.stringify({
        ...{ version: 1, passed: true },
        results: [
          { check: 'ssh', outcome: 'passed', message: 'answers' },
          { check: 'own', outcome: 'skipped', message: 'the recipe lets it fail' },
        ],
      }),
    },
  });
  const log = 'logs/02-customize-virt-customize.log';
  const stage = 'customize';
  writeBuild(home, failed, {
    start: '2026-01-03T03:00:00Z',
    events: [
      ...installedEvents('web'),
      [66, { type: 'stage-started', stage, because: 'an earlier stage runs' }],
      [67, { type: 'command-started', stage, argv: ['virt-customize'], log, control: false }],
      [80, { type: 'command-finished', stage, program: 'virt-customize', exitCode: 1, seconds: 13 }],
      [80, { type: 'failed', stage, code: 'COMMAND_FAILED', message: 'virt-customize exited with status 1' }],
    ],
    files: {
      [log]: 'one\nError: Unable to find a match: chrnoy\nthree\n',
      'failure/screenshot.png': PNG.sync.write(new PNG({ width: 64, height: 48 })),
    },
  });
  writeBuild(home, hostileId, {
    start: '2026-01-02T03:00:00Z',
    events: [
      ...installedEvents(hostile('name'), hostile('recipe')),
      [66, { type: 'warning', message: hostile('warning') }],
      [66, { type: 'stage-started', stage: hostile('stage'), because: hostile('because') }],
      [67, { type: 'progress', stage: 'install', message: hostile('progress'), fraction: 0.9 }],
      ...publishedEvents(68, 2 ** 20, `javascript:ran('location')//${hostile('location')}`),
      [70, { type: 'failed', code: hostile('code'), message: hostile('message'), hint: hostile('hint') }],
    ],
    files: {
      'console.log': `${hostile('console')}\nError: ${hostile('error')}\n`,
      [`failure/${hostileId}.png`]: PNG.sync.write(new PNG({ width: 8, height: 8 })),
      'inventory.json': JSON.stringify({
        ...inventory(),
        packages: [{ type: 'rpm', name: hostile('package'), version: hostile('version'), arch: hostile('arch') }],
      }),
      'difference.json': JSON.stringify({
        since: hostile('since'),
        changes: {
          files: [
            { kind: 'changed', name: hostile('file'), details: [{ field: 'link', from: hostile('from'), to: 'b' }] },
          ],
        },
      }),
      'verify.json': JSON.stringify({
        ...{ version: 1, passed: true },
        results: [{ check: hostile('check'), outcome: 'failed', message: hostile('found') }],
      }),
    },
  });
  await writeNight(night, await listBuilds({ env: { VMKILN_HOME: home }, cwd: home }), join(home, 'nights'));
  const written = await run('--all', '--out', out);
  expect(written).toMatchObject({ status: 0, stdout: `${join(out, 'index.html')}\n` });
}, 60_000);

test('a page of one build, by default the latest, is a file of its own; a word with --all is a mistake', async () => {
  const page = join(home, `${failed}.html`);
  expect(await run()).toMatchObject({ status: 0, stdout: `${page}\n`, stderr: '' });
  expect(readFileSync(page, 'utf8')).not.toContain('All builds');
  expect(await run('web', '--all')).toMatchObject({ status: 2 });
  expect(await run('nobody')).toMatchObject({ status: 2, stderr: expect.stringContaining('no build nobody') });
  expect(readdirSync(out).toSorted()).toEqual(
    [`${failed}.html`, `${good}.html`, `${hostileId}.html`, 'index.html'].toSorted(),
  );
  expect(existsSync(join(home, 'report'))).toBe(false);
});

describe.skipIf(browserPath === undefined && !process.env['CI'])('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);
  afterAll(() => browser.close());

  const pages = [`${good}.html`, `${failed}.html`, 'index.html', nightPage];
  const schemes = ['light', 'dark'] as const;
  test.each(pages.flatMap((name) => schemes.map((colorScheme) => [name, colorScheme] as const)))(
    'axe finds nothing in %s, %s',
    async (name, colorScheme) => {
      const { page, faults } = await openPage(browser, join(out, name), { colorScheme, bypassCSP: true });
      await page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`);
      expect(await axeFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    },
  );

  test.each([`${hostileId}.html`, 'index.html', nightPage])(
    'what names and logs say is never run: %s',
    async (name) => {
      const { page, faults } = await openPage(browser, join(out, name));
      await page.evaluate(
        `for (const each of document.querySelectorAll('*')) each.dispatchEvent(new MouseEvent('mouseover'))`,
      );
      for (const button of await page.locator('button:visible').all()) await button.click();
      for (const field of await page.locator('input').all()) await field.fill(hostile('search'));
      const counts = await page.evaluate(
        `['script', 'img:not([src^="data:image/png;base64,"])', 'iframe, object, embed, form, base', 'a:not([href^="#"], [href^="./"])']
        .map((selector) => document.querySelectorAll(selector).length)`,
      );
      expect(counts).toEqual([1, 0, 0, 0]);
      expect(await page.locator('body').textContent()).toContain("ran('name')");
      expect(faults).toEqual([]);
    },
  );

  test('packages are searched, the commands copied, the pages walked with the keyboard alone', async () => {
    const { page, faults } = await openPage(browser, join(out, `${good}.html`), {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const focused = () =>
      page.evaluate<string>(
        'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim()',
      );
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press('Tab');
        if ((await focused()) === name) return;
      }
      throw new Error(`the keyboard does not reach ${name}`);
    };
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await tabTo('Copy the command virt-install');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(`virt-install --name 'vm of web'`);
    await page.locator('input[type=search]').focus();
    await page.keyboard.type('bash x86');
    expect(await page.locator('#packages tbody tr:visible').allTextContents()).toEqual(['bash5.2x86_64']);
    expect(await page.locator('.search output').textContent()).toBe('1 of 301');
    await tabTo('Unfold all');
    await page.keyboard.press('Enter');
    expect(await page.locator('pre', { hasText: 'all is well' }).isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  test('the index leads to the pages, these to their neighbours, and everything is there without scripts and on paper', async () => {
    const { page } = await openPage(browser, join(out, 'index.html'));
    await page.getByRole('link', { name: failed, exact: true }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('web failed');
    expect(await page.locator('.evidence').textContent()).toContain('Unable to find a match: chrnoy');
    await page.getByRole('link', { name: 'The build before' }).click();
    expect(await page.locator('.id').textContent()).toContain(good);
    const bare = await openPage(browser, join(out, `${good}.html`), { javaScriptEnabled: false });
    expect(await bare.page.locator('#packages tbody tr:visible').count()).toBe(301);
    expect(await bare.page.locator('button:visible').count()).toBe(0);
    await bare.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const colours = `getComputedStyle(document.body)`;
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate(`[${colours}.color, ${colours}.backgroundColor]`)).toEqual([
      'rgb(0, 0, 0)',
      'rgb(255, 255, 255)',
    ]);
  });
});
