import { type Document, isMap, isScalar, isSeq } from 'yaml';
import type { z } from 'zod';
import { explain, mapWords, missing } from './explain.ts';
import { familiesInWords, type FamilyMeant, familyMeant, familyWritten } from './family.ts';
import { meantBy } from './guesses.ts';
import { entryMeant, fewKeys, type KeyRemedy, keyRemedy, textOf } from './keys.ts';
import type { Problem } from './problems.ts';
import { keyOffset, nodeAt, sourceAt, valueOffset, writtenAt } from './nodes.ts';
import { remedyOf } from './remedies.ts';
import { formsOf, isSecret, keysAt, type Place, placeOf, type Schema, schemaOf, schemasAt } from './schema.ts';
import { shapeRemedy } from './shapes.ts';
import { foreignText, foreignVariable, show } from './values.ts';
import { nearest } from '../text.ts';

/** What a document may be, and what a person calls it. */
type Kind = { schema: z.ZodType; noun: string };

/** A document with its value, which the schema has refused. */
type Refused = Kind & { document: Document; value: unknown; root: Schema };

/**
 * Turns what the schema found into problems with positions, each with what to write instead where that is known. What follows
 * from another problem is not told: a key that is missing because it is called otherwise, a form that a map has not for it.
 */
export function schemaProblems(
  found: readonly z.core.$ZodIssue[],
  document: Document,
  { value, ...kind }: Kind & { value: unknown },
): Problem[] {
  const root = schemaOf(kind.schema);
  const refused: Refused = { ...kind, document, value, root };
  if (!found.some(({ code, path }) => code === 'invalid_union' && path.join() === 'family'))
    return issueProblems(found, refused);
  return familyProblems(found, refused);
}

/** Without a family no form can be chosen. Where it is clear what is meant, the rest is held against that. */
function familyProblems(found: readonly z.core.$ZodIssue[], refused: Refused): Problem[] {
  const { document, root, schema } = refused;
  const given = refused.value as Record<string, unknown>;
  const { family, distribution } = given;
  const guessed = Object.entries(given).find(
    ([key, word]) => typeof word === 'string' && meantBy(key).includes('family') && familyMeant(word, root),
  );
  const [only] = Array.isArray(family) ? family : [family];
  const meant = [only, distribution, guessed?.[1]].flatMap((word) =>
    typeof word === 'string' ? (familyMeant(word, root) ?? []) : [],
  )[0];
  const value = meant && { ...given, ...(distribution === undefined && meant), family: meant.family };
  const issues = value ? (schema.safeParse(value, { error: explain }).error?.issues ?? []) : unknownKeys(given, root);
  const others = issueProblems(issues, { ...refused, value: value ?? given });
  if (family === undefined && (guessed || isWrapped(given))) return others;
  const where = { path: ['family'], offset: valueOffset(document, ['family']) };
  return [{ ...where, message: familyMessage(family, meant, root, found) }, ...others];
}

/** Whether a recipe lies in a map of its file, which is told of that. */
function isWrapped(given: Record<string, unknown>): boolean {
  return Object.values(given).some((each) => typeof each === 'object' && each !== null && 'family' in each);
}

function familyMessage(
  family: unknown,
  meant: FamilyMeant | undefined,
  root: Schema,
  found: readonly z.core.$ZodIssue[],
): string {
  const [issue] = found;
  if (family === undefined || family === null)
    return `${family === null ? 'is empty' : missing}: ${meant ? familyWritten(meant) : `it is one of ${familiesInWords(root)}`}`;
  if (meant?.distribution !== undefined && familyMeant(String(family), root))
    return `${show(family)} is a distribution of the family ${meant.family}: ${familyWritten(meant)}`;
  const words = `expected one of ${familiesInWords(root)}, got ${show(family)}`;
  return meant ? `${issue?.message}: ${familyWritten(meant)}` : words;
}

/** Keys that no form has. */
function unknownKeys(given: Record<string, unknown>, root: Schema): z.core.$ZodIssue[] {
  const known = formsOf(root, undefined).flatMap(({ properties }) => Object.keys(properties ?? {}));
  const keys = Object.keys(given).filter((key) => !known.includes(key));
  return keys.length === 0 ? [] : [{ code: 'unrecognized_keys', keys, path: [], message: '' }];
}

