import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';

/** What somebody may do: see, have an entry built, change channels. Who may do one of the others sees too. */
export const roles = ['view', 'build', 'promote'] as const;
export type Role = (typeof roles)[number];

/** Somebody with a token, by the name that the file gives them. */
export type Person = { name: string; roles: readonly Role[] };

/** Who may come in. Of a token only its SHA-256 is kept. */
export type Known = Person & { digest: Buffer };

/** What an Authorization header can carry (RFC 6750, b64token), and long enough that nobody guesses it. */
const tokenForm = /^[A-Za-z0-9._~+/-]{32,512}=*$/;

/** A token of 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

export function knownBy(token: string, person: Person): Known {
  return { ...person, digest: digestOf(token) };
}

/** Whose token it is, if it is anybody's. All are compared, each in constant time. Pure. */
export function personOf(known: readonly Known[], token: string): Person | undefined {
  const digest = digestOf(token);
  const [found] = known.filter((each) => timingSafeEqual(each.digest, digest));
  return found && { name: found.name, roles: found.roles };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * Reads a file of tokens, which nobody else may read.
 *
 * @throws VmkilnError USAGE, which names the line and never what is in it.
 */
export async function readTokens(path: string): Promise<Known[]> {
  const hint = `write it so that only you can read it: (umask 077; echo "ops view $(openssl rand -hex 32)" > ${path})`;
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `the file of tokens cannot be read: ${messageOf(cause)}`, { hint, cause });
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new VmkilnError('USAGE', `${path} is no file of tokens`, { hint });
    if ((stats.mode & 0o077) !== 0)
      throw new VmkilnError('USAGE', `others can read or change the tokens in ${path}`, { hint: `chmod 600 ${path}` });
    return parseTokens(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

/** Lines `NAME ROLE[,ROLE]… TOKEN`; what follows a `#` at their beginning says nothing. Pure. @throws VmkilnError USAGE */
export function parseTokens(text: string, path: string): Known[] {
  const lines = text.split('\n').map((line, index) => ({ words: line.trim().split(/\s+/), number: index + 1 }));
  const known = lines
    .filter(({ words: [first = ''] }) => first !== '' && !first.startsWith('#'))
    .map(({ words, number }) => parseLine(words, `${path}:${number}`));
  const names = known.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new VmkilnError('USAGE', `${path} has two lines for ${twice}`, { hint: 'remove one' });
  if (known.length === 0) {
    throw new VmkilnError('USAGE', `${path} has no token`, { hint: 'add a line: NAME view TOKEN' });
  }
  return known;
}

function parseLine([name = '', its = '', token = '', ...more]: readonly string[], at: string): Known {
  const wanted = its.split(',');
  const wrong = wanted.find((role) => !(roles as readonly string[]).includes(role));
  const problem =
    token === '' || more.length > 0
      ? 'expected three words: NAME ROLES TOKEN'
      : !/^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$/.test(name)
        ? 'expected a name of letters, digits and "._@-" as the first word'
        : wrong !== undefined
          ? `expected roles as the second word, such as view,promote: ${roles.join(', ')}`
          : tokenForm.test(token)
            ? undefined
            : 'expected a token of 32 characters or more as the third word, as `openssl rand -hex 32` prints one';
  if (problem !== undefined) throw new VmkilnError('USAGE', `${at}: ${problem}`, { hint: 'correct that line' });
  return knownBy(token, { name, roles: [...new Set<Role>(['view', ...(wanted as Role[])])] });
}
