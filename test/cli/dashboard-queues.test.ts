import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browserPath, startBrowser } from '../support/browser.ts';
import { startDashboard } from '../support/dashboard.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { ends, factoryOf } from '../support/queue-factory.ts';
import { postgresServer, redisServer } from '../support/queue-server.ts';

// The page of the queues: bull-board's, behind the dashboard's login, on both servers.

let browser: Browser | undefined;
beforeAll(async () => {
  if (browserPath !== undefined) browser = await startBrowser();
});
afterAll(() => browser?.close());

test.each([
  ['Redis', redisServer],
  ['PostgreSQL', postgresServer],
])(
  'the queues on %s are shown to whoever may see, and nobody changes anything there',
  async (_, serve) => {
    const server = await serve();
    ends.push(server.stop);
    const host = fakeHost();
    host.recipe('a');
    writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
    const token = 't'.repeat(40);
    writeFileSync(join(host.folder, 'tokens'), `ann build ${token}\n`, { mode: 0o600 });
    const night = (await factoryOf(host, server.url).run('enqueue', 'a')).stdout.trim();
    const dashboard = await startDashboard(
      ['factory.yaml', '--queue', server.url, '--tokens', 'tokens', '--allow', 'build'],
      { env: host.env, cwd: host.folder },
    );
    ends.push(dashboard.stop);
    const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(`${dashboard.url}${path}`, { method, headers, redirect: 'manual' });
    const bearer = { authorization: `Bearer ${token}` };
    expect((await ask('/queues')).status).toBe(401);
    expect((await ask('/queues/api/queues')).status).toBe(401);
    const answer = await ask('/queues/api/queues', bearer);
    const shown = (await answer.json()) as { queues: { name: string; readOnlyMode: boolean }[] };
    expect(shown.queues.map(({ name, readOnlyMode }) => [name, readOnlyMode])).toEqual([
      ['f/night', true],
      ['f/build', true],
    ]);
    expect((await ask('/queues/api/queues/pause', bearer, 'PUT')).status).toBe(405);
    if (browser === undefined) return;
    const context = await browser.newContext();
    const page = await context.newPage();
    const elsewhere: string[] = [];
    page.on('response', (response) => {
      if (new URL(response.url()).origin !== dashboard.url) elsewhere.push(response.url());
    });
    await page.goto(`${dashboard.url}/login`);
    await page.fill('input[name=token]', token);
    await page.click('button[type=submit]');
    await page.click('a[href="/queues"]');
    await page.goto(`${dashboard.url}/queues/queue/${encodeURIComponent('f/night')}`);
    await page.getByText(night).first().waitFor();
    expect(elsewhere).toEqual([]);
    await context.close();
    expect(await dashboard.stop()).toBe(0);
  },
  60_000,
);