function issueProblems(found: readonly z.core.$ZodIssue[], refused: Refused): Problem[] {
  const { document, value, root, noun } = refused;
  const forms = formsOf(root, familyOf(value));
  const issues = found.flatMap((issue) => unfold(issue, document));
  const meant: Place[] = [];
  // The maps with strange keys, and whether these are what was meant for its own ones.
  const strange = new Map<string, boolean>();
  const unrecognised = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [];
    strange.set(issue.path.join('.'), false);
    return issue.keys.map((key): Problem => {
      const at = { path: issue.path, offset: keyOffset(document, issue.path, key) };
      // The key of a map that stands for a secret may be the secret.
      if (schemasAt(forms, issue.path).some(isSecret) && key !== 'value' && nearestKey(key) === undefined)
        return { ...at, message: 'unrecognised key, expected env or file: a secret itself never belongs in a recipe' };
      const written = spaceMissing(document, issue.path, key);
      if (written !== undefined) {
        strange.set(issue.path.join('.'), true);
        return { ...at, message: written };
      }
      const below = valueAt(value, [...issue.path, key]);
      const isMapping = typeof below === 'object' && below !== null && !Array.isArray(below);
      const own = commentKey(key, issue.path) ?? (issue.path.length === 0 ? ownKey(document, key) : undefined);
      const remedy =
        own ?? familyKey(key, refused, issue.path) ?? keyRemedy(key, issue.path, { forms, noun }, isMapping);
      if (remedy.meant) meant.push(remedy.meant);
      return { ...at, message: `unrecognised key ${show(key)}${remedy.words}` };
    });
  });
  const others = issues.flatMap((issue) => {
    const { code, path, message } = issue;
    if (code === 'unrecognized_keys' || (code === 'custom' && strange.has(path.join('.')))) return [];
    const schemas = schemasAt(forms, path);
    // Its keys are below it, but not indented.
    if (
      path.every((part) => typeof part === 'string') &&
      isEmptyValue(document, path) &&
      meant.some((place) => isWithin(place, placeOf(path)) && place.length > path.length)
    )
      return [];
    if (message === missing) {
      if (meant.some((place) => isWithin(place, placeOf(path)))) return [];
      const map = path.slice(0, -1);
      const isText = schemasAt(forms, map).some(({ type }) => type === 'string');
      if (strange.get(map.join('.')) ?? false) return [];
      if (isText && strange.has(map.join('.'))) return [];
      return { path, offset: valueOffset(document, path), message: missing + whatIsMissing(schemas) };
    }
    return { path, offset: valueOffset(document, path), message: valueMessage(issue, forms, refused) };
  });
  return [...unrecognised, ...others];
}

/** What is said of a key within { } that has swallowed its value: for want of a space, or of quotes around a text. */
function spaceMissing(document: Document, path: readonly PropertyKey[], key: string): string | undefined {
  const map = writtenAt(document, path);
  const pair = isMap(map) ? map.items.find((each) => isScalar(each.key) && each.key.value === key) : undefined;
  if (!isMap(map) || !map.flow || !pair || !(pair.value === null || (isScalar(pair.value) && !pair.value.source)))
    return undefined;
  const [, name] = /^([A-Za-z]\w*):\S/.exec(key) ?? [];
  if (name !== undefined) return `a colon is followed by a space: write ${name}: …`;
  return 'a key without a value: put quotes around the whole of a text with { } or a comma in it';
}

/** A key at the top that holds an anchor for others is its author's own, if its name says so. */
function ownKey(document: Document, key: string): KeyRemedy | undefined {
  const node = nodeAt(document, [key]);
  return (isMap(node) || isSeq(node)) && node.anchor !== undefined
    ? { words: `: keys of your own begin with x-, write x-${key}` }
    : undefined;
}

