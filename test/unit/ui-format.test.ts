import { expect, test } from 'vitest';
import { columnsOf, oneLine, padColumns } from '../../src/ui/columns.ts';
import { formatPercent, paintFor } from '../../src/ui/format.ts';

test('percentages', () => {
  expect([0, 0.999, 1, 1.2].map(formatPercent)).toEqual(['0 %', '99 %', '100 %', '100 %']);
});

test('one line is one line, and no longer than asked', () => {
  expect(oneLine(' a\n  b ', 10)).toBe('a b');
  expect(oneLine('abcdefgh', 5)).toBe('abcd…');
  expect(oneLine('abc', 0)).toBe('');
});

test('widths are columns of a terminal, whatever a character takes of them', () => {
  expect(columnsOf('日本e\u0301')).toBe(5);
  expect(oneLine('日本語', 5)).toBe('日本…');
  expect(padColumns('日本', 6)).toBe('日本  ');
});

test('colour is for terminals whose owner wants it', () => {
  const painted = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) => paintFor(stream, env)('bad', 'x');
  expect(painted({ isTTY: true }, {})).toContain('\u001B[31m');
  expect(painted({ isTTY: true }, { NO_COLOR: '1' })).toBe('x');
  expect(painted({ isTTY: true }, { TERM: 'dumb' })).toBe('x');
  expect(painted({}, {})).toBe('x');
  expect(painted({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).toContain('\u001B[31m');
  expect(painted({ isTTY: true }, { FORCE_COLOR: '0' })).toBe('x');
});
