import type * as FastXml from 'fast-xml-parser';
import type * as Sax from 'sax';
import { load } from '../../load.ts';

/** An element of an answer file; `at` is its place in the text, in characters. */
export type Element = {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: readonly Element[];
  /** The text directly in it, trimmed. */
  text: string;
  at: number;
};

type Fault = { line: number; column: number; message: string };

/** The elements of a text, or where and why it is not XML; `line` and `column` count from 1. */
export function parseXml(text: string): { root: Element } | Fault {
  // A document type could define entities; no answer file has one.
  const doctype = text.indexOf('<!DOCTYPE');
  if (doctype >= 0) return { ...positionOf(text, doctype), message: 'an answer file has no document type' };
  // Characters that XML 1.0 has no place for (2.2).
  // oxlint-disable-next-line no-control-regex
  const control = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  if (control >= 0) return { ...positionOf(text, control), message: 'a control character' };
  const open = unendedAt(text);
  if (open) return open;
  const { XMLValidator } = load<typeof FastXml>('fast-xml-parser');
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    const { line, col: column, msg } = valid.err as { line?: number; col?: number; msg: string };
    const inside = unclosed(msg);
    // The parser's place of an end is the beginning.
    if (inside !== undefined) return { ...positionOf(text, text.trimEnd().length), message: inside };
    const near = text.split('\n')[(line ?? 1) - 1] ?? '';
    const shown = holdsSecret.test(near) ? msg.replaceAll(/'[^']*'/g, '…') : msg;
    return { line: line ?? 1, column: column ?? 1, message: `${shown.replace(/\.$/, '')}${remedy(msg)}` };
  }
  return readElements(text);
}

/** A line in which a password or key may stand: what the parser takes for a tag, behind a `<`, may be a piece of it. */
const holdsSecret = /<(Value|Key|ProductKey|\w*Password|AccountData)>/;

/** Where a comment or a CDATA section begins that does not end. */
function unendedAt(text: string): Fault | undefined {
  const rest = text.replaceAll(/<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>/g, (whole) => ' '.repeat(whole.length));
  const at = rest.search(/<!--|<!\[CDATA\[/);
  if (at < 0) return undefined;
  return {
    ...positionOf(text, at),
    message: `what begins here has no end: ${rest[at + 2] === '-' ? '-->' : ']]>'} is missing`,
  };
}

/** What to write instead, for the characters that XML has its own use for. */
function remedy(message: string): string {
  if (/character entity|entity name|char '&'/i.test(message))
    return ': write &amp; for an &, and no entities but those of XML';
  if (/after '<'|invalid name/i.test(message)) return ': write &lt; for a < in a text';
  if (/declaration allowed only/i.test(message)) return ': nothing may precede <?xml, not even a comment or a space';
  if (/without value|Unquoted/i.test(message)) return ': write it between straight quotes';
  if (/malformed comment/i.test(message)) return ': no -- inside of a comment';
  return '';
}

/** The parser's list of elements that are still open where the text ends, in words. */
function unclosed(message: string): string | undefined {
  const [, list] = /^Invalid '(\[[^]*\])' found/.exec(message) ?? [];
  return list && `it ends inside ${(JSON.parse(list) as string[]).join(' > ')}`;
}

/** Only the five entities of XML. The types do not know this option of sax 1.2.2 and later. */
const options = { strictEntities: true } as Sax.SAXOptions;

type Open = Element & { children: Element[] };

/** Reads the elements, and refuses what the validator passes over: entities nobody defines, comments with `--`, a second root. */
function readElements(text: string): { root: Element } | Fault {
  const parser = load<typeof Sax>('sax').parser(true, options);
  const roots: Element[] = [];
  const open: Open[] = [];
  let fault: Fault | undefined;
  const say = (message: string) => {
    fault ??= { line: parser.line + 1, column: parser.column + 1, message: `${message}${remedy(message)}` };
  };
  const addText = (piece: string) => {
    const inner = open.at(-1);
    if (inner) inner.text += piece;
  };
  Object.assign(parser, {
    onerror: ({ message }: Error) => {
      say(message.split('\n')[0] ?? message);
      parser.resume();
    },
    onopentag: ({ name, attributes }: Sax.Tag) => {
      if (open.length === 0 && roots.length > 0) say('there is a second element behind the first');
      const element: Open = { name, attributes, children: [], text: '', at: parser.startTagPosition - 1 };
      (open.at(-1)?.children ?? roots).push(element);
      open.push(element);
    },
    ontext: addText,
    oncdata: addText,
    onclosetag: () => {
      const closed = open.pop();
      if (closed) closed.text = closed.text.trim();
    },
  });
  parser.write(text).close();
  const [root] = roots;
  return fault ?? (root ? { root } : { line: 1, column: 1, message: 'there is no element in it' });
}

/** Without components of other architectures of which there is one of 64-bit Windows: some files serve several machines. */
export function withoutTwins(root: Element): Element {
  const key = ({ attributes }: Element) => attributes['name']?.toLowerCase();
  const isOwn = ({ attributes }: Element) => attributes['processorArchitecture']?.toLowerCase() === 'amd64';
  const children = root.children.map((settings) => {
    const own = new Set(settings.children.filter((each) => isOwn(each)).map(key));
    return { ...settings, children: settings.children.filter((each) => isOwn(each) || !own.has(key(each))) };
  });
  return { ...root, children };
}

/** Whether commands of Windows PE lay the image down with DISM, and Setup itself does nothing: so do files of schneegans.de. */
export function appliesImage(setup: readonly Element[]): boolean {
  return setup.some((component) => descendants(component, 'Path').some(({ text }) => /\/apply-image/i.test(text)));
}

/** Line and column, from 1, of a place in a text. */
export function positionOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The element of that name directly below one. */
export function childOf(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((child) => child.name === name);
}

/** The text of the element of that name directly below one. */
export function textOf(element: Element | undefined, name: string): string | undefined {
  return childOf(element, name)?.text;
}

/** Whether the element of that name directly below one says true. */
export function isTrue(element: Element | undefined, name: string): boolean {
  return textOf(element, name)?.toLowerCase() === 'true';
}

/** All elements of that name below one, however deep. */
export function descendants(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...descendants(child, name)]);
}
