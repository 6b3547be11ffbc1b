import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument, type Scalar, visit } from 'yaml';
import type { z } from 'zod';
import { type ErrorCode, messageOf, VmkilnError } from '../errors.ts';
import { decode } from './decode.ts';
import { explain } from './explain.ts';
import { foreignDocument } from './foreign.ts';
import type { RecipeFiles } from './files.ts';
import { valueOffset, writtenAt } from './nodes.ts';
import { formatProblems, type Problem } from './problems.ts';
import type { Recipe } from './recipe.ts';
import { substitute } from './variables.ts';
import { parseYaml } from './yaml.ts';
import { didYouMean, nearest } from '../text.ts';

/** The longest recipe that is read, in bytes. */
export const largestRecipe = 1024 ** 2;
const mostAliases = 50;

export type LoadedRecipe = {
  recipe: Recipe;
  /** The file, as an absolute path. */
  path: string;
  text: string;
  /** Of the text, lower-case hex. */
  sha256: string;
};

/**
 * What a document may be, and how its paths are made absolute, which tells of files that are not there. `noun` is what a person calls it,
 * `code` what its mistakes are.
 */
export type DocumentKind<T> = {
  noun: string;
  code: ErrorCode;
  schema: z.ZodType<T>;
  resolve(value: T, files: RecipeFiles): T;
};

/** What a recipe may be. */
type RecipeKind = Pick<DocumentKind<Recipe>, 'schema' | 'resolve'>;

/**
 * `rehearsal`: variables of `source` may be missing, since practice media take its place. `cwd`: the current folder. `stdin`: the
 * text that the path `-` stands for; its relative paths count from the current folder. `shared`: variables that a document need not
 * use, since they are in a file for many.
 */
export type LoadOptions = {
  rehearsal?: boolean;
  cwd?: string;
  stdin?: string | undefined;
  shared?: ReadonlySet<string>;
};

/**
 * Reads a recipe, replaces its variables, validates it and makes its paths absolute.
 * @throws VmkilnError RECIPE_INVALID with every problem, one per line; VARIABLE_INVALID for a variable that nothing uses
 */
export async function loadWith(
  kind: RecipeKind,
  path: string,
  variables: Readonly<Record<string, string>>,
  options: LoadOptions,
): Promise<LoadedRecipe> {
  const { value, tell: _, ...file } = await loadDocument({ ...recipes, ...kind }, path, variables, options);
  return { recipe: value, ...file };
}

const recipes = { noun: 'recipe', code: 'RECIPE_INVALID' } as const;

/** `tell` puts the position of a key before what is found to be wrong with it later. */
type LoadedDocument<T> = Omit<LoadedRecipe, 'recipe'> & {
  value: T;
  tell: (at: readonly PropertyKey[], message: string) => string;
};

/** Reads any document of the kind as `loadWith` reads a recipe, with the same errors. @throws VmkilnError of its code, VARIABLE_INVALID */
export async function loadDocument<T>(
  kind: DocumentKind<T>,
  file: string,
  variables: Readonly<Record<string, string>>,
  options: LoadOptions,
): Promise<LoadedDocument<T>> {
  const { schema, resolve: resolvePaths } = kind;
  const { cwd = '.', stdin } = options;
  const isInput = file === '-' && stdin !== undefined;
  const path = isInput ? 'standard input' : file;
  const text = isInput ? stdin : await readDocument(kind, path, cwd);
  const lines = new LineCounter();
  const fail = (problems: readonly Problem[]): never => {
    throw new VmkilnError(kind.code, formatProblems(path, problems, lines).join('\n'));
  };
  const document = readYaml(kind, text, lines, fail);
  const { problems, used, whole } = replaceVariables(document, variables, options.rehearsal ?? false);
  if (problems.length > 0) fail(problems);
  const toValue = () => valueOf(kind, path, document);
  let value = toValue();
  checkAllUsed(kind, variables, used, options.shared);
  let parsed = schema.safeParse(value, { error: explain });
  if (!parsed.success && readWhole(parsed.error.issues, document, whole)) {
    value = toValue();
    parsed = schema.safeParse(value, { error: explain });
  }
  if (!parsed.success) {
    // What is known of guesses is for those who have guessed.
    const { schemaProblems } = await import('./schema-problems.ts');
    return fail(schemaProblems(parsed.error.issues, document, { schema, noun: kind.noun, value }));
  }
  const report: RecipeFiles['report'] = (at, message) =>
    problems.push({ offset: valueOffset(document, at), path: at, message });
  const given = (at: readonly PropertyKey[]) => isGiven(value, at);
  const resolved = resolvePaths(parsed.data, { folder: dirname(resolve(cwd, file)), cwd, report, given });
  if (problems.length > 0) fail(problems);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const tell: LoadedDocument<T>['tell'] = (at, message) =>
    formatProblems(path, [{ offset: valueOffset(document, at), path: at, message }], lines).join('\n');
  return { value: resolved, path: isInput ? file : resolve(cwd, path), text, sha256, tell };
}

