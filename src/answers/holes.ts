import { readFileSync } from 'node:fs';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Env, RenderedFile, SecretEncoding, SecretRef } from '../model.ts';
import { encodeSecret } from './quote.ts';

/** How a hole begins. No value of a recipe may hold it: see `checkValue` in templates.ts. */
export const holeMark = '⟨secret ';

export type Hole = RenderedFile['holes'][number];

/** The name of a secret: of its variable, or of its file. */
function secretName(secret: SecretRef): string {
  return 'env' in secret ? secret.env : secret.file;
}

/** What stands in a rendered file where a secret belongs, for people and for `fillHoles`. */
export function holeText(name: string): string {
  return `${holeMark}${name}⟩`;
}

export function makeHole(secret: SecretRef, encoding: SecretEncoding, inGuest = false): Hole {
  return { name: secretName(secret), secret, encoding, inGuest };
}

/**
 * The text of a file with its secrets in it, each encoded for its place.
 * @throws VmkilnError SECRET_MISSING
 */
export function fillHoles(file: RenderedFile, read: (secret: SecretRef) => string): string {
  // One pass over the text: a secret that looks like a hole is not filled in its turn.
  const texts = new Map(file.holes.map((hole) => [holeText(hole.name), hole]));
  if (texts.size === 0) return file.text;
  const pattern = new RegExp(
    [...texts.keys()].map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|'),
    'g',
  );
  return file.text.replace(pattern, (text) => {
    const hole = texts.get(text);
    return hole ? encodeSecret(read(hole.secret), hole.encoding, hole.name) : text;
  });
}

/**
 * The value of a secret, without the line break at the end of its file.
 * @throws VmkilnError SECRET_MISSING
 */
export function readSecret(secret: SecretRef, env: Env): string {
  if ('env' in secret) {
    const value = env[secret.env];
    if (value) return value;
    throw new VmkilnError(
      'SECRET_MISSING',
      `the environment variable ${secret.env} is ${value === '' ? 'empty' : 'not set'}`,
      {
        hint: `the recipe takes a secret from it: export ${secret.env}=…`,
      },
    );
  }
  try {
    return readFileSync(secret.file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new VmkilnError('SECRET_MISSING', `the file of a secret cannot be read: ${messageOf(cause)}`, { cause });
  }
}
