import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { messageOf } from '../errors.ts';
import type { Problem } from './problems.ts';

/**
 * A text as YAML, with merge keys (`<<`), and what is wrong with it. Texts of the file are not repeated: one of them may be a
 * secret that stands where it should not. Of one mistake the parser may find many; each is told once.
 */
export function parseYaml(
  text: string,
  lineCounter: LineCounter,
  noun: string,
  options: { schema?: 'failsafe' } = {},
): { document: Document; problems: Problem[] } {
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error', merge: true, ...options });
  } catch (cause) {
    const message = `cannot be read as YAML: ${messageOf(cause)}`;
    return { document: parseDocument(''), problems: [{ offset: 0, path: [], message }] };
  }
  const problems =
    document.errors.length > 0
      ? faults(document, { text, lines: lineCounter, noun })
      : [...strayTags(document, text), ...strangeKeys(document)];
  return { document, problems };
}

/** Where a plain `${` ends the text it was meant to be part of: within `{ }` and `[ ]`, a `{` begins a map. */
function openVariables(text: string): number[] {
  const found: number[] = [];
  let [offset, before] = [0, ''];
  for (const token of new Lexer().lex(text)) {
    // Marks of a document and of a text, which are no characters of the file.
    if (['\u0002', '\u0018', '\u001f'].includes(token)) continue;
    if (token === '{' && before.endsWith('$')) found.push(offset - 1);
    [offset, before] = [offset + token.length, token];
  }
  return found;
}

type Source = { text: string; lines: LineCounter; noun: string };

function faults(document: Document, source: Source): Problem[] {
  const { text } = source;
  const variables = openVariables(text);
  const told: Problem[] = variables.map((offset) => ({
    offset,
    path: [],
    message: unquotedVariable(text.slice(offset)),
  }));
  let end = Math.min(...variables);
  for (const error of document.errors) {
    // What follows a fault of the structure is read as something that it is not.
    if (error.pos[0] >= end) break;
    told.push({ path: [], ...faultOf(error, document, source) });
    if (error.code !== 'DUPLICATE_KEY') end = 0;
  }
  return told;
}

