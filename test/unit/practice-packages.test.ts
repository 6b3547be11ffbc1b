import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';

type Package = { name: string; epoch?: number; version: string; release: string; arch?: string; has?: string[] };

const packages: Package[] = [
  { name: 'chrony', version: '4.6.1', release: '1.el9', has: ['/usr/sbin/chronyd'] },
  { name: 'openssl', epoch: 1, version: '3.2.2', release: '6.el9_5' },
  { name: 'openssl-libs', epoch: 1, version: '3.2.2', release: '6.el9_5' },
  { name: 'perl-JSON', version: '4.03', release: '5.el9', arch: 'noarch', has: ['perl(JSON)'] },
];

/** A repository's folder, with the primary.xml that createrepo_c writes of these packages. */
function repository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'practice-packages-'));
  const texts = packages.map(({ name, epoch = 0, version, release, arch = 'x86_64', has = [] }) => {
    const files = has.filter((each) => each.startsWith('/')).map((each) => `<file>${each}</file>`);
    const provides = [name, ...has.filter((each) => !each.startsWith('/'))].map(
      (each) => `<rpm:entry name="${each}"/>`,
    );
    return `<package type="rpm"><name>${name}</name><arch>${arch}</arch>
      <version epoch="${epoch}" ver="${version}" rel="${release}"/><location href="Packages/${name}.rpm"/>
      <format><rpm:group>extra</rpm:group><rpm:provides>${provides.join('')}</rpm:provides>${files.join('')}</format></package>`;
  });
  const spaces = ['', ':rpm'].map(
    (prefix) => `xmlns${prefix}="http://linux.duke.edu/metadata/${prefix ? 'rpm' : 'common'}"`,
  );
  mkdirSync(join(folder, 'repodata'));
  const xml = `<metadata ${spaces.join(' ')}>${texts.join('')}</metadata>`;
  writeFileSync(join(folder, 'repodata', 'x-primary.xml.gz'), gzipSync(xml));
  return folder;
}

const program = `
import json, sys
import repository
there = repository.read(sys.argv[1])
print(json.dumps([[[one["name"] for one in repository.find(word, there, dnf)] for dnf in (True, False)] for word in sys.argv[2:]]))
`;

// What dnf finds, and where yum differs from it.
const cases: Record<string, [string[], string[]?]> = {
  openssl: [['openssl']],
  'openssl.x86_64': [['openssl']],
  'openssl.i686': [[]],
  'openssl*': [['openssl', 'openssl-libs']],
  'chr?ny': [['chrony']],
  'chrony-4.6.1': [['chrony']],
  'chrony-4.6': [[]],
  'openssl-1:3.2.2': [['openssl'], []],
  'openssl-1:3.2.2-6.el9_5.x86_64': [['openssl']],
  'openssl-2:3.2.2-6.el9_5.x86_64': [[]],
  '1:openssl-3.2.2-6.el9_5.x86_64': [[], ['openssl']],
  'perl(JSON)': [['perl-JSON']],
  '/usr/sbin/chronyd': [['chrony']],
  '/usr/sbin/chr*': [['chrony']],
};

test('the guest’s dnf and yum find what theirs would, by the metadata of the repository', () => {
  const env = { ...process.env, PYTHONPATH: join(releaseFolder('9'), '../installer') };
  const args = ['-B', '-c', program, repository(), ...Object.keys(cases)];
  const found = JSON.parse(execFileSync('python3', args, { encoding: 'utf8', env })) as [string[], string[]][];
  const expected = Object.values(cases).map(([dnf, yum = dnf]) => [dnf, yum]);
  expect(Object.fromEntries(Object.keys(cases).map((word, at) => [word, found[at]]))).toEqual(
    Object.fromEntries(Object.keys(cases).map((word, at) => [word, expected[at]])),
  );
});
