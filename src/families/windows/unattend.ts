import type * as FastXml from 'fast-xml-parser';
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

/** The elements of a text, or where and why it is not XML; `line` and `column` count from 1. */
export function parseXml(text: string): { root: Element } | { line: number; column: number; message: string } {
  // A document type could define entities; no answer file has one.
  const doctype = text.indexOf('<!DOCTYPE');
  if (doctype >= 0) return { ...positionOf(text, doctype), message: 'an answer file has no document type' };
  const { XMLParser, XMLValidator } = load<typeof FastXml>('fast-xml-parser');
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    const { line, col: column, msg } = valid.err as { line?: number; col?: number; msg: string };
    return { line: line ?? 1, column: column ?? 1, message: unclosed(msg) ?? msg };
  }
  const parser = new XMLParser({
    preserveOrder: true,
    captureMetaData: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
  });
  const metadata = XMLParser.getMetaDataSymbol() as unknown as symbol;
  const [root] = elements(parser.parse(text) as Node[], metadata);
  return root ? { root } : { line: 1, column: 1, message: 'there is no element in it' };
}

/** The parser's list of elements that are still open where the text ends, in words. */
function unclosed(message: string): string | undefined {
  const [, list] = /^Invalid '(\[[^]*\])' found/.exec(message) ?? [];
  return list && `it ends inside ${(JSON.parse(list) as string[]).join(' > ')}`;
}

type Node = { [key: string | symbol]: unknown };

/** `metadata` is the key under which the parser keeps where an element begins. */
function elements(nodes: readonly Node[], metadata: symbol): Element[] {
  return nodes.flatMap((node): Element[] => {
    const name = Object.keys(node).find((key) => key !== ':@');
    if (name === undefined || name === '#text') return [];
    const inner = node[name] as Node[];
    const text = inner.map((child) => (typeof child['#text'] === 'string' ? child['#text'] : '')).join('');
    return [
      {
        name,
        attributes: (node[':@'] ?? {}) as Record<string, string>,
        children: elements(inner, metadata),
        text: text.trim(),
        at: (node[metadata] as { startIndex?: number } | undefined)?.startIndex ?? 0,
      },
    ];
  });
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
