import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type Handlebars from 'handlebars';
import runtime from 'handlebars/runtime.js';
import { messageOf, VmkilnError } from '../errors.ts';
import type { RenderedFile, SecretEncoding, SecretRef } from '../model.ts';
import { controlCharacters } from '../recipe/values.ts';
import { type Hole, holeMark, holeText, makeHole } from './holes.ts';
import { compiled } from './compiled.ts';
import { type UnknownPath, unknownPaths } from './paths.ts';
import { load } from '../load.ts';
import { shellQuote } from '../text.ts';

/** Values that a template may use. Texts are one line each; the template helpers are listed in `helpers`. */
export type View = { readonly [name: string]: ViewValue };
type ViewValue = string | number | boolean | SecretRef | View | readonly ViewValue[];

/** Whether `{{value}}` is written as it stands, or escaped for XML. */
export type Kind = 'text' | 'xml';

/** What the helpers collect while a file is rendered. Handlebars hands it to them as private data, beside the view. */
type Rendering = { file: string; holes: Map<string, Hole> };

/** Handlebars with its compiler, which takes longer to load than everything else does: only a template of the user's needs it. */
function compiler(): typeof Handlebars {
  return load<typeof Handlebars>('handlebars');
}

/** Each kind of file has an environment of its own, so that nothing registered for one can change the other. */
const environments = new Map<string, typeof Handlebars>();

function environmentOf(kind: Kind, isCompiled: boolean): typeof Handlebars {
  const key = `${kind} ${isCompiled}`;
  const made = environments.get(key) ?? environment(kind === 'xml' ? 'xml' : 'plain', isCompiled);
  environments.set(key, made);
  return made;
}

/**
 * The names of the helpers. `{{sh value}}` is one word for a shell or a kickstart, from a text or a secret;
 * `{{secret reference}}` is a secret as it stands (text) or escaped (XML).
 */
export const helpers = ['sh', 'secret'] as const;

function environment(encoding: SecretEncoding, isCompiled: boolean): typeof Handlebars {
  const isolated = (isCompiled ? (runtime as unknown as typeof Handlebars) : compiler()).create();
  const hole = (value: unknown, as: SecretEncoding, { data }: Handlebars.HelperOptions) =>
    new isolated.SafeString(leaveHole(value as SecretRef, as, (data as { rendering: Rendering }).rendering));
  isolated.registerHelper('sh', (value: unknown, options: Handlebars.HelperOptions) =>
    typeof value === 'object' ? hole(value, 'shell', options) : shellQuote(String(value)),
  );
  isolated.registerHelper('secret', (value: unknown, options: Handlebars.HelperOptions) =>
    hole(value, encoding, options),
  );
  return isolated;
}

function leaveHole(secret: SecretRef, encoding: SecretEncoding, rendering: Rendering): string {
  const hole = makeHole(secret, encoding);
  const before = rendering.holes.get(hole.name);
  if (before && before.encoding !== encoding)
    throw new Error(`the secret ${hole.name} is needed in two encodings in ${rendering.file}`);
  rendering.holes.set(hole.name, hole);
  return holeText(hole.name);
}

/**
 * Renders a template file. Secrets of the view appear as holes.
 * @throws VmkilnError TEMPLATE_INVALID with file and line
 */
export function renderTemplate(file: string, name: string, kind: Kind, view: View): RenderedFile {
  return { name, ...renderText(readSource(file), file, kind, view) };
}

/** The text of a template that may have been written on Windows, with a byte order mark and CRLF. */
export function readSource(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new VmkilnError('TEMPLATE_INVALID', `the template cannot be read: ${messageOf(cause)}`, { cause });
  }
  try {
    // In a kickstart the mark would belong to the first word, and a carriage return to each line of its scripts.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n');
    if (!text.includes('\0')) return text;
  } catch {
    // The decoder only says that it failed.
  }
  throw new VmkilnError('TEMPLATE_INVALID', `${file} is not UTF-8`, {
    hint: `find out what it is with \`file ${file}\`, then convert it: iconv -f UTF-16 -t UTF-8`,
  });
}

/** The names that a template uses, such as `timezone` and `variables.site`. Undefined for one that cannot be rendered. */
export function namesIn(file: string): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  const { Visitor, parse } = compiler();
  const visitor = new Visitor();
  visitor.PathExpression = ({ parts }) => names.add(parts.join('.'));
  try {
    visitor.accept(parse(readSource(file)));
    return names;
  } catch {
    return undefined;
  }
}

