import { isUtf8 } from 'node:buffer';

/**
 * The text of a file, or what is wrong with it as text. A byte order mark tells UTF-16, in which some editors and shells of
 * Windows write (RFC 2781, section 3.2); no text has zero bytes otherwise.
 */
export function decode(bytes: Uint8Array): { text: string } | { problem: string } {
  const [first = 0, second = 0] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return { problem: 'is UTF-16 text: convert it with iconv -f utf-16 -t utf-8' };
  if (bytes.includes(0)) return { problem: 'is no text' };
  const text = Buffer.from(bytes).toString('utf8');
  if (isUtf8(bytes)) return { text: text.replace(/^\uFEFF/, '') };
  // What could not be decoded became U+FFFD, which may stand in the text itself; then the first of them is told.
  const line = text.split('\uFFFD', 1)[0]?.split('\n').length;
  return { problem: `is not UTF-8 text, from line ${line} on: convert it with iconv -f latin1 -t utf8` };
}
