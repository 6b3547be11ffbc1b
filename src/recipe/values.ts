import { z } from 'zod';
import type { SecretRef } from '../model.ts';
import { durationPattern, parseDuration, parseSize, sizePattern } from './units.ts';

// A recipe is read once: to compile the schema for it takes longer than to go through it.
z.config({ jitless: true });

/** Characters that end a line for a shell, for YAML or for Python's `splitlines`, and all other control characters. */
// oxlint-disable-next-line no-control-regex
export const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** The way a wrong value appears in an error: short, on one line, and without the credentials of a URL. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = (JSON.stringify(value) ?? 'nothing').replace(/:\/\/[^/@\s]*@/, '://…@');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const expected = (what: string) => (issue: { input?: unknown }) =>
  issue.input === undefined ? undefined : `expected ${what}, got ${show(issue.input)}`;

/** What editors say of a text that does not have its form (a keyword of vscode-json-languageservice). */
const editorWords = (what: string) => ({ patternErrorMessage: `expected ${what}` });

/** A size in bytes, written as `8G`. `least` is in bytes. */
export function size(least: string) {
  const what = 'a size like 8G';
  return z
    .string({ error: expected(what) })
    .regex(sizePattern, { error: expected(`${what} (units: K, M, G, T or KiB, MiB, GiB, TiB)`), abort: true })
    .meta(editorWords(what))
    .refine((text) => (parseSize(text) ?? 0) >= (parseSize(least) ?? 0), {
      error: expected(`at least ${least}`),
      abort: true,
    })
    .refine((text) => (parseSize(text) ?? 0) <= 64 * 1024 ** 4, { error: expected('at most 64T'), abort: true })
    .transform((text) => parseSize(text) ?? 0);
}

/** A duration in seconds, written as `60m`; `most` is in days. */
export function duration(most = 7) {
  const what = `a duration like ${most > 7 ? '30d' : '60m'}`;
  return z
    .string({ error: expected(what) })
    .regex(durationPattern, { error: expected(`${what} (units: s, m, h, d)`), abort: true })
    .meta(editorWords(what))
    .transform((text) => parseDuration(text) ?? 0)
    .refine((seconds) => seconds > 0 && seconds <= most * 86_400, {
      error: `expected more than 0s and at most ${most}d`,
    });
}

/**
 * Text on one line, optionally of a given form; `what` says in words what is expected, `several` what to do with several lines,
 * and `remedy` what helps with a text of another form, if it knows.
 */
export function line(
  what = 'text on one line',
  pattern?: RegExp,
  { several = '', remedy = () => '' }: { several?: string; remedy?: (text: string) => string } = {},
) {
  const text = z.string({ error: expected(what) }).min(1, { error: `expected ${what}, got nothing`, abort: true });
  // One problem is enough for one value, so each check ends the row.
  const otherwise = (issue: { input?: unknown }) => `${expected(what)(issue)}${remedy(String(issue.input))}`;
  const formed = pattern ? text.regex(pattern, { error: otherwise, abort: true }) : text;
  const single = formed.refine((value) => !controlCharacters.test(value), {
    error: `expected ${what}, without line breaks or control characters${several}`,
  });
  return pattern ? single.meta(editorWords(what)) : single;
}

/** What is said of a variable as other tools write it. */
export const foreignVariable = '{{ }} means nothing here: a variable is written ${name}';

/** The same for a whole text that is one: `$NAME` of shells, `%NAME%` of Windows, `<%= %>` of ERB. */
export function foreignText(text: string): string | undefined {
  const [, shell, percent] = /^\s*(?:\$([A-Za-z_]\w*)|%([A-Za-z_]\w*)%)\s*$/.exec(text) ?? [];
  const name = shell ?? percent;
  if (name !== undefined) return `a variable is written \${${name}}, and --set ${name}=… gives it a value`;
  if (/<%.*%>/.test(text)) return '<% %> means nothing here: a variable is written ${name}';
  return /\{\{.*\}\}/.test(text) ? foreignVariable : undefined;
}

/** What a shell or another tool would replace in a path, and nothing here does. */
function unreplaced(text: string): string | undefined {
  if (text.startsWith('~')) return '~ stands for no folder here: write the whole path';
  const [, name] = /^(\$[A-Za-z_]\w*)/.exec(text) ?? [];
  return foreignText(name ?? text);
}

/** A path on this host; `what` may say that it can be something else. */
export function hostPath(what = 'a path') {
  return line(what, undefined, { several: ': a text of several lines goes into a file of its own' }).refine(
    (text) => unreplaced(text) === undefined,
    {
      error: ({ input }) => `expected ${what}, got ${show(input)}: ${unreplaced(String(input))}`,
    },
  );
}

/** A URL with a user or a password in it, which would end up in the plan. */
export const hasCredentials = /^[a-z]+:\/\/[^/]*@/i;

/** A URL of a given form. */
export const url = (what: string, pattern: RegExp) =>
  line(what, pattern)
    .refine((value) => !hasCredentials.test(value), {
      error: `expected ${what} without a user and password in it: they never belong in a recipe`,
      abort: true,
    })
    .refine((value) => URL.canParse(value) && !/^[a-z]+:\/\/[^/]*:0+(\/|$)/i.test(value), {
      error: `expected ${what}, with a host, and a port from 1 to 65535 if any`,
    });

/** A path in the guest. virt-customize separates its parts with colons and has no way to escape one. */
export function guestPath() {
  return line('an absolute path in the guest, without a colon', /^\/[^:]*$/);
}

const secretForm = 'a reference to a secret, { env: NAME } or { file: PATH }';

/** A secret by reference. What stands in its place is never repeated in an error: it may be the secret. */
export function secret() {
  return z
    .strictObject(
      {
        env: z
          .string({ error: expected('the name of an environment variable') })
          // What is none may be the secret itself.
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
            error: ({ input }) =>
              `expected the name of an environment variable (letters, digits and "_")${
                /^\$\{?[A-Z_][A-Z0-9_]*\}?$/.test(String(input)) ? `, got ${show(input)}` : ''
              }`,
          })
          .meta(editorWords('the name of an environment variable'))
          .optional()
          .describe('Name of the environment variable that holds the secret.'),
        file: hostPath().optional().describe('File that holds the secret. A final line break does not count.'),
      },
      {
        error: (issue) => {
          if (issue.code !== 'invalid_type' || issue.input === undefined) return undefined;
          return `expected ${secretForm}; a secret itself never belongs in a recipe`;
        },
      },
    )
    .refine(({ env, file }) => (env === undefined) !== (file === undefined), { error: `expected ${secretForm}` })
    .transform(({ env, file }): SecretRef => (env === undefined ? { file: file ?? '' } : { env }))
    .meta({ minProperties: 1, maxProperties: 1 });
}
