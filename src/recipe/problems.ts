import { type Document, isMap, isNode, isPair, isScalar, type LineCounter, type Node } from 'yaml';
import { z } from 'zod';
import { missing } from './explain.ts';
import { show } from './values.ts';
import { didYouMean, nearest } from '../text.ts';

/** A mistake in a recipe. `offset` is in characters from its beginning. */
export type Problem = { offset: number; path: readonly PropertyKey[]; message: string };

/** More problems than a person reads: one unclosed bracket can make thousands. */
const mostProblems = 20;

/** One line for each problem, in the order of the file: `recipes/x.yaml:4:3 disk: unrecognised key "sizee", did you mean "size"?`. */
export function formatProblems(file: string, problems: readonly Problem[], lines: LineCounter): string[] {
  const rest = problems.length - mostProblems;
  const told = problems
    .toSorted((a, b) => a.offset - b.offset)
    .slice(0, mostProblems)
    .map(({ offset, path, message }) => {
      const { line, col } = lines.linePos(offset);
      const where = path.map(String).join('.');
      return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)} ${where === '' ? '' : `${where}: `}${message}`;
    });
  return rest > 0 ? [...told, `${file}: and ${rest} more`] : told;
}

/** Turns what the schema found into problems with positions. A key that is missing because it is misspelt is told once. */
export function schemaProblems(
  found: readonly z.core.$ZodIssue[],
  document: Document,
  { schema, noun }: { schema: z.ZodType; noun: string },
): Problem[] {
  const root = z.toJSONSchema(schema, { io: 'input', target: 'draft-07' }) as Schema;
  const issues = [...found.flatMap((issue) => unfold(issue, document)), ...unknownTopKeys(found, document, root)];
  const misspelt = new Set<string>();
  const unrecognised = issues.flatMap((issue): Problem[] => {
    if (issue.code !== 'unrecognized_keys') return [];
    const family = familyName(document);
    const [known, top] = [keysAt(root, issue.path, family), keysAt(root, [], family)];
    return issue.keys.map((key) => {
      misspelt.add([...issue.path, nearest(key, known)].join('.'));
      const hint = top.includes(key) ? `, it belongs at the top level of the ${noun}` : didYouMean(key, known);
      const message = `unrecognised key ${show(key)}${hint}`;
      return { offset: keyOffset(document, issue.path, key), path: issue.path, message };
    });
  });
  const others = issues
    .filter(({ code }) => code !== 'unrecognized_keys')
    .filter(({ message, path }) => message !== missing || !misspelt.has(path.join('.')))
    .map(({ message, path }) => ({ offset: valueOffset(document, path), path, message }));
  return [...unrecognised, ...others];
}

/** Of a value that may have several forms: what is wrong with it in the one form that it nearly has. A map is no misspelt word. */
function unfold(issue: z.core.$ZodIssue, document: Document): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isOther = (code: string) =>
    code === 'invalid_type' || (code === 'invalid_value' && isMap(document.getIn(issue.path, true)));
  const near = issue.errors.filter((inner) => !inner.some(({ code, path }) => path.length === 0 && isOther(code)));
  const [only = [], ...others] = near;
  if (only.length === 0 || others.length > 0) return [issue];
  return only.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** Where the value at a path begins; for one that is missing, where the map begins that should have it. */
export function valueOffset(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function keyOffset(document: Document, path: readonly PropertyKey[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(map)) {
    const pair = map.items.find(
      (item) => isPair(item) && String(isScalar(item.key) ? item.key.value : item.key) === key,
    );
    const node = pair?.key as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return valueOffset(document, path);
}

type Schema = {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  const?: unknown;
};

/** Without a family the schema cannot choose a form and says nothing more; a misspelt `family` may be why. */
function unknownTopKeys(found: readonly z.core.$ZodIssue[], document: Document, root: Schema): z.core.$ZodIssue[] {
  if (!isMap(document.contents) || !found.some(({ code, path }) => code === 'invalid_union' && path[0] === 'family'))
    return [];
  const known = keysAt(root, [], undefined);
  const keys = document.contents.items
    .map((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key))
    .filter((key) => !known.includes(key));
  return keys.length === 0 ? [] : [{ code: 'unrecognized_keys', keys, path: [], message: '' }];
}

function familyName(document: Document): unknown {
  return isMap(document.contents) ? document.get('family') : undefined;
}

/** The keys that a recipe of that family may have at a path; of any family when it is unknown. */
function keysAt(root: Schema, path: readonly PropertyKey[], family: unknown): string[] {
  const forms = root.oneOf ?? [root];
  const own = forms.filter(({ properties }) => properties?.['family']?.const === family);
  let here: Schema[] = own.length > 0 ? own : forms;
  for (const part of path) here = here.flatMap(alternatives).flatMap((schema) => child(schema, part) ?? []);
  return here.flatMap(alternatives).flatMap(({ properties }) => Object.keys(properties ?? {}));
}

function alternatives(schema: Schema): Schema[] {
  return [schema, ...(schema.anyOf ?? [])];
}

function child(schema: Schema, part: PropertyKey): Schema | undefined {
  return typeof part === 'number' ? schema.items : schema.properties?.[String(part)];
}
