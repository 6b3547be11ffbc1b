import { readFile } from 'node:fs/promises';
import { type Document, LineCounter } from 'yaml';
import { messageOf, VmkilnError } from '../errors.ts';
import { decode } from './decode.ts';
import { formatProblems } from './problems.ts';
import { show } from './values.ts';
import { parseYaml } from './yaml.ts';

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The variables of a run. Those that are `shared` come from a file for many recipes, and not every recipe uses them all. */
export type Variables = { values: Readonly<Record<string, string>>; shared: ReadonlySet<string> };

/**
 * The variables of a run: those of `--vars FILE` (a YAML or JSON map of texts), then those of `--set KEY=VALUE`.
 * @throws VmkilnError VARIABLE_INVALID
 */
export async function readVariables(options: { set: readonly string[]; vars?: string }): Promise<Variables> {
  const fromFile = options.vars === undefined ? {} : await readVarsFile(options.vars);
  const set = Object.fromEntries(options.set.map(parseSetting));
  const shared = new Set(Object.keys(fromFile).filter((name) => !Object.hasOwn(set, name)));
  return { values: { ...fromFile, ...set }, shared };
}

function parseSetting(setting: string): [string, string] {
  const at = setting.indexOf('=');
  const name = setting.slice(0, Math.max(at, 0));
  // The value may be private, so only the name is repeated.
  if (at < 0) throw invalid('--set needs KEY=VALUE, and there is no "=" in what was given');
  if (!namePattern.test(name))
    throw invalid(`--set ${name}=…: a name has letters, digits and "_", and does not start with a digit`);
  return [name, setting.slice(at + 1)];
}

async function readVarsFile(path: string): Promise<Record<string, string>> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw invalid(`--vars ${path}: there is no such file`);
    if (code === 'EISDIR') throw invalid(`--vars ${path}: is a folder; expected a YAML file of variables`);
    throw invalid(`--vars ${path}: cannot be read: ${messageOf(cause)}`, cause);
  });
  const read = decode(bytes);
  if ('problem' in read) throw invalid(`--vars ${path}: ${read.problem}`);
  const { text } = read;
  // The failsafe schema keeps every scalar as it is written: 7.10 stays 7.10.
  const lines = new LineCounter();
  const { document, problems } = parseYaml(text, lines, 'file of variables', { schema: 'failsafe' });
  if (problems.length > 0) throw invalid(formatProblems(`--vars ${path}`, problems, lines).join('\n'));
  const value = jsOf(document, path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(
      `--vars ${path}: ${text.trim() === '' ? 'is empty: ' : ''}expected a map of names to texts, NAME: VALUE`,
    );
  }
  for (const [name, content] of Object.entries(value)) {
    if (!namePattern.test(name))
      throw invalid(
        `--vars ${path}: "${name}" is not a name for a variable: it has letters, digits and "_", and does not start with a digit`,
      );
    if (typeof content !== 'string') throw invalid(`--vars ${path}: ${name}: expected text, got ${show(content)}`);
  }
  return value as Record<string, string>;
}

function jsOf(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 });
  } catch {
    throw invalid(`--vars ${path}: an alias (*NAME) has no anchor (&NAME) above it, or there are too many`);
  }
}

function invalid(message: string, cause?: unknown): VmkilnError {
  return new VmkilnError('VARIABLE_INVALID', message, { cause });
}

/** What became of a scalar: its text, the variables it used, and the mistakes in it. */
export type Substituted = {
  text: string;
  used: readonly string[];
  whole: boolean;
  unknown: readonly string[];
  malformed: boolean;
};

const pattern = /\$\$\{|\$\{([^{}]*)\}/g;
const reference = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/**
 * Replaces `${name}` and `${name:-default}`; `$${` stands for `${`. An empty value takes the default too, as in a shell.
 * `whole` says that the text was one variable and nothing else.
 */
export function substitute(text: string, variables: Readonly<Record<string, string>>): Substituted {
  const used: string[] = [];
  const unknown: string[] = [];
  let malformed = false;
  const replaced = text.replace(pattern, (match, inner: string | undefined) => {
    if (inner === undefined) return '${';
    const [, name, fallback] = reference.exec(inner) ?? [];
    if (name === undefined) {
      malformed = true;
      return match;
    }
    used.push(name);
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined && fallback === undefined) unknown.push(name);
    return value || (fallback ?? value ?? '');
  });
  // A `${` that is left has no `}`, or holds another reference: `${a:-${b}}` is not supported.
  if (text.replace(pattern, '').includes('${')) malformed = true;
  const whole = used.length === 1 && text.replace(pattern, '') === '' && !malformed;
  return { text: replaced, used, whole, unknown, malformed };
}
