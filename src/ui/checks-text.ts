import type { CheckResult } from '../verify/expectation.ts';
import { harmless } from '../text.ts';
import { columnsOf, padColumns } from './columns.ts';
import { noPaint, type Paint } from './format.ts';

const marks = { passed: ['good', 'passed'], failed: ['bad', 'FAILED'], skipped: ['dim', 'skipped'] } as const;

/** A line for each check, with what it found, and how many failed. */
export function checksText(results: readonly CheckResult[], paint: Paint = noPaint): string {
  const width = Math.max(...results.map(({ check }) => columnsOf(harmless(check, { oneLine: true }))));
  const lines = results.map(({ check, outcome, message }) => {
    const [style, word] = marks[outcome];
    const found = harmless(message).replaceAll('\n', `\n${' '.repeat(width + 13)}`);
    return `  ${paint(style, word.padEnd(7))}  ${padColumns(harmless(check, { oneLine: true }), width)}  ${found}`.trimEnd();
  });
  const failed = results.filter(({ outcome }) => outcome === 'failed').length;
  const verdict =
    failed === 0
      ? paint('good', 'nothing is wrong with it')
      : paint('bad', `${failed} of ${results.length} checks failed`);
  return [...lines, '', verdict].join('\n');
}
