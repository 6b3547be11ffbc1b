import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkMedium, expectedMedium, mediumProblems, readMedium } from '../../src/families/rhel/medium.ts';
import { treeInfo, writeIso } from '../support/rhel-iso.ts';
import { rhelRecipe } from '../support/rhel.ts';

const iso = join(mkdtempSync(join(tmpdir(), 'vmkiln-medium-')), 'x.iso');
const media = { iso: { source: 'x.iso', path: iso, sha256: undefined, size: undefined } };
const check = async (release: string) => checkMedium(await rhelRecipe('packages: [cloud-init]\n', release), media);

test('an ISO is looked into before anything is made of it', async () => {
  writeIso(iso);
  expect(await check('7.9')).toEqual([]);
  expect(await check('7.6')).toEqual(['x.iso is a medium of RHEL 7.9, and release is "7.6"']);
  writeIso(iso, { 'README.txt': 'x' });
  expect(await check('7.9')).toEqual([expect.stringContaining('no installation medium of RHEL')]);
  writeFileSync(iso, 'no ISO');
  expect(await check('7.9')).toEqual(['x.iso is no ISO image']);
});

test.each(['6.10', '7.9', '8.10', '9.6', '10.0'])('the practice medium is one of RHEL %s', async (release) => {
  const file = new URL(`../../src/rehearsal/rhel/${release.split('.')[0]}/treeinfo`, import.meta.url);
  const said = readMedium({ '.treeinfo': readFileSync(file, 'utf8') });
  expect(said).toEqual({ family: 'Red Hat Enterprise Linux', version: release, arch: 'x86_64' });
  expect(mediumProblems(said, expectedMedium(await rhelRecipe('', release)))).toEqual([]);
});

test.each([
  [{ family: 'Rocky Linux' }, 'is a medium of Rocky Linux 7.9, not of RHEL 7.9'],
  [{ version: '7.90' }, 'is a medium of RHEL 7.90, and release is "7.9"'],
  [{ version: '7' }, 'is a medium of RHEL 7, and release is "7.9"'],
  [{ arch: 'aarch64' }, 'is for aarch64, and the machine is x86_64'],
])('a medium of %j %s', async (differs, problem) => {
  const said = readMedium({ '.treeinfo': treeInfo(differs) });
  expect(mediumProblems(said, expectedMedium(await rhelRecipe()))).toEqual([problem]);
});

test.each([
  ['1600100531.11\nRed Hat Enterprise Linux 7.9\nx86_64\n1\n', []],
  ['1588261886.17\r\n7.9.0\r\nx86_64\r\n', []],
  [
    '1588261886.17\n8.2\nppc64le\n',
    ['is a medium of RHEL 8.2, and release is "7.9"', 'is for ppc64le, and the machine is x86_64'],
  ],
  ['1\nFedora 42\nx86_64\n', ['is a medium of Fedora 42, not of RHEL 7.9']],
])('.discinfo %j is all that a boot.iso has', async (text, problems) => {
  expect(mediumProblems(readMedium({ '.discinfo': text }), expectedMedium(await rhelRecipe()))).toEqual(problems);
});
