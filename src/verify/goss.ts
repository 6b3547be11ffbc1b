import { z } from 'zod';
import { VmkilnError } from '../errors.ts';
import { findProgram } from '../host/programs.ts';
import type { Env } from '../model.ts';
import type { OwnCheck } from '../recipe/verify.ts';
import type { ExecResult } from '../tools/exec.ts';

/**
 * What `goss validate --format json` prints (goss-org/goss, outputs/json.go); without any test, `results` is null. A test that was skipped is
 * successful, and says so itself since goss 0.4, by its `result` before.
 */
const form = z.object({
  results: z
    .array(
      z.object({
        successful: z.boolean(),
        skipped: z.boolean().optional(),
        result: z.number().optional(),
        'resource-type': z.string(),
        'resource-id': z.string(),
        property: z.string(),
        'summary-line': z.string(),
        'summary-line-compact': z.string().optional(),
      }),
    )
    .nullable(),
});

/** The number of a skipped result: resource/validate.go. */
const skippedResult = 2;

/**
 * The path of goss on this host, which is copied into the clone; undefined when no check needs it.
 *
 * @throws VmkilnError TOOL_MISSING
 */
export async function findGoss(checks: readonly OwnCheck[], env: Env): Promise<string | undefined> {
  const check = checks.find(({ goss }) => goss !== undefined);
  if (check === undefined) return undefined;
  const found = await findProgram(['goss'], env);
  if (found !== undefined) return found;
  throw new VmkilnError('TOOL_MISSING', `goss is not on the PATH, and the check ${check.goss} needs it`, {
    hint: 'put the program for the architecture of the image there: https://github.com/goss-org/goss/releases',
  });
}

/** What is wrong by goss's own words, a line for each test that failed, and how many passed. */
export function gossResult({ exitCode, stdout, stderr }: ExecResult): { failed: boolean; message: string } {
  const printed = form.safeParse(jsonIn(stdout));
  // 78: the tests cannot be read; 126: goss is for another architecture (validate.go; POSIX.1, "Exit Status for Commands").
  if (!printed.success || exitCode > 1) {
    const said = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join('\n');
    return { failed: true, message: `goss ended with status ${exitCode}: ${said || 'it printed nothing'}` };
  }
  const results = printed.data.results ?? [];
  if (results.length === 0) return { failed: true, message: 'there is no test in it' };
  const failed = results.filter(({ successful }) => !successful);
  const skipped = results.filter(({ skipped: is, result }) => is === true || result === skippedResult);
  const passed = results.length - failed.length - skipped.length;
  const counts = `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
  const lines = failed.map((each) =>
    (each['summary-line-compact'] ?? each['summary-line']).trim().replace(/\s+/g, ' '),
  );
  return { failed: failed.length > 0 || exitCode !== 0, message: [counts, ...lines].join('\n') };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
