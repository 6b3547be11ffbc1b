import type * as FastXml from 'fast-xml-parser';
import { load } from '../load.ts';
import { harmless } from '../text.ts';
import type { CheckResult } from './expectation.ts';

/**
 * Results as JUnit XML, as CI systems read it: one suite, a test case for each check. `seconds` is wall time; a verdict that was kept took
 * none. `said` is told of what passed, too. What a console or a program said may hold characters that XML does not have.
 */
export function junit(name: string, results: readonly (CheckResult & { said?: string })[], seconds = 0): string {
  const count = (outcome: CheckResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const suite = harmless(name, { oneLine: true });
  const { XMLBuilder } = load<typeof FastXml>('fast-xml-parser');
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    attributesGroupName: 'of',
    format: true,
  });
  const testcase = results.map(({ check, outcome, message: found, said }) => {
    const message = harmless(found);
    return {
      of: { classname: suite, name: harmless(check, { oneLine: true }) },
      ...(outcome === 'failed' && { failure: { of: { message } } }),
      ...(outcome === 'skipped' && { skipped: { of: { message } } }),
      ...(said !== undefined && said !== '' && { 'system-out': harmless(said) }),
    };
  });
  const totals = {
    tests: results.length,
    failures: count('failed'),
    skipped: count('skipped'),
    time: seconds.toFixed(3),
  };
  return builder.build({ testsuites: { testsuite: { of: { name: suite, ...totals }, testcase } } }) as string;
}
