import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rpmOrder } from '../../src/describe/package-order.ts';
import { debVersionOrder } from '../../src/version-order.ts';

const piece = fc.oneof(
  fc.constantFrom('0', '1', '01', '2', '10', '9', '20260101', '99999999999999999999'),
  fc.constantFrom('a', 'b', 'rc', 'alpha', 'el7', 'Z', 'deb'),
);

/** Pairs of versions that are near each other: the second is the first with one piece put in, or one of its own. */
const pairs = (mark: readonly string[], form: (words: string[]) => string) => {
  const words = fc.array(fc.oneof(piece, fc.constantFrom(...mark)), { minLength: 1, maxLength: 6 });
  const changed = fc.tuple(words, fc.nat(6), fc.oneof(piece, fc.constantFrom(...mark)));
  const near = changed.map(([list, at, more]) => [list, list.toSpliced(Math.min(at, list.length), at % 2, more)]);
  return fc.oneof(near, fc.tuple(words, words)).map((both) => both.map(form) as [string, string]);
};

const epoch = (words: string[]) => (words.length % 3 === 0 ? `${words.length % 2}:` : '');
const rpms = pairs(
  ['.', '.', '~', '^', '_', '+'],
  (words) => `${epoch(words)}${words.join('')}-${words.length % 2}.el7`,
);
const debs = pairs(['.', '.', '~', '+', '-', '-'], (words) => `${epoch(words)}0${words.join('')}`.replace(/-+$/, ''));

function rpmParts(text: string): { epoch?: number; version: string; release: string } {
  const [, number, version = '', release = ''] = /^(?:(\d+):)?(.*)-([^-]*)$/.exec(text) ?? [];
  return { ...(number !== undefined && { epoch: Number(number) }), version, release };
}

describe('order of versions', () => {
  test('is that of rpm', () => {
    const samples = fc.sample(rpms, { numRuns: 1500, seed: 4 });
    const calls = samples.map(([a, b]) => `print(rpm.vercmp('${a}', '${b}') .. ' ')`).join('\n');
    const printed = execFileSync('rpm', ['--eval', `%{lua:${calls}}`], { encoding: 'utf8', maxBuffer: 1e8 });
    const theirs = printed.trim().split(/\s+/).map(Number);
    const ours = samples.map(([a, b]) => Math.sign(rpmOrder(rpmParts(a), rpmParts(b))));
    expect(ours.map((order, index) => [...(samples[index] ?? []), order])).toEqual(
      theirs.map((order, index) => [...(samples[index] ?? []), order]),
    );
    expect(new Set(theirs)).toEqual(new Set([-1, 0, 1]));
  });

  test('is that of dpkg', () => {
    const samples = fc.sample(debs, { numRuns: 400, seed: 5 });
    const script = `while read -r a b; do
      if dpkg --compare-versions "$a" lt "$b"; then echo -1; elif dpkg --compare-versions "$a" gt "$b"; then echo 1; else echo 0; fi
    done`;
    const input = samples.map((pair) => `${pair.join(' ')}\n`).join('');
    const theirs = execFileSync('sh', ['-c', script], { input, encoding: 'utf8' }).trim().split('\n').map(Number);
    expect(samples.map(([a, b]) => [a, b, Math.sign(debVersionOrder(a, b))])).toEqual(
      theirs.map((order, index) => [...(samples[index] ?? []), order]),
    );
    expect(new Set(theirs)).toEqual(new Set([-1, 0, 1]));
  });
});
