import { join } from 'node:path';
import { renderTemplate } from '../../answers/templates.ts';
import type { RenderedFile } from '../../model.ts';
import type { WindowsRecipe } from './recipe.ts';
import { descendants, parseXml } from './unattend.ts';
import { answerView } from './views.ts';

export const templates = join(import.meta.dirname, '../../../templates/windows');

/** The answer file of a recipe: of the user's template, or of the shipped one. */
export function renderAnswers(recipe: WindowsRecipe): RenderedFile {
  const shipped = join(templates, 'autounattend.xml.hbs');
  return renderTemplate(recipe.install.answerFile ?? shipped, 'Autounattend.xml', 'xml', answerView(recipe));
}

/** How an answer file names an image. */
export type ImageChoice = { by: 'name' | 'index' | 'description'; value: string };

/** The image that an answer file names for Setup, and the languages that it wants of it. */
export function choiceOf(answers: RenderedFile): { image: ImageChoice | undefined; languages: readonly string[] } {
  const parsed = parseXml(answers.text);
  if (!('root' in parsed)) return { image: undefined, languages: [] };
  const { root } = parsed;
  const [data] = descendants(root, 'OSImage').flatMap((image) => descendants(image, 'MetaData'));
  const text = (name: string) => data?.children.find((child) => child.name === name)?.text ?? '';
  const by = (['name', 'index', 'description'] as const).find((key) => text('Key').toLowerCase() === `/image/${key}`);
  const languages = descendants(root, 'UILanguage').map((language) => language.text);
  return {
    image: by && { by, value: text('Value') },
    languages: [...new Set(languages.filter((name) => name !== ''))],
  };
}
