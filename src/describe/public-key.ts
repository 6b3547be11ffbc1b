import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { verifyingKey } from './envelope.ts';
import { messageOf, VmkilnError } from '../errors.ts';

/** The public key in a file, if one is given. @throws VmkilnError USAGE, SIGNATURE_INVALID */
export async function readPublicKey(file: string | undefined, cwd: string): Promise<KeyObject | undefined> {
  if (file === undefined) return undefined;
  const path = resolve(cwd, file);
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `the key ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'give the path of a public key in PEM',
      cause,
    });
  });
  return verifyingKey(pem, file);
}
