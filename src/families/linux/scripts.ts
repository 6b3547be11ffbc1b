import { join } from 'node:path';
import { renderTemplate, type View } from '../../answers/templates.ts';
import type { RenderedFile } from '../../model.ts';

const templates = join(import.meta.dirname, '../../../templates/linux');

/** A file of those that all distributions share, rendered; its template is `${name}.hbs`. */
export function sharedFile(name: string, view: View = {}): RenderedFile {
  return renderTemplate(join(templates, `${name}.hbs`), name, 'text', view);
}
