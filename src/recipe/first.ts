import { type Document, isMap, isScalar, parseDocument } from 'yaml';
import { readyImage } from './media.ts';

/** What a person wants of a first recipe; what is left out stays as in the recipe it starts from. */
export type FirstRecipe = {
  name: string;
  /** Path or URL of the installation DVD. */
  iso?: string | undefined;
  /** A size such as `20G`. */
  disk?: string | undefined;
  /** What the comment for editors names: path or URL of the JSON Schema. */
  schema: string;
};

/**
 * A recipe of one's own, made from a shipped one: its comments and the order of its keys stay. The comment that explains the
 * shipped file itself goes. `writeOwn` changes the keys of its family.
 */
export function firstRecipe(shipped: string, wanted: FirstRecipe, writeOwn: (document: Document) => void): string {
  const document = parseDocument(shipped);
  document.commentBefore = ` yaml-language-server: $schema=${wanted.schema}`;
  const [first] = isMap(document.contents) ? document.contents.items : [];
  if (isScalar(first?.key)) first.key.commentBefore = null;
  document.set('name', wanted.name);
  if (wanted.iso !== undefined) {
    document.setIn(['source', document.hasIn(['source', readyImage]) ? readyImage : 'iso'], wanted.iso);
    document.deleteIn(['source', 'sha256']);
  }
  if (wanted.disk !== undefined) document.setIn(['disk', 'size'], wanted.disk);
  writeOwn(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** Names of the environment variables that a recipe takes secrets from. */
export function secretNames(text: string): string[] {
  return [...text.matchAll(/\benv: *([A-Za-z_][A-Za-z0-9_]*)/g)].flatMap(([, name]) => name ?? []);
}
