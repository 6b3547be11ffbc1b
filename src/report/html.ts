import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import type { BuildView } from './build-page.ts';
import type { IndexView } from './index-page.ts';
import type { NightView } from './night-page.ts';

const templates = join(import.meta.dirname, '../../templates');

/** What tells a page of this program from any other file. */
export const generator = '<meta name="generator" content="vmkiln report">';

// An environment of its own, which escapes everything: a name, a log or a message is never markup.
const environment = Handlebars.create();
export const style = readFileSync(join(templates, 'report/report.css'), 'utf8');
const script = readFileSync(join(templates, 'report/report.js'), 'utf8');
for (const part of ['page', 'drawing', 'history']) environment.registerPartial(part, template(`report/${part}`));
const pages = { build: template('report/build'), index: template('report/index'), night: template('report/night') };

/**
 * The pages may show a style, run a script and show pictures that they hold themselves, and no others: by their digests, as
 * Content Security Policy Level 3 has it, so that what got into a page in spite of the escaping would not run either.
 */
export const policy = policyOf(script, ['img-src data:', "form-action 'none'"]);

/** A page as one HTML file that needs no other. Pure: the same view gives the same text. */
export function htmlOf(
  page: { kind: 'build'; view: BuildView } | { kind: 'index'; view: IndexView } | { kind: 'night'; view: NightView },
): string {
  return pages[page.kind]({ ...page.view, head: { policy, style, script, generator, referrer: 'no-referrer' } });
}

/** The policy of a page with this style and one script, and what else it may do. Pure. */
export function policyOf(itsScript: string, more: readonly string[]): string {
  const own = [`style-src ${digestOf(style)}`, `script-src ${digestOf(itsScript)}`];
  return ["default-src 'none'", ...own, "base-uri 'none'", ...more].join('; ');
}

/** A template below templates/, which may be a `page` with all that this has: what it shows is text, whoever has written it. */
export function template(name: string): (view: object) => string {
  const source = readFileSync(join(templates, `${name}.hbs`), 'utf8');
  return environment.compile(source, { strict: true, knownHelpersOnly: true, preventIndent: true });
}

function digestOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
