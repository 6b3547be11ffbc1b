import { type Document, isMap, isScalar, parseDocument } from 'yaml';
import { readyImage } from './media.ts';

/** What a person wants of a first recipe; what is left out stays as in the recipe it starts from. */
export type FirstRecipe = {
  name: string;
  /** The file that it will be, as commands name it. */
  file: string;
  /** Path or URL of the installation DVD. */
  iso?: string | undefined;
  /** A size such as `20G`. */
  disk?: string | undefined;
  /** What the comment for editors names: the URL of the JSON Schema. */
  schema: string;
};

/**
 * A recipe of one's own, made from a shipped one: its comments and the order of its keys stay, and the comment above it speaks of the
 * new file and of what it still asks for. `writeOwn` changes the keys of its family.
 */
export function firstRecipe(shipped: string, wanted: FirstRecipe, writeOwn: (document: Document) => void): string {
  const document = parseDocument(shipped);
  const [first] = isMap(document.contents) ? document.contents.items : [];
  const about = isScalar(first?.key) ? (first.key.commentBefore ?? '') : '';
  if (isScalar(first?.key)) first.key.commentBefore = null;
  document.set('name', wanted.name);
  if (wanted.iso !== undefined) {
    document.setIn(['source', document.hasIn(['source', readyImage]) ? readyImage : 'iso'], wanted.iso);
    document.deleteIn(['source', 'sha256']);
  }
  if (wanted.disk !== undefined) document.setIn(['disk', 'size'], wanted.disk);
  writeOwn(document);
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: true });
  const comment = [` yaml-language-server: $schema=${wanted.schema}`, ...ownComment(about, wanted.file, text)];
  return `${comment.map((line) => `#${line.trimEnd()}\n`).join('')}${text}`;
}

/** The comment above a shipped recipe, without its first line, for a recipe of that text in that file. */
function ownComment(comment: string, file: string, text: string): string[] {
  const secrets = secretNames(text).join(' and ');
  const isOpen = (variable = '') => text.includes(`\${${variable}`);
  return comment
    .split('\n')
    .slice(1)
    .filter((line) => !/needs --set /.test(line) || isOpen(/--set (\w+)=/.exec(line)?.[1]))
    .map((line) =>
      line
        .replace(/\brecipes\/[\w-]+\.yaml/, file)
        .replace(
          / Set [A-Z_]+( and [A-Z_]+)* in the environment, then$/,
          secrets === '' ? '' : ` Set ${secrets} in the environment, then`,
        )
        .replaceAll(/ --set (\w+)=[^\s)]+/g, (option, variable: string) => (isOpen(variable) ? option : '')),
    );
}

/** Names of the environment variables that a recipe takes secrets from. */
export function secretNames(text: string): string[] {
  return [...text.matchAll(/\benv: *([A-Za-z_][A-Za-z0-9_]*)/g)].flatMap(([, name]) => name ?? []);
}
