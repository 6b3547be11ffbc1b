import { messageOf } from '../errors.ts';
import type { OwnCheck } from '../recipe/verify.ts';
import { shellQuote } from '../text.ts';
import type { Clone } from './clone.ts';
import type { CheckResult } from './expectation.ts';

/** Runs the recipe's own checks in a clone, one after the other. */
export async function runOwnChecks(clone: Clone, checks: readonly OwnCheck[]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    const fault = await faultOf(clone, check).catch(messageOf);
    const name = check.run ?? `file ${check.file}`;
    results.push({ check: name, outcome: fault === undefined ? 'passed' : 'failed', message: fault ?? '' });
  }
  return results;
}

async function faultOf(
  clone: Clone,
  { run, expect, file = '', contains, timeout }: OwnCheck,
): Promise<string | undefined> {
  if (run !== undefined) {
    const { exitCode, stdout, stderr } = await clone.root(run, timeout);
    if (exitCode !== 0) return `it ended with status ${exitCode}: ${lastLines(stderr || stdout)}`;
    if (expect !== undefined && !stdout.includes(expect))
      return `it did not print ${JSON.stringify(expect)}: ${lastLines(stdout)}`;
    return undefined;
  }
  const { exitCode, stdout, stderr } = await clone.root(`cat ${shellQuote(file)}`, timeout);
  if (exitCode !== 0) return lastLines(stderr);
  return contains === undefined || stdout.includes(contains)
    ? undefined
    : `it does not hold ${JSON.stringify(contains)}`;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join('\n') || 'it printed nothing';
}
