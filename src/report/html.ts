import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import type { BuildView } from './build-page.ts';
import type { IndexView } from './index-page.ts';
import type { NightView } from './night-page.ts';

const templates = join(import.meta.dirname, '../../templates/report');

/** What tells a page of this program from any other file. */
export const generator = '<meta name="generator" content="vmkiln report">';

// An environment of its own, which escapes everything: a name, a log or a message is never markup.
const environment = Handlebars.create();
const style = readFileSync(join(templates, 'report.css'), 'utf8');
const script = readFileSync(join(templates, 'report.js'), 'utf8');
for (const part of ['page', 'drawing', 'history']) environment.registerPartial(part, compiled(part));
const pages = { build: compiled('build'), index: compiled('index'), night: compiled('night') };

/**
 * The pages may show a style, run a script and show pictures that they hold themselves, and no others: by their digests, as
 * Content Security Policy Level 3 has it, so that what got into a page in spite of the escaping would not run either.
 */
const policy = [
  "default-src 'none'",
  `style-src ${digestOf(style)}`,
  `script-src ${digestOf(script)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** A page as one HTML file that needs no other. Pure: the same view gives the same text. */
export function htmlOf(
  page: { kind: 'build'; view: BuildView } | { kind: 'index'; view: IndexView } | { kind: 'night'; view: NightView },
): string {
  return pages[page.kind]({ ...page.view, head: { policy, style, script, generator } });
}

function compiled(name: string) {
  const source = readFileSync(join(templates, `${name}.hbs`), 'utf8');
  return environment.compile(source, { strict: true, knownHelpersOnly: true, preventIndent: true });
}

function digestOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