function unquotedVariable(rest: string): string {
  // `${var.iso}` of another tool is the variable iso.
  const [, name = 'name', preset = ''] = /^\$\{(?:[\w-]+\.)*([A-Za-z_]\w*)(:-)?/.exec(rest) ?? [];
  return `a variable within { } or [ ] needs quotes: write "\${${name}${preset && `${preset}…`}}"`;
}

/** What the parser says, by its first words, and what helps. */
const otherFaults: readonly (readonly [words: string, told: string])[] = [
  [
    'Implicit map keys',
    'this text stands where a key should: indent what belongs to the key above it, or write KEY: VALUE',
  ],
  [
    'Missing directives-end',
    'a line that begins with % speaks to YAML itself: leave it out, or put quotes around a text',
  ],
  ['Missing space after :', 'a colon is followed by a space: write KEY: VALUE'],
  ['Missing , ', 'the entries of { } and [ ] are separated by commas, and a text with { } [ ] or , in it needs quotes'],
  ['Comments must', 'a comment begins after a space: write one before the #, or put quotes around the text'],
  ['Sequence item without', 'every entry of a list begins with "- ", in the same column'],
  ['Block collection cannot start', 'what follows --- begins on the next line'],
  [
    'Tags and anchors must',
    'there is a space missing after the tag or anchor: put quotes around a text that begins with ! or &',
  ],
  ['Alias', 'put quotes around a text that begins with *'],
  ['An alias', 'an alias (*…) stands alone: put quotes around a text that begins with *, ! or &'],
  ['Anchor', 'put quotes around a text that begins with &'],
  ['A node can have', 'one tag and one anchor at most: put quotes around a text that begins with ! or &'],
];

function faultOf(error: YAMLError, document: Document, { text, lines, noun }: Source): Omit<Problem, 'path'> {
  const { code, message } = error;
  const [offset] = error.pos;
  const rest = text.slice(offset, (text.indexOf('\n', offset) + 1 || text.length + 1) - 1);
  const at = (words: string, where = offset) => ({ offset: where, message: words });
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const line = text.slice(lineStart, offset) + rest;
  const space = line.search(/[\u00a0\u2007\u202f\u3000]/);
  if (space >= 0 && !/["']/.test(line.slice(0, space)))
    return at('a no-break space stands here, as web pages have it: write an ordinary one', lineStart + space);
  if (noun === 'recipe' && /^%(end|packages|pre|post|addon|include|onerror|traceback)\b/.test(line))
    return at('a section of a kickstart stands in the kickstart: install: { kickstart: FILE }', lineStart);
  if (/\r(?!\n)/.test(text) && !text.includes('\n'))
    return at('its lines end with a carriage return alone: convert it with tr "\\r" "\\n"', 0);
  // Of the parser itself: maps or lists too deep for it.
  if (message.includes('call stack')) return at('is nested too deeply');
  switch (code) {
    case 'DUPLICATE_KEY':
      return at(duplicate(document, offset, lines));
    case 'MULTIPLE_DOCS':
      return at(`a ${noun} is one YAML document, and a second one begins here: put it into a file of its own`);
    case 'TAB_AS_INDENT':
      return at('a tab indents this line, which YAML does not allow: indent with spaces');
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'BLOCK_IN_FLOW':
      if (/^[\w-]+:(\s|$)/.test(rest))
        return at(
          'a text with ": " in it needs quotes: put "…" around it, or of two keys the second below the first, indented',
        );
      if (/:(\s|$)/.test(rest)) return at('a text with ": " in it needs quotes: put "…" or \'…\' around it');
      return at('the line below is indented like a part of this text: indent it like the keys beside it');
    case 'BAD_INDENT':
      if (message.startsWith('Flow'))
        return at(
          `a ${message.startsWith('Flow map') ? '{' : '['} is not closed before this: ${/\S\.?$/.exec(message)?.[0]} is missing`,
        );
      return at('this line is indented otherwise than the keys beside it: indent them alike');
    case 'MULTILINE_IMPLICIT_KEY':
      return at('a key is followed by a colon and a space: write KEY: VALUE');
    case 'BAD_SCALAR_START':
      return at(`a text that begins with ${text[offset]} needs quotes: put "…" around it`);
    case 'BAD_DQ_ESCAPE':
      return at('a backslash within "…" begins an escape: write \\\\, or put \'…\' around the text');
    case 'UNEXPECTED_TOKEN':
      if (message.endsWith('at node end'))
        return at('the value has ended before this: put quotes around the whole of it');
      if (message.startsWith('Unexpected block-seq-ind'))
        return at('a list begins on a line of its own, or is written [a, b]');
      if (message.startsWith('Not a YAML token')) return at('the text after | or > begins on the next line, indented');
      return at(`there is something here that does not belong here: ${JSON.stringify(text[offset] ?? 'the end')}`);
    default:
      if (message.startsWith('Missing closing')) return at('this quote is not closed', openQuote(document, offset));
      return at(otherFaults.find(([words]) => message.startsWith(words))?.[1] ?? message);
  }
}

/** Where the text begins whose closing quote is missing at an offset. */
function openQuote(document: Document, end: number): number {
  let begin = end;
  visit(document, {
    Scalar(_, { type, range }) {
      if (type?.startsWith('QUOTE') && range && range[0] < end && range[1] >= end) begin = range[0];
    },
  });
  return begin;
}

function duplicate(document: Document, offset: number, lines: LineCounter): string {
  let first: number | undefined;
  visit(document, {
    Map(_, { items }) {
      const again = items.find(({ key }) => isNode(key) && key.range?.[0] === offset);
      const same = items.find((item) => isPair(item) && String(item.key) === String(again?.key));
      if (again && same && isNode(same.key)) first = same.key.range?.[0];
    },
  });
  const where = first === undefined ? 'above' : `on line ${lines.linePos(first).line}`;
  return `this key is already set ${where}: keep one of them`;
}

/** Tags of other programs, such as `!vault`: what they would make of a value, nobody here does. */
function strayTags({ warnings, contents }: Document, source: string): Problem[] {
  if (!isMap(contents)) return [];
  return warnings.flatMap(({ code, pos }) =>
    code === 'TAG_RESOLVE_FAILED'
      ? [
          {
            offset: pos[0],
            path: [],
            message: `a tag (!…) means nothing here: ${tagRemedy(source.slice(...pos))}`,
          },
        ]
      : [],
  );
}

/** Tags that others read a variable of the environment, or a secret, by. */
function tagRemedy(tag: string): string {
  return /^!\W*(env|secret|vault)/i.test(tag)
    ? 'a secret is written { env: NAME } or { file: PATH }'
    : 'leave it out, or put quotes around the text';
}

/** Keys that are no texts, or nothing at all, and merge keys with something else than maps: YAML reads what no one means so. */
function strangeKeys(document: Document): Problem[] {
  const found: Problem[] = [];
  visit(document, {
    Pair(_, { key, value }) {
      const tell = (message: string) => found.push({ offset: (isNode(key) && key.range?.[0]) || 0, path: [], message });
      if (isCollection(key)) {
        // Another tool's template is told with its value.
        if (!isMap(key) || value !== null)
          tell('a map or a list is no key: put quotes around the whole of a text with { or [ in it');
      } else if (isScalar(key) && key.value === null) tell('there is no key before this colon');
      else if (isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol')) {
        const merged = [isAlias(value) ? value.resolve(document) : value].flatMap((each) =>
          isSeq(each) ? each.items : [each],
        );
        const isWrong = (each: unknown) => !isMap(isAlias(each) ? each.resolve(document) : each);
        if (merged.some(isWrong) && !(isAlias(value) && !value.resolve(document)))
          tell('<< merges maps alone: *NAME has to be the anchor of one');
      }
    },
  });
  return found;
}
