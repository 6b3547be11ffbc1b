import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatDay,
  formatDuration,
  harmless,
  jsonText,
  nearest,
  shellQuote,
} from '../../src/text.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

test('bytes are told in the largest unit that fits', () => {
  expect([0, 999, 1024, 1536, 229_998_592, 8 * 2 ** 30, 2 ** 30 - 1].map((bytes) => formatBytes(bytes))).toEqual([
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
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 49 }), (bytes) => {
      const [value, unit] = formatBytes(bytes).split(' ');
      const back = Number(value) * 1024 ** units.indexOf(unit ?? '');
      expect(Math.abs(back - bytes) / bytes).toBeLessThanOrEqual(0.051);
      expect(Number(value)).toBeLessThan(1024);
    }),
  );
});

test('what is needed is never told as no more than what is free', () => {
  expect([formatBytes(2 ** 32, 'up'), formatBytes(2 ** 32 - 1, 'down')]).toEqual(['4 GiB', '3.9 GiB']);
  expect([formatBytes(2 ** 30 - 1, 'up'), formatBytes(1025, 'up'), formatBytes(1, 'up')]).toEqual([
    '1 GiB',
    '1.1 KiB',
    '1 B',
  ]);
  const told = (text: string) => {
    const [value, unit] = text.split(' ');
    return Number(value) * 1024 ** units.indexOf(unit ?? '');
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 49 }), fc.integer({ min: 1, max: 2 ** 20 }), (free, more) => {
      expect(told(formatBytes(free + more, 'up'))).toBeGreaterThan(told(formatBytes(free, 'down')));
    }),
  );
});

test('durations and clocks', () => {
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
  expect(formatClock(Date.parse('2026-11-09T01:02:05.9'))).toBe('01:02:05');
  expect(formatDay(Date.parse('2026-11-09T01:02:05.9'))).toBe('2026-11-09');
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
  const read = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(shellQuote).join(' ')}`], { encoding: 'utf8' });
  expect(read.split('\0').slice(0, -1)).toEqual(words);
});

test('what a terminal would obey is shown as what it is, and JSON says the same as before', () => {
  const name = 'a\u001b[31m\u009b2J\u202e\u2066\ufeffb\n\tc';
  expect(harmless(name)).toBe('a\\u{1b}[31m\\u{9b}2J\\u{202e}\\u{2066}\\u{feff}b\n\tc');
  expect(harmless('a line\r\nover\rwritten')).toBe('a line\r\nover\\u{d}written');
  expect(harmless('Größe 日本 🙂')).toBe('Größe 日本 🙂');
  const value = { [name]: [name, 1, null] };
  expect(jsonText(value)).toContain('a\\u001b[31m\\u009b2J\\u202e');
  expect(JSON.parse(jsonText(value))).toEqual(value);
  expect(jsonText(value, 0)).not.toContain('\n');
});

test('the nearest word', () => {
  expect(nearest('sizee', ['size', 'name'])).toBe('size');
  expect(nearest('subscripton', ['subscription', 'description'])).toBe('subscription');
  expect(nearest('banana', ['size', 'name'])).toBeUndefined();
});
