import { XMLParser } from 'fast-xml-parser';

/** An image of an install.wim. */
export type WimImage = { index: number; name: string; edition: string; build: number; languages: readonly string[] };

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
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    isArray: (name) => name === 'IMAGE' || name === 'LANGUAGE',
  });
  const root = parser.parse(data.toString('utf16le').replace(/^\ufeff/, '')) as { WIM?: { IMAGE?: WimXml[] } };
  return (root.WIM?.IMAGE ?? []).map((image) => ({
    index: Number(image['@INDEX']),
    name: image.NAME ?? '',
    edition: image.WINDOWS?.EDITIONID ?? '',
    build: Number(image.WINDOWS?.VERSION?.BUILD ?? 0),
    languages: image.WINDOWS?.LANGUAGES?.LANGUAGE ?? [],
  }));
}

type WimXml = {
  '@INDEX'?: string;
  NAME?: string;
  WINDOWS?: { EDITIONID?: string; VERSION?: { BUILD?: string }; LANGUAGES?: { LANGUAGE?: string[] } };
};
