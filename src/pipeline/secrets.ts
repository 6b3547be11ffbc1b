import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecret } from '../answers/holes.ts';
import { VmkilnError } from '../errors.ts';
import type { Env, RenderedFile, SecretRef } from '../model.ts';
import { writeAtomic } from '../store/files.ts';
import { withLock } from '../store/lock.ts';
import { singleQuote } from '../text.ts';

/** What stands for a secret that is missing where none is needed. */
export const dummySecret = 'rehearsal-dummy';

/** Gives a secret's value. */
export type ReadSecret = (secret: SecretRef) => string;

/** Reads secrets. In a rehearsal one that is missing gets a dummy value, for nothing real is registered. */
export function secretReader(rehearsal: boolean, env: Env): ReadSecret {
  if (!rehearsal) return (secret) => readSecret(secret, env);
  return (secret) => {
    try {
      return readSecret(secret, env);
    } catch {
      return dummySecret;
    }
  };
}

/**
 * All secret values of the rendered files, and the ways packages.sh writes them: what must never be seen. Longer ones
 * come first, so that no rest of one stays. Reading them also shows that they are there.
 *
 * @throws VmkilnError SECRET_MISSING that names all that are missing.
 */
export function secretValues(rendered: readonly RenderedFile[], read: ReadSecret): string[] {
  const missing = new Map<string, VmkilnError>();
  const values = rendered.flatMap(({ holes }) =>
    holes.flatMap(({ secret }) => {
      try {
        return read(secret);
      } catch (error) {
        if (!(error instanceof VmkilnError)) throw error;
        missing.set(error.message, error);
        return [];
      }
    }),
  );
  const [only, ...others] = missing.values();
  if (only && others.length === 0) throw only;
  if (only) {
    const hints = new Set([only, ...others].flatMap(({ hint }) => hint ?? []));
    throw new VmkilnError('SECRET_MISSING', [...missing.keys()].join('\n'), { hint: [...hints].join('\n') });
  }
  return [...new Set(values.flatMap(spellings))].toSorted((a, b) => b.length - a.length);
}

/** A value as it is, quoted for a shell, and with every byte as %XX, as it stands in the URL of a proxy. */
function spellings(value: string): string[] {
  const bytes = Buffer.from(value).toString('hex');
  return [value, singleQuote(value).slice(1, -1), bytes.replace(/../g, '%$&')];
}

/**
 * Keyed hashes (HMAC-SHA-256, hex) of the secrets that stay in the guest, by the name of their hole. The key is
 * this machine's own (`state/mac.key`), so that a plan or a fingerprint tells nothing about the secret.
 */
export async function secretMacs(
  rendered: readonly RenderedFile[],
  read: ReadSecret,
  state: string,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const holes = rendered.flatMap((file) => file.holes).filter((hole) => hole.inGuest);
  if (holes.length === 0) return {};
  const path = join(state, 'mac.key');
  const key = await withLock(state, 'mac.key', { signal }, async () => {
    const found = await readFile(path).catch(() => undefined);
    if (found && found.length === 32) return found;
    const made = randomBytes(32);
    await writeAtomic(path, made, 0o600);
    return made;
  });
  return Object.fromEntries(
    holes.map(({ name, secret }) => [name, createHmac('sha256', key).update(read(secret)).digest('hex')]),
  );
}
