import { basename } from 'node:path';
import { messageOf } from '../errors.ts';
import { type OwnCheck, timeoutOf } from '../recipe/verify.ts';
import { shellQuote } from '../text.ts';
import type { Clone } from './clone.ts';
import type { CheckResult } from './expectation.ts';
import { gossResult } from './goss.ts';

/** Runs the recipe's own checks in a clone, one after the other. `goss` is its path on this host, where one of them needs it. */
export async function runOwnChecks(
  clone: Pick<Clone, 'root' | 'send'>,
  checks: readonly OwnCheck[],
  goss: string | undefined,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    if (check.goss !== undefined) {
      results.push({ check: nameOf(check), ...(await runGoss(clone, check.goss, timeoutOf(check), goss)) });
      continue;
    }
    const fault = await faultOf(clone, check).catch(messageOf);
    results.push({ check: nameOf(check), outcome: fault === undefined ? 'passed' : 'failed', message: fault ?? '' });
  }
  return results;
}

/** The recipe's own checks of an image that is not booted. */
export function ownChecksLeftOut(checks: readonly OwnCheck[], why: string): CheckResult[] {
  return checks.map((check) => ({ check: nameOf(check), outcome: 'skipped', message: why }));
}

function nameOf({ run, file, goss }: OwnCheck): string {
  if (goss !== undefined) return `goss ${basename(goss)}`;
  return run ?? `file ${file}`;
}

/** Copies goss and its tests into the clone, and runs them there as root. */
async function runGoss(
  clone: Pick<Clone, 'root' | 'send'>,
  tests: string,
  timeout: number,
  goss = 'goss',
): Promise<Omit<CheckResult, 'check'>> {
  try {
    await clone.send(goss, 'vmkiln-goss');
    await clone.send(tests, 'vmkiln-goss.yaml');
    const command =
      'chmod +x ./vmkiln-goss && ./vmkiln-goss --gossfile ./vmkiln-goss.yaml validate --format json --no-color';
    const { failed, message } = gossResult(await clone.root(command, timeout));
    return { outcome: failed ? 'failed' : 'passed', message };
  } catch (error) {
    return { outcome: 'failed', message: messageOf(error) };
  }
}

async function faultOf(clone: Pick<Clone, 'root'>, check: OwnCheck): Promise<string | undefined> {
  const { run, expect, file = '', contains } = check;
  const timeout = timeoutOf(check);
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
