import { join } from 'node:path';
import { renderTemplate, type View } from '../../answers/templates.ts';
import type { RenderedFile } from '../../model.ts';

const templates = join(import.meta.dirname, '../../../templates/linux');

/** A file of those that all distributions share, rendered; its template is `${name}.hbs`. */
export function sharedFile(name: string, view: View = {}): RenderedFile {
  return renderTemplate(join(templates, `${name}.hbs`), name, 'text', view);
}

/** One script of several, each in a shell of its own: to enter the guest takes 0.6 seconds without KVM. It ends with the first that fails. */
export function oneScript(name: string, scripts: readonly RenderedFile[]): RenderedFile {
  const text = ['set -e\n', ...scripts.map((script) => `(\n${script.text})\n`)].join('');
  return { name, text, holes: scripts.flatMap(({ holes }) => holes) };
}

/** A script that changes the guest, from a template of its distribution, with the functions that all of them have; `last` follows it. */
export function guestScript(file: string, name: string, view: View, last = ''): RenderedFile {
  const own = renderTemplate(file, name, 'text', view);
  return { ...own, text: `${sharedFile('functions.sh').text}\n${own.text}${last}` };
}
