import { VmkilnError } from '../errors.ts';
import type { SecretEncoding } from '../model.ts';
import { controlCharacters } from '../recipe/values.ts';
import { singleQuote } from '../text.ts';

/** Text for an XML element or a quoted attribute. */
function xmlEscape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}

const encoders: Record<SecretEncoding, (text: string) => string> = {
  // Always quoted: an empty result or a word such as ~ would be read as something else.
  shell: singleQuote,
  xml: xmlEscape,
  plain: (text) => text,
};

/**
 * A secret as it is written where it is needed. The error names the secret, never its value.
 * @throws VmkilnError SECRET_MISSING if it is empty or has a line break or control character: no tool takes such a one whole
 */
export function encodeSecret(value: string, encoding: SecretEncoding, name: string): string {
  if (value === '') throw new VmkilnError('SECRET_MISSING', `the secret ${name} is empty`);
  if (controlCharacters.test(value)) {
    throw new VmkilnError('SECRET_MISSING', `the secret ${name} has a line break or a control character in it`, {
      hint: 'a secret is one line of text; the line break at the end of a file does not count',
    });
  }
  return encoders[encoding](value);
}