/** What a kind is called, and what its mistakes are. */
type Named = Pick<DocumentKind<unknown>, 'noun' | 'code'>;

/** The text of a document. @throws VmkilnError of its code when it cannot be read, or is no text in UTF-8 */
export async function readDocument({ noun, code }: Named, path: string, cwd: string): Promise<string> {
  const invalid = (what: string, cause?: unknown) => new VmkilnError(code, `${path}: ${what}`, { cause });
  if (path === '') throw new VmkilnError(code, `the path of the ${noun} is empty`);
  const [, name] = /^([A-Za-z_]\w*)=/.exec(path) ?? [];
  const file = resolve(cwd, path);
  const info = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT'
      ? invalid(`there is no such file${name === undefined ? '' : `: a variable is set by --set ${name}=…`}`)
      : invalid(`cannot be read: ${messageOf(cause)}`, cause);
  });
  if (!info.isFile()) throw invalid(info.isDirectory() ? `is a folder; expected a ${noun} file` : 'is not a file');
  if (info.size > largestRecipe) throw invalid(`is larger than 1 MiB, which no ${noun} is`);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw invalid(`cannot be read: ${messageOf(cause)}`, cause);
  });
  const read = decode(bytes);
  if ('problem' in read) throw invalid(read.problem);
  return read.text;
}

function readYaml(
  { noun }: Named,
  text: string,
  lines: LineCounter,
  fail: (problems: readonly Problem[]) => never,
): Document {
  const { document, problems } = parseYaml(text, lines, noun);
  const isSound = problems.length === 0;
  if (isSound && isMap(document.contents)) return document;
  const foreign = noun === 'recipe' ? foreignDocument(text) : undefined;
  if (foreign !== undefined) return fail([{ offset: 0, path: [], message: foreign }]);
  if (!isSound) return fail(problems);
  // With all its lines commented out, a configuration sets nothing.
  if (document.contents === null && noun === 'configuration') return parseDocument('{}');
  const empty = `the ${noun} is empty${noun === 'recipe' ? ': vmkiln init writes a first one' : ''}`;
  const list = 'expected a map of keys, got a list: take away the "- " before the keys';
  const message =
    document.contents === null
      ? empty
      : isSeq(document.contents)
        ? list
        : 'expected a map of keys: KEY: VALUE, with a space after the colon';
  return fail([{ offset: 0, path: [], message }]);
}

/** The value of a document, without the keys that are its author's own. */
function valueOf({ code }: Named, path: string, document: Document): unknown {
  try {
    const value = document.toJS({ maxAliasCount: mostAliases }) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')));
  } catch (cause) {
    throw new VmkilnError(code, `${path}: has too many YAML aliases, or one within itself`, { cause });
  }
}

function isGiven(value: unknown, [key, ...rest]: readonly PropertyKey[]): boolean {
  if (key === undefined) return true;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
  return isGiven((value as Record<PropertyKey, unknown>)[key], rest);
}

type Replaced = { problems: Problem[]; used: Set<string>; whole: Set<Scalar> };

