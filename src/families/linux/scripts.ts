import { join } from 'node:path';
import { renderTemplate, type View } from '../../answers/templates.ts';
import type { RenderedFile } from '../../model.ts';

const templates = join(import.meta.dirname, '../../../templates/linux');

/** A file of those that all distributions share, rendered; its template is `${name}.hbs`. */
export function sharedFile(name: string, view: View = {}): RenderedFile {
  return renderTemplate(join(templates, `${name}.hbs`), name, 'text', view);
}

/** A script that changes the guest, from a template of its distribution, with the functions that all of them have. */
export function guestScript(file: string, name: string, view: View): RenderedFile {
  const own = renderTemplate(file, name, 'text', view);
  return { ...own, text: `${sharedFile('functions.sh').text}\n${own.text}` };
}
