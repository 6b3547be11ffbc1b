import { XMLBuilder } from 'fast-xml-parser';
import type { CheckResult } from './expectation.ts';

/** Results as JUnit XML, as CI systems read it: one suite, a test case for each check. `seconds` is wall time. */
export function junit(name: string, results: readonly CheckResult[], seconds: number): string {
  const count = (outcome: CheckResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    attributesGroupName: 'of',
    format: true,
  });
  const testcase = results.map(({ check, outcome, message }) => ({
    of: { classname: name, name: check },
    ...(outcome === 'failed' && { failure: { of: { message } } }),
    ...(outcome === 'skipped' && { skipped: { of: { message } } }),
  }));
  const totals = {
    tests: results.length,
    failures: count('failed'),
    skipped: count('skipped'),
    time: seconds.toFixed(3),
  };
  return builder.build({ testsuites: { testsuite: { of: { name, ...totals }, testcase } } }) as string;
}
