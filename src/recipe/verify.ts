import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LineCounter } from 'yaml';
import { z } from 'zod';
import { messageOf, VmkilnError } from '../errors.ts';
import { explain } from './explain.ts';
import { findFile, type Report } from './paths.ts';
import { valueOffset } from './nodes.ts';
import { formatProblems } from './problems.ts';
import { duration, guestPath, line } from './values.ts';
import { parseYaml } from './yaml.ts';

/** How grave it is that a rule fails: XCCDF 1.2 (NISTIR 7275 r4), the attribute `severity`, without `unknown`, which no order has. */
export const severities = ['info', 'low', 'medium', 'high'] as const;

export type Severity = (typeof severities)[number];

const own = z
  .strictObject({
    run: z
      .string()
      .min(1)
      .optional()
      .describe('Shell command that runs as root in a clone; its exit status must be 0.'),
    expect: z.string().optional().describe('Text that the command must print.'),
    timeout: duration(1).optional().describe('The longest time that it may take; by default 60s, and 2h for oscap.'),
    file: guestPath().optional().describe('A file of the clone that must exist.'),
    contains: z.string().optional().describe('Text that the file must contain.'),
    goss: z
      .string()
      .min(1)
      .optional()
      .describe('Tests for goss, in a file on this host: the goss on the PATH runs them in a clone.'),
    oscap: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A SCAP source data stream, a file on this host: the oscap on the PATH evaluates the image by it, offline.',
      ),
    profile: line('the id of a profile, or the end of one')
      .optional()
      .describe('The profile of the data stream or of the tailoring: its id, or the end of it.'),
    tailoring: z.string().min(1).optional().describe('A tailoring of the data stream, a file on this host.'),
    severity: z
      .enum(severities)
      .optional()
      .describe('The lowest severity of a rule that must hold; by default all rules must hold.'),
  })
  .refine(({ run, file, goss, oscap }) => [run, file, goss, oscap].filter((each) => each !== undefined).length === 1, {
    error: 'expected one of run, file, goss or oscap',
  })
  .refine(({ oscap, profile }) => (oscap === undefined) === (profile === undefined), {
    path: ['profile'],
    error: 'expected oscap and profile beside each other; `oscap info FILE` lists the profiles',
  })
  .refine(({ oscap, tailoring, severity }) => oscap !== undefined || (tailoring ?? severity) === undefined, {
    error: 'expected tailoring and severity beside oscap only',
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

/** Seconds that a check may take. An evaluation reads whole file systems through FUSE. */
export function timeoutOf({ timeout, oscap }: OwnCheck): number {
  return timeout ?? (oscap === undefined ? 60 : 7200);
}

/** A check by SCAP content. */
export type ScapCheck = OwnCheck & { oscap: string; profile: string };

export function isScap(check: OwnCheck): check is ScapCheck {
  return check.oscap !== undefined;
}

/** The keys of a check that name a file on this host. */
const fileKeys = ['goss', 'oscap', 'tailoring'] as const;

/** Every check of vmkiln's, in the order of the results: of an image that is not booted, of its clones, of both together, of Windows. */
export const checkNames = [
  ...(['system', 'machine-id', 'leftovers', 'cloud-init', 'space', 'console', 'login', 'sudo', 'hostname'] as const),
  ...([
    'root-login',
    'passwords',
    'password-login',
    'users',
    'authorized-keys',
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
  ...(['answer-file', 'secrets', 'sysprep', 'autologon', 'cloudbase-init', 'first-boot'] as const),
] as const;

export type CheckName = (typeof checkNames)[number];

/** The files on this host that checks read. */
export function checkFiles(checks: readonly OwnCheck[] = []): string[] {
  return checks.flatMap((check) => fileKeys.flatMap((key) => check[key] ?? []));
}

/** A check with `change` made of each of its files; `key` is the one that names it. */
export function withFiles(
  check: OwnCheck,
  change: (path: string, key: (typeof fileKeys)[number]) => string | undefined,
): OwnCheck {
  const files = fileKeys.flatMap((key) => {
    const path = check[key];
    return path === undefined ? [] : [[key, change(path, key)]];
  });
  return { ...check, ...Object.fromEntries(files) };
}

/** Checks with the paths of their files made absolute, which count from `folder`; `report` is told of those that are not there. */
export function resolveChecks(checks: readonly OwnCheck[], folder: string, report: Report): OwnCheck[] {
  return checks.map((check, index) => withFiles(check, (path, key) => findFile(path, folder, [index, key], report)));
}

const form = z.strictObject({
  skip: z.array(z.enum(checkNames)).prefault([]).describe('Checks that may fail; the manifest names them.'),
  checks: z
    .array(own)
    .prefault([])
    .describe('Your own checks, run in a booted clone; oscap evaluates the image itself.'),
  network: z.boolean().prefault(false).describe('Whether the clones may reach other hosts.'),
  metadataService: z
    .boolean()
    .prefault(false)
    .describe("Whether the second boot asks OpenStack's metadata service instead of reading a drive."),
});

/** What is verified where nothing else is said. */
export const usual: Verify = { skip: [], checks: [], network: false, metadataService: false };

/** Whether and how a finished image is booted before it is published. */
export const verifyKey = z
  .union([z.boolean(), form], { error: 'expected true, false, or { skip: […], checks: […], network: true }' })
  .prefault(true)
  .transform((value) => (typeof value === 'object' ? value : value ? usual : undefined))
  .describe(
    'Whether the build boots and checks two clones of the finished image before it publishes the image, and how.',
  );

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
  const { document, problems } = parseYaml(text, lines, 'list');
  if (problems.length === 0) {
    const value: unknown = document.toJS();
    const parsed = list.safeParse(value, { error: explain });
    if (parsed.success) {
      const report: Report = (at, message) => problems.push({ offset: valueOffset(document, at), path: at, message });
      const checks = resolveChecks(parsed.data, dirname(path), report);
      if (problems.length === 0) return checks;
    } else {
      const { schemaProblems } = await import('./schema-problems.ts');
      problems.push(...schemaProblems(parsed.error.issues, document, { schema: list, noun: 'list', value }));
    }
  }
  throw new VmkilnError('USAGE', formatProblems(path, problems, lines).join('\n'));
}

/** What a build says of a recipe that lets something pass. */
export function verifyNotes(verify: Verify | undefined): string[] {
  if (verify === undefined)
    return ['the image is published although nobody has looked into it or booted it: verify is false'];
  return verify.skip.length === 0 ? [] : [`these checks of the image may fail: ${verify.skip.join(', ')}`];
}
