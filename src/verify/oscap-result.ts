import type * as FastXml from 'fast-xml-parser';
import { load } from '../load.ts';
import { severities, type Severity } from '../recipe/verify.ts';

/** What became of one rule: its id, and `severity` and `result` by the words of XCCDF 1.2 (NISTIR 7275 r4, 6.6.4.2). */
type RuleResult = { rule: string; severity: string; result: string };

/** Rules that are named in a message of each kind; the report has them all. */
const named = 20;

/**
 * What an ARF file that oscap(8) has written says of the image. A rule that failed, or that could not be evaluated (`error`), stops it when it is
 * at least as grave as `severity`, or when the content does not say how grave it is. `unknown` and `notchecked` stop nothing, and are named. Where no
 * rule came to pass or fail nothing is known of the image, and that is no pass.
 */
export function scapResult(
  arf: string,
  severity: Severity = 'info',
): { failed: boolean; message: string; rules: Record<string, number> } {
  const all = ruleResults(arf);
  const rules: Record<string, number> = {};
  for (const { result } of all) rules[result] = (rules[result] ?? 0) + 1;
  const those = (...results: string[]) => all.filter(({ result }) => results.includes(result));
  const [stopping, lesser] = split(those('fail', 'error'), (each) => weigh(each) >= severities.indexOf(severity));
  const open = those('unknown', 'notchecked');
  const nothing = noneHolds(rules);
  const message = [
    ...(nothing === undefined ? [] : [nothing]),
    Object.entries(rules)
      .map(([result, count]) => `${count} ${result}`)
      .join(', ') || 'no rule at all',
    ...lines(stopping),
    ...(lesser.length > 0 ? [`less than ${severity}, which may be:`, ...lines(lesser)] : []),
    ...(open.length > 0 ? ['nobody knows of:', ...lines(open)] : []),
  ].join('\n');
  return { failed: nothing !== undefined || stopping.length > 0, message, rules };
}

/** Why the results say nothing of the image. */
function noneHolds(rules: Readonly<Record<string, number>>): string | undefined {
  if (['pass', 'fail', 'error', 'fixed'].some((result) => rules[result] !== undefined)) return undefined;
  const selected = Object.keys(rules).filter((result) => result !== 'notselected');
  if (selected.length === 0) return 'the profile selects no rule';
  if (selected.every((result) => result === 'notapplicable'))
    return 'no rule applies to this system: the content is for another platform';
  return 'no rule could be evaluated';
}

/** One that the content gives no severity is as grave as any. */
function weigh({ severity }: RuleResult): number {
  const at = severities.indexOf(severity as Severity);
  return at === -1 ? severities.length : at;
}

function lines(results: readonly RuleResult[]): string[] {
  const more = results.length > named ? [`… and ${results.length - named} more`] : [];
  return [...results.slice(0, named).map((each) => `${each.result} (${each.severity}): ${each.rule}`), ...more];
}

function split<T>(all: readonly T[], is: (each: T) => boolean): [T[], T[]] {
  return [all.filter(is), all.filter((each) => !is(each))];
}

/**
 * The results of the rules in an ARF file. Only that part is parsed: the rest, with the content and all that was collected, is a hundred times
 * as much. What was read in the guest is escaped in it and begins no element.
 */
function ruleResults(arf: string): RuleResult[] {
  const [from, to] = [arf.lastIndexOf('<TestResult'), arf.lastIndexOf('</TestResult>')];
  if (from === -1 || to < from) throw new Error('oscap has left no results');
  const { XMLParser } = load<typeof FastXml>('fast-xml-parser');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    isArray: (name) => name === 'rule-result',
  });
  type Rule = { '@idref': string; '@severity'?: string; result: string };
  const read = parser.parse(arf.slice(from, to + '</TestResult>'.length)) as {
    TestResult: { 'rule-result'?: Rule[] };
  };
  return (read.TestResult['rule-result'] ?? []).map((each) => ({
    rule: each['@idref'],
    severity: each['@severity'] ?? 'unknown',
    result: each.result,
  }));
}