/** Renders the text of a template; `file` is its name in errors. */
export function renderText(source: string, file: string, kind: Kind, view: View): Omit<RenderedFile, 'name'> {
  checkValue(view, file, []);
  const ready = compiled.get(compiledKey(source, kind));
  // The paths of a shipped template are right for every view: the tests render them all, uncompiled.
  if (!ready) checkPaths(source, file, view);
  const rendering: Rendering = { file, holes: new Map() };
  try {
    const template = ready
      ? environmentOf(kind, true).template(ready)
      : environmentOf(kind, false).compile(source, compileOptions(kind));
    return { text: template(view, { data: { rendering } }), holes: [...rendering.holes.values()] };
  } catch (cause) {
    throw new VmkilnError('TEMPLATE_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * What a compiled template is found by.
 * @public for scripts/bundle.mjs
 */
export function compiledKey(source: string, kind: Kind): string {
  return `${kind} ${createHash('sha256').update(source).digest('hex')}`;
}

/**
 * How a template of that kind is compiled.
 * @public for scripts/bundle.mjs
 */
export function compileOptions(kind: Kind): PrecompileOptions {
  const knownHelpers = Object.fromEntries(helpers.map((helper) => [helper, true]));
  return { strict: true, knownHelpers, knownHelpersOnly: true, noEscape: kind === 'text' };
}

/** Handlebars notices an unknown name only in `{{name}}`; this also finds it in `{{#if name}}` and as an argument. */
function checkPaths(source: string, file: string, view: View): void {
  let unknown: ReturnType<typeof unknownPaths>;
  try {
    unknown = unknownPaths(compiler().parse(source), view, helpers);
  } catch (cause) {
    const { line, what } = readParseError(messageOf(cause));
    throw new VmkilnError('TEMPLATE_INVALID', `${file}:${line}: ${what}`, { hint: literalBraces, cause });
  }
  unknown.push(...escapedPaths(source, view));
  if (unknown.length === 0) return;
  throw new VmkilnError(
    'TEMPLATE_INVALID',
    unknown.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'),
    {
      hint: `a template may use ${Object.keys(view).join(', ')}; ${literalBraces}`,
    },
  );
}

const literalBraces = String.raw`where the file itself means {{, write \{{`;

/** A backslash before `{{` keeps the braces as they are, which nobody means who writes `C:\{{folder}}`. */
function escapedPaths(source: string, view: View): UnknownPath[] {
  return [...source.matchAll(/(?<!\\)\\\{\{\{?\s*(?:(?:sh|secret)\s+)?([\w-]+)/g)]
    .filter(([, name = '']) => Object.hasOwn(view, name))
    .map(({ 0: found, index }) => ({
      line: source.slice(0, index).split('\n').length,
      message: String.raw`"${found}" keeps its braces: for a backslash and the value write \\{{`,
    }));
}

/** Handlebars tells a place in two ways: "Parse error on line 2:" with the source below, or " - 1:2" at the end. */
function readParseError(message: string): { line: string; what: string } {
  const [, first, expectation] = /^Parse error on line (\d+):[\s\S]*\n(.*)$/.exec(message) ?? [];
  if (first !== undefined) return { line: first, what: parseFault(expectation ?? '') };
  const [, what = message, second = '1'] = /^([\s\S]*) - (\d+):\d+$/.exec(message) ?? [];
  return { line: second, what };
}

/** The parser speaks of its tokens; the two mistakes that people make have words of their own. */
function parseFault(expectation: string): string {
  if (expectation.includes("'OPEN_ENDBLOCK'") && expectation.endsWith("got 'EOF'"))
    return 'the file ends inside a block: a {{/if}}, {{/unless}} or {{/each}} is missing';
  if (expectation.includes("got 'OPEN_ENDBLOCK'")) return 'this {{/…}} closes a block that was never opened';
  return `is not a valid template: ${expectation}`;
}

/** No value may begin a line of its own in an answer file, nor pass for a hole. */
function checkValue(value: ViewValue, file: string, path: readonly string[]): void {
  if (typeof value === 'string') {
    const fault = controlCharacters.test(value)
      ? 'a line break or control character'
      : value.includes(holeMark)
        ? `"${holeMark.trim()}"`
        : undefined;
    if (fault) throw new VmkilnError('TEMPLATE_INVALID', `${file}: ${path.join('.')} must not hold ${fault}`);
  } else if (typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) checkValue(inner as ViewValue, file, [...path, name]);
  }
}
