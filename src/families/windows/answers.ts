import { join } from 'node:path';
import { renderTemplate } from '../../answers/templates.ts';
import type { RenderedFile } from '../../model.ts';
import type { WindowsRecipe } from './recipe.ts';
import { descendants, type Element, parseXml, withoutTwins } from './unattend.ts';
import { answerView } from './views.ts';

export const templates = join(import.meta.dirname, '../../../templates/windows');

/** The answer file of a recipe: of the user's template, or of the shipped one. */
export function renderAnswers(recipe: WindowsRecipe): RenderedFile {
  const shipped = join(templates, 'autounattend.xml.hbs');
  return renderTemplate(recipe.install.answerFile ?? shipped, 'Autounattend.xml', 'xml', answerView(recipe));
}

/** How an answer file names an image. */
export type ImageChoice = { by: 'name' | 'index' | 'description'; value: string };

/** What an answer file wants of the medium: the image, languages, and an edition that goes with its keys. */
type Choice = {
  image: ImageChoice | undefined;
  languages: readonly string[];
  /** Those of Setup, by which it chooses an edition. */
  keys: readonly string[];
  /** Those that activate Windows: Setup fails where one is not of the edition ("ProductKey" of Microsoft-Windows-Shell-Setup). */
  activation: readonly string[];
};

/** Reads what an answer file wants of the medium. A key that is a secret is still a hole. */
export function choiceOf(answers: RenderedFile): Choice {
  const parsed = parseXml(answers.text);
  if (!('root' in parsed)) return { image: undefined, languages: [], keys: [], activation: [] };
  const root = withoutTwins(parsed.root);
  const [data] = descendants(root, 'OSImage').flatMap((image) => descendants(image, 'MetaData'));
  const text = (name: string) => data?.children.find((child) => child.name === name)?.text ?? '';
  const by = (['name', 'index', 'description'] as const).find((key) => text('Key').toLowerCase() === `/image/${key}`);
  const languages = descendants(root, 'UILanguage').map((language) => language.text);
  const holders = descendants(root, 'ProductKey');
  const keys = holders.flatMap((each) => descendants(each, 'Key'));
  const activation = holders.filter(({ children }) => children.length === 0);
  const texts = (elements: readonly Element[]) => elements.map(({ text: key }) => key).filter((key) => key !== '');
  return {
    image: by && { by, value: text('Value') },
    languages: [...new Set(languages.filter((name) => name !== ''))],
    keys: texts(keys),
    activation: texts(activation),
  };
}
