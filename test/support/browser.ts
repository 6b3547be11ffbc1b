import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's Chromium; undefined where there is none, as on Ubuntu, which has it as a snap only. */
export const browserPath = ((): string | undefined => {
  try {
    return execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();

/** Root's Chromium has no sandbox to start. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath ?? 'chromium', args: ['--no-sandbox'] });
}

/**
 * A page from a file, without network, or of a server, by its address; and what went wrong in it: what it asked for besides itself, or of another
 * server, and what its policy refused.
 */
export async function openPage(
  browser: Browser,
  place: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const isServed = place.startsWith('http:');
  const context = await browser.newContext({ offline: !isServed, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  const own = isServed ? place : pathToFileURL(place).href;
  const isOwn = (url: string) => (isServed ? new URL(url).origin === new URL(own).origin : url === own);
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && !isOwn(request.url())) faults.push(`asked for ${request.url()}`);
  });
  page.on('pageerror', (error) => faults.push(`threw ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`said ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction('fault', (text: string) => faults.push(text));
  await page.addInitScript(`
    addEventListener('securitypolicyviolation', (event) => fault('refused ' + event.violatedDirective + ' ' + event.sample));
    window.ran = (what) => fault('ran ' + what);`);
  await page.goto(own);
  return { page, faults };
}

/** What axe-core finds wrong with a page, as `RULE: ELEMENT`. The page has to have been opened with `bypassCSP`. */
export async function axeFaults(page: Page): Promise<string[]> {
  await page.addScriptTag({ content: axe.source });
  const found = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[]; passes: unknown[] }>(
    'axe.run()',
  );
  if (found.passes.length < 10) throw new Error('axe has looked at nothing');
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