/** A comment of JSON with comments, which swallows the key on the next line. */
function commentKey(key: string, path: readonly PropertyKey[]): KeyRemedy | undefined {
  if (!/^\/[/*]/.test(key)) return undefined;
  const [, next] = /"?([A-Za-z]\w*)"?$/.exec(key) ?? [];
  return {
    words: ': a comment begins with #',
    ...(next !== undefined && { meant: [...placeOf(path), next] }),
  };
}

function nearestKey(key: string): string | undefined {
  return nearest(key, ['env', 'file']);
}

function isEmptyValue(document: Document, path: readonly PropertyKey[]): boolean {
  const node = writtenAt(document, path);
  return isScalar(node) && node.value === null;
}

function familyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'family' in value ? value.family : undefined;
}

/** A key at the top that names the operating system in other words. What the file says of its family is told there. */
function familyKey(
  key: string,
  { value, root, document }: Refused,
  path: readonly PropertyKey[],
): KeyRemedy | undefined {
  if (path.length > 0 || !meantBy(key).some((place) => place === 'family' || place === 'distribution'))
    return undefined;
  const { [key]: word } = value as Record<string, unknown>;
  const meant = typeof word === 'string' ? familyMeant(word, root) : undefined;
  if (!meant) return undefined;
  if (nodeAt(document, ['family']) === undefined) return { words: `: ${familyWritten(meant)}`, meant: ['family'] };
  const { distribution } = meant;
  return {
    words: distribution === undefined ? ': leave it out, family says it' : `: write distribution: ${distribution}`,
  };
}

/** Whether a place is another one, or lies below it. */
function isWithin(place: Place, other: Place): boolean {
  return `${textOf(place)}.`.startsWith(`${textOf(other)}.`);
}

/** The first words of the description, which name the thing. */
function whatIsMissing(schemas: readonly Schema[]): string {
  const [words] = schemas.flatMap(({ description }) => description?.split(/[.:,](?:\s|$)/)[0] ?? []);
  return words === undefined ? '' : `: ${words}`;
}

function valueMessage({ path, message }: z.core.$ZodIssue, forms: readonly Schema[], refused: Refused): string {
  const { document, value, schema, noun, root } = refused;
  const source = sourceAt(document, path);
  const wrong = valueAt(value, path);
  if (wrong === null) return 'is empty: write a value, or leave the key out';
  if (isTemplate(document, path)) return foreignVariable;
  const foreign =
    typeof wrong === 'string' && !message.includes('a variable is written') && message.includes(show(wrong))
      ? foreignText(wrong)
      : undefined;
  if (foreign !== undefined) return `${message}: ${foreign}`;
  const problemsWith = (candidate: unknown) => {
    const issues = schema.safeParse(withValue(value, path, candidate), { error: explain }).error?.issues ?? [];
    // What is wrong above it anyway is no fault of the candidate.
    return issues
      .flatMap((issue) => unfold(issue, document))
      .filter(({ code, path: place }) => isBelow(path, place) || (code === 'invalid_union' && isBelow(place, path)));
  };
  const asWritten = typeof wrong === 'number' && source !== undefined ? problemsWith(source) : [];
  const [inQuotes] = asWritten.length === 1 ? asWritten : [];
  // 8.10 is a number, 8.1.
  const words = inQuotes?.code === 'custom' ? inQuotes.message : withSource(message, wrong, source);
  if (/did you mean|: write /.test(words)) return words;
  const entry = typeof wrong === 'string' ? entryMeant(wrong, path, { forms, noun }) : undefined;
  if (entry !== undefined) return `${words}: write ${entry}`;
  const meant = path.join() === 'distribution' ? familyMeant(String(wrong), root) : undefined;
  if (meant && meant.family !== familyOf(value)) return `${words}: ${familyWritten(meant)}`;
  if (meant?.distribution !== undefined) return `${words}: write distribution: ${meant.distribution}`;
  const remedy = remedyOf({
    value: wrong,
    source,
    schemas: schemasAt(forms, path),
    isShown: typeof wrong !== 'object' && words.includes(show(wrong)),
    // A map that was put into a list may have mistakes of its own, which are told when it is there.
    fits: (candidate) =>
      problemsWith(candidate).every(
        (issue) =>
          typeof wrong === 'object' &&
          (issue.path.length > path.length + 1 ||
            (issue.path.length === path.length + 1 && !Array.isArray(candidate) && issue.code !== 'unrecognized_keys')),
      ),
  });
  const key = path.at(-1);
  const label = typeof key === 'string' ? `${key}: ` : '';
  if (remedy !== undefined) return `${words}: write ${label}${remedy}`;
  const shape = shapeRemedy(wrong, path, schemasAt(forms, path), problemsWith);
  if (shape !== undefined) return `${words}: ${shape}`;
  const known = keysAt(forms, path);
  return known.length > fewKeys ? words : words.replace(mapWords, `${mapWords} (${known.join(', ')})`);
}

/** Whether a value is a reference of another tool's templates, which YAML reads as a map within a map. */
function isTemplate(document: Document, path: readonly PropertyKey[]): boolean {
  const node = writtenAt(document, path);
  return isMap(node) && node.flow === true && isMap(node.items[0]?.key);
}

function withSource(message: string, wrong: unknown, source: string | undefined): string {
  const end = `got ${show(wrong)}`;
  return typeof wrong === 'number' && source !== undefined && message.endsWith(end)
    ? `${message.slice(0, -end.length)}got ${source}`
    : message;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((here: unknown, part) => (here as Record<PropertyKey, unknown> | undefined)?.[part], value);
}

function withValue(value: unknown, [part, ...rest]: readonly PropertyKey[], leaf: unknown): unknown {
  if (part === undefined) return leaf;
  const inner = withValue((value as Record<PropertyKey, unknown>)[part], rest, leaf);
  return Array.isArray(value) ? value.with(Number(part), inner) : { ...(value as object), [part]: inner };
}

function isBelow(path: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return path.every((part, index) => other[index] === part);
}

/** Of a value that may have several forms: what is wrong with it in the one form that it nearly has. A map is no misspelt word. */
function unfold(issue: z.core.$ZodIssue, document: Document): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isOther = (code: string) =>
    code === 'invalid_type' || (code === 'invalid_value' && isMap(writtenAt(document, issue.path)));
  const near = issue.errors.filter((inner) => !inner.some(({ code, path }) => path.length === 0 && isOther(code)));
  const [only = [], ...others] = near;
  if (only.length === 0 || others.length > 0) return [issue];
  return only.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}
