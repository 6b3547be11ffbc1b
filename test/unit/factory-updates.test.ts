import { expect, test } from 'vitest';
import { settle, updatesIn, updatesText, worthwhile } from '../../src/factory/updates.ts';
import type { Version } from '../../src/factory/versions.ts';
import { debOf, rpmOf } from '../support/factory-world.ts';

const has = (...versions: Version[]) => {
  const found = new Map<string, Version[]>();
  for (const each of versions) found.set(each.name, [...(found.get(each.name) ?? []), each]);
  return found;
};
const found = (there: Version[], here: Version[]) => updatesIn(has(...there), here, false).map(({ to }) => to);

test.each<[string, Version[], Version[], string[]]>([
  ['a newer version', [rpmOf('a', '1.10')], [rpmOf('a', '1.9')], ['1.10-1.el9']],
  ['the same and older ones', [rpmOf('a', '1.9'), rpmOf('a', '1.2')], [rpmOf('a', '1.9')], []],
  ['what is not installed', [rpmOf('b', '2')], [rpmOf('a', '1')], []],
  [
    'a higher release',
    [rpmOf('a', '1', { release: '2.el9_4.1' })],
    [rpmOf('a', '1', { release: '2.el9' })],
    ['1-2.el9_4.1'],
  ],
  ['a higher epoch with a lower version', [rpmOf('a', '1', { epoch: 1 })], [rpmOf('a', '9')], ['1:1-1.el9']],
  ['a lower epoch with a higher version', [rpmOf('a', '9')], [rpmOf('a', '1', { epoch: 1 })], []],
  ['a pre-release of what is installed', [rpmOf('a', '2~rc1')], [rpmOf('a', '2')], []],
  ['another architecture', [rpmOf('a', '2', { arch: 'i686' })], [rpmOf('a', '1')], []],
  [
    'both architectures that are installed',
    [rpmOf('a', '2', { arch: 'i686' })],
    [rpmOf('a', '1'), rpmOf('a', '1', { arch: 'i686' })],
    ['2-1.el9'],
  ],
  ['a package that became noarch', [rpmOf('a', '2', { arch: 'noarch' })], [rpmOf('a', '1')], ['2-1.el9']],
  [
    'the newest of several kernels',
    [rpmOf('kernel', '5.14.2')],
    [rpmOf('kernel', '5.14.2'), rpmOf('kernel', '5.14.1')],
    [],
  ],
  ['the order of dpkg', [debOf('a', '1.0-2+deb12u1')], [debOf('a', '1.0-2')], ['1.0-2+deb12u1']],
  ['a pre-release of dpkg', [debOf('a', '1.0~rc1-1')], [debOf('a', '1.0-1')], []],
  ['the same name of the other system', [debOf('a', '2')], [rpmOf('a', '1')], []],
])('%s', (_what, there, here, expected) => {
  expect(found(there, here)).toEqual(expected);
});

test('a version that a build did not bring is not waited for; one that a mirror may lack is, once', () => {
  const there = has(rpmOf('nodejs', '20', { release: '1.module_el9' }));
  const here = [rpmOf('nodejs', '18')];
  const [own, mirrored] = [updatesIn(there, here, false), updatesIn(there, here, true)];
  expect(worthwhile(own, settle(own, {}, true))).toEqual([]);
  const once = settle(mirrored, {}, true);
  expect(worthwhile(mirrored, once)).toEqual(mirrored);
  expect(worthwhile(mirrored, settle(mirrored, once, true))).toEqual([]);
  // From a checkpoint nothing was tried.
  expect(worthwhile(own, settle(own, settle(own, {}, false), false))).toEqual(own);
  // Another stream's update is no newer than the highest one, and still an update.
  const more = updatesIn(has(rpmOf('nodejs', '20', { release: '1.module_el9' }), rpmOf('nodejs', '18.1')), here, false);
  expect(worthwhile(more, settle(own, {}, true)).map(({ to }) => to)).toEqual(['18.1-1.el9']);
});

test('many updates are told by the first three', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const all = updatesIn(
    has(...names.map((name) => rpmOf(name, '2'))),
    names.map((name) => rpmOf(name, '1')),
    false,
  );
  expect(updatesText(all)).toBe('a 1-1.el9 → 2-1.el9, b 1-1.el9 → 2-1.el9, c 1-1.el9 → 2-1.el9 and 2 more');
  const twice = updatesIn(has(rpmOf('a', '2'), rpmOf('a', '3')), [rpmOf('a', '1')], false);
  expect(updatesText(twice)).toBe('a 1-1.el9 → 3-1.el9');
});
