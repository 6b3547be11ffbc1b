import type * as FastXml from 'fast-xml-parser';
import { load } from '../load.ts';

/** An image of an install.wim. */
export type WimImage = {
  index: number;
  /** What Setup goes by, and what people see where it differs. */
  name: string;
  displayName: string;
  description: string;
  edition: string;
  build: number;
  /** Undefined where the file does not say. */
  architecture: string | undefined;
  languages: readonly string[];
};

/** Values of PROCESSOR_ARCHITECTURE, from winnt.h. */
const architectures: Readonly<Record<string, string>> = { 0: 'x86', 5: 'arm', 6: 'ia64', 9: 'amd64', 12: 'arm64' };

/** Bytes that `wimXmlExtent` needs of the file's beginning. */
export const wimHeaderSize = 208;

/**
 * Where the XML of a WIM or ESD lies, from its header (Microsoft's "Windows Imaging File Format" paper); in bytes.
 * Undefined when it is none.
 */
export function wimXmlExtent(header: Buffer): { position: number; length: number } | undefined {
  if (header.length < wimHeaderSize || header.toString('latin1', 0, 8) !== 'MSWIM\0\0\0') return undefined;
  // A resource header: 7 bytes of size, one of flags, then its position.
  const length = Number(header.readBigUInt64LE(72) & 0xffffffffffffffn);
  const position = Number(header.readBigUInt64LE(80));
  return length > 0 && length <= 16 * 1024 ** 2 ? { position, length } : undefined;
}

/** The images that the XML of a WIM (UTF-16) names. */
export function readWimXml(data: Buffer): WimImage[] {
  const { XMLParser } = load<typeof FastXml>('fast-xml-parser');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    isArray: (name) => name === 'IMAGE' || name === 'LANGUAGE',
  });
  const root: unknown = parser.parse(data.toString('utf16le').replace(/^\ufeff/, ''));
  return list(root, 'WIM', 'IMAGE').map((image) => ({
    index: Number(text(image, '@INDEX')),
    name: text(image, 'NAME'),
    displayName: text(image, 'DISPLAYNAME'),
    description: text(image, 'DESCRIPTION'),
    edition: text(image, 'WINDOWS', 'EDITIONID'),
    build: Number(text(image, 'WINDOWS', 'VERSION', 'BUILD')),
    architecture: architectures[text(image, 'WINDOWS', 'ARCH')],
    languages: list(image, 'WINDOWS', 'LANGUAGES', 'LANGUAGE').map((language) => text(language)),
  }));
}

/** What a path of elements leads to; undefined where an element is missing, or is a text. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (here, key) => (typeof here === 'object' && here !== null ? (here as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function list(value: unknown, ...path: string[]): unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

/** The text of an element. One with attributes is an object that has it beside them. */
function text(value: unknown, ...path: string[]): string {
  const found = at(value, path);
  const content = typeof found === 'object' ? at(found, ['#text']) : found;
  return typeof content === 'string' ? content : '';
}
