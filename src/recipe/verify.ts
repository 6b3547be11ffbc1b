import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf, VmkilnError } from '../errors.ts';
import { findFile, type Report } from './paths.ts';
import { formatProblems, type Problem, schemaProblems, valueOffset } from './problems.ts';
import { duration, guestPath } from './values.ts';

const own = z
  .strictObject({
    run: z.string().min(1).optional().describe('Shell command, run as root in a clone; its exit status has to be 0.'),
    expect: z.string().optional().describe('Text that the command has to print.'),
    timeout: duration(1).prefault('60s').describe('The longest that it may take.'),
    file: guestPath().optional().describe('A file that has to be there.'),
    contains: z.string().optional().describe('Text that the file has to hold.'),
    goss: z
      .string()
      .min(1)
      .optional()
      .describe('Tests for goss, in a file on this host: the goss on the PATH runs them in a clone.'),
  })
  .refine(({ run, file, goss }) => [run, file, goss].filter((each) => each !== undefined).length === 1, {
    error: 'expected one of run, file or goss',
  })
  .refine(({ run, expect }) => expect === undefined || run !== undefined, {
    path: ['expect'],
    error: 'expected expect beside run; of a file it is contains',
  })
  .refine(({ file, contains }) => contains === undefined || file !== undefined, {
    path: ['contains'],
    error: 'expected contains beside file; of a command it is expect',
  });

/** A check of the recipe's own. `timeout` is in seconds. */
export type OwnCheck = z.output<typeof own>;

/** Every check of vmkiln's, in the order of the results: of an image that is not booted, of its clones, of both together, of Windows. */
export const checkNames = [
  ...(['system', 'machine-id', 'leftovers', 'cloud-init', 'space', 'console', 'login', 'sudo', 'hostname'] as const),
  ...([
    'root-login',
    'passwords',
    'password-login',
    'users',
    'network',
    'resolv-conf',
    'zeroconf',
    'root-grown',
  ] as const),
  ...([
    'selinux',
    'units',
    'journal',
    'clock',
    'kernel',
    'timezone',
    'fstab',
    'permissions',
    'packages',
    'clones-differ',
    'clones-alike',
    'second-boot',
  ] as const),
  ...(['answer-file', 'secrets', 'cloudbase-init', 'first-boot'] as const),
] as const;

export type CheckName = (typeof checkNames)[number];

/** The files on this host that checks read. */
export function checkFiles(checks: readonly OwnCheck[] = []): string[] {
  return checks.flatMap(({ goss }) => goss ?? []);
}

/** Checks with the paths of their files made absolute, which count from `folder`; `report` is told of those that are not there. */
export function resolveChecks(checks: readonly OwnCheck[], folder: string, report: Report): OwnCheck[] {
  return checks.map((check, index) => {
    return check.goss === undefined ? check : { ...check, goss: findFile(check.goss, folder, [index, 'goss'], report) };
  });
}

const form = z.strictObject({
  skip: z.array(z.enum(checkNames)).prefault([]).describe('Checks that may fail; the manifest names them.'),
  checks: z.array(own).prefault([]).describe('Checks of yours, run in a booted clone.'),
  network: z.boolean().prefault(false).describe('Whether the clones may reach other hosts.'),
});

const usual: Verify = { skip: [], checks: [], network: false };

/** Whether and how a finished image is booted before it is published. */
export const verifyKey = z
  .union([z.boolean(), form], { error: 'expected true, false, or { skip: […], checks: […], network: true }' })
  .prefault(true)
  .transform((value) => (typeof value === 'object' ? value : value ? usual : undefined))
  .describe('Whether two clones of the finished image are booted and checked before it is published, and how.');

export type Verify = z.output<typeof form>;

const list = z.array(own, { error: 'expected a list of checks' });

/**
 * Reads a file of checks: a list like `verify.checks` of a recipe.
 *
 * @throws VmkilnError USAGE with every problem, one per line
 */
export async function loadChecks(path: string): Promise<OwnCheck[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const parsed = list.safeParse(document.errors.length > 0 ? undefined : document.toJS());
  const problems: Problem[] = document.errors.map(({ pos, message }) => ({ offset: pos[0], path: [], message }));
  if (parsed.success) {
    const checks = resolveChecks(parsed.data, dirname(path), (at, message) =>
      problems.push({ offset: valueOffset(document, at), path: at, message }),
    );
    if (problems.length === 0) return checks;
  } else if (problems.length === 0)
    problems.push(...schemaProblems(parsed.error.issues, document, { schema: list, noun: 'list' }));
  throw new VmkilnError('USAGE', formatProblems(path, problems, lines).join('\n'));
}

/** What a build says of a recipe that lets something pass. */
export function verifyNotes(verify: Verify | undefined): string[] {
  if (verify === undefined)
    return ['the image is published although nobody has looked into it or booted it: verify is false'];
  return verify.skip.length === 0 ? [] : [`these checks of the image may fail: ${verify.skip.join(', ')}`];
}