/** Replaces variables in the document's texts, after parsing: a value cannot add structure. Empty ones leave their key out. */
function replaceVariables(
  document: Document,
  variables: Readonly<Record<string, string>>,
  rehearsal: boolean,
): Replaced {
  const result: Replaced = { problems: [], used: new Set(), whole: new Set() };
  visit(document, {
    Alias(_, node) {
      if (!node.resolve(document)) {
        result.problems.push({
          offset: node.range?.[0] ?? 0,
          path: [],
          message: `the alias *${node.source} has no anchor &${node.source} above it: put quotes around a text that begins with *`,
        });
      }
    },
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return undefined;
      const { text, used, whole, unknown, malformed } = substitute(node.value, variables);
      for (const name of used) result.used.add(name);
      const later = rehearsal && inSource(document, ancestors);
      const problem = (message: string) => result.problems.push({ offset: node.range?.[0] ?? 0, path: [], message });
      // One with another within it is read as two.
      if (malformed) problem('a variable is written ${name} or ${name:-default}; write $${ for a literal ${');
      for (const name of later || malformed ? [] : new Set(unknown)) {
        const slip = didYouMean(name, Object.keys(variables));
        problem(
          `the variable "${name}" has no value${slip || `: pass --set ${name}=…, or write $\${${name}} if it is meant for a shell`}`,
        );
      }
      if (whole && text === '' && !(later && unknown.length > 0)) return visit.REMOVE;
      node.value = later && unknown.length > 0 ? 'practice-media' : text;
      if (whole) result.whole.add(node);
      return undefined;
    },
    Pair(_, pair) {
      if (!isScalar(pair.value) || typeof pair.value.value !== 'string') return undefined;
      const { text, used, whole, unknown } = substitute(pair.value.value, variables);
      if (!whole || text !== '' || unknown.length > 0) return undefined;
      for (const name of used) result.used.add(name);
      return visit.REMOVE;
    },
  });
  return result;
}

function inSource(document: Document, ancestors: readonly unknown[]): boolean {
  return isMap(document.contents) && ancestors.includes(document.contents.get('source', true));
}

/** A variable of a file that many recipes share need not be in each of them, unless it is a slip of one that is. */
function checkAllUsed(
  { noun }: Named,
  variables: Readonly<Record<string, string>>,
  used: ReadonlySet<string>,
  shared: ReadonlySet<string> = new Set(),
): void {
  const open = [...used].filter((name) => !Object.hasOwn(variables, name));
  const unused = Object.keys(variables).filter((name) => !used.has(name));
  const wrong = unused.filter((name) => !shared.has(name) || nearest(name, open) !== undefined);
  if (wrong.length === 0) return;
  const messages = wrong.map((name) => `the ${noun} has no variable "${name}"${didYouMean(name, used)}`);
  throw new VmkilnError('VARIABLE_INVALID', messages.join('\n'), {
    hint: used.size > 0 ? `it has ${[...used].toSorted().join(', ')}` : 'it has no variables at all',
  });
}

/** A text that is one variable becomes a number or a boolean where the schema wants one. Says whether any did. */
function readWhole(issues: readonly z.core.$ZodIssue[], document: Document, whole: ReadonlySet<Scalar>): boolean {
  let changed = false;
  for (const issue of issues) {
    const scalar = writtenAt(document, issue.path);
    if (!isScalar(scalar) || !whole.has(scalar)) continue;
    const kinds = expectedTypes(issue);
    if (!kinds.includes('number') && !kinds.includes('int') && !kinds.includes('boolean')) continue;
    const read: unknown = parseDocument(String(scalar.value), { logLevel: 'silent' }).contents?.toJSON();
    if (typeof read !== 'number' && typeof read !== 'boolean') continue;
    scalar.value = read;
    changed = true;
  }
  return changed;
}

/** The types that would do where a value has the wrong one; of alternatives, those of each. */
function expectedTypes(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [issue.expected];
  return issue.code === 'invalid_union' ? issue.errors.flatMap((problems) => problems.flatMap(expectedTypes)) : [];
}
