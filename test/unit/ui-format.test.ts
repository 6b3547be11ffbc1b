import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatDuration,
  formatPercent,
  oneLine,
  paintFor,
  quoteWord,
} from '../../src/ui/format.ts';

test('bytes are told in the largest unit that fits', () => {
  expect([0, 999, 1024, 1536, 229_998_592, 8 * 2 ** 30, 2 ** 30 - 1].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1 KiB',
    '1.5 KiB',
    '219 MiB',
    '8 GiB',
    '1 GiB',
  ]);
});

test('a told size is within five per cent of the size, and never as wide as 1024 of a unit', () => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 49 }), (bytes) => {
      const [value, unit] = formatBytes(bytes).split(' ');
      const back = Number(value) * 1024 ** units.indexOf(unit ?? '');
      expect(Math.abs(back - bytes) / bytes).toBeLessThanOrEqual(0.051);
      expect(Number(value)).toBeLessThan(1024);
    }),
  );
});

test('durations, clocks and percentages', () => {
  expect([0, 0.42, 0.97, 59.4, 59.6, 64, 3599.6, 7500].map(formatDuration)).toEqual([
    '0.0s',
    '0.4s',
    '1s',
    '59s',
    '1m 00s',
    '1m 04s',
    '1h 00m',
    '2h 05m',
  ]);
  expect(formatClock(3725.9)).toBe('01:02:05');
  expect([0, 0.999, 1, 1.2].map(formatPercent)).toEqual(['0 %', '99 %', '100 %', '100 %']);
});

test('a shell reads quoted words as they were', () => {
  const words = [
    '',
    '-',
    "it's",
    'a b',
    '$HOME',
    '`x`',
    'line\nbreak',
    '*',
    '~',
    '\\',
    ...fc.sample(fc.string(), 100),
  ].map((word) => word.replaceAll('\0', ''));
  const read = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(quoteWord).join(' ')}`], { encoding: 'utf8' });
  expect(read.split('\0').slice(0, -1)).toEqual(words);
});

test('one line is one line, and no longer than asked', () => {
  expect(oneLine(' a\n  b ', 10)).toBe('a b');
  expect(oneLine('abcdefgh', 5)).toBe('abcd…');
});

test('colour is for terminals whose owner wants it', () => {
  const painted = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) => paintFor(stream, env)('bad', 'x');
  expect(painted({ isTTY: true }, {})).toContain('\u001B[31m');
  expect(painted({ isTTY: true }, { NO_COLOR: '1' })).toBe('x');
  expect(painted({ isTTY: true }, { TERM: 'dumb' })).toBe('x');
  expect(painted({}, {})).toBe('x');
});
