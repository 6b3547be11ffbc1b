const limit = 1024;

/** Control characters, and those that turn the direction of text around or hide: they forge what a terminal shows. */
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * A text from inside an image, fit to be shown: unsafe characters become `\u{…}`, and what is longer than 1024
 * characters is cut.
 */
export function printable(text: string): string {
  return harmless(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** A text of somebody else with all of its characters, but none that a terminal obeys. */
export function harmless(text: string): string {
  // A surrogate without its other half becomes U+FFFD on the way.
  return Buffer.from(text)
    .toString()
    .replace(unsafe, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A fixed-width field: the text before its first NUL, without blanks around it. */
export function fieldText(bytes: Buffer, encoding: 'latin1' | 'utf8' | 'utf16le'): string {
  const text = bytes.toString(encoding);
  const end = text.indexOf('\0');
  return printable((end === -1 ? text : text.slice(0, end)).trim());
}

/** A GUID as Microsoft writes it: the first three groups are little-endian. */
export function guid(bytes: Buffer, at: number): string {
  const hex = bytes
    .toString('hex', at, at + 16)
    .padEnd(32, '0')
    .toUpperCase();
  const swapped = (from: number, to: number) => (hex.slice(from, to).match(/../g) ?? []).toReversed().join('');
  return [swapped(0, 8), swapped(8, 12), swapped(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
