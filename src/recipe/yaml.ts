import {
  type Document,
  isMap,
  isNode,
  isPair,
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
): { document: Document; problems: Problem[] } {
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error', merge: true });
  } catch (cause) {
    const message = `cannot be read as YAML: ${messageOf(cause)}`;
    return { document: parseDocument(''), problems: [{ offset: 0, path: [], message }] };
  }
  const problems =
    document.errors.length > 0 ? faults(document, { text, lines: lineCounter, noun }) : strayTags(document);
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
  const [, name = 'name', preset = ''] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-)?/.exec(rest) ?? [];
  return `a variable within { } or [ ] needs quotes: write "\${${name}${preset && `${preset}…`}}"`;
}

function faultOf(error: YAMLError, document: Document, { text, lines, noun }: Source): Omit<Problem, 'path'> {
  const { code, message } = error;
  const [offset] = error.pos;
  const rest = text.slice(offset, (text.indexOf('\n', offset) + 1 || text.length + 1) - 1);
  const at = (words: string, where = offset) => ({ offset: where, message: words });
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
      return message.startsWith('Missing closing')
        ? at('this quote is not closed', openQuote(document, offset))
        : at(message);
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
function strayTags({ warnings, contents }: Document): Problem[] {
  if (!isMap(contents)) return [];
  return warnings.flatMap(({ code, pos }) =>
    code === 'TAG_RESOLVE_FAILED'
      ? [
          {
            offset: pos[0],
            path: [],
            message: 'a tag (!…) means nothing here: leave it out, or put quotes around the text',
          },
        ]
      : [],
  );
}
