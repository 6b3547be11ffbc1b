import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import { distributionNames, distributions } from '../../src/families/rhel/distributions.ts';
import { rhel } from '../../src/families/rhel/rhel.ts';
import { packageKey, rhelRelease } from '../../src/families/rhel/releases.ts';
import { practiceDigests, releaseFolder } from '../../src/rehearsal/practice-dvd.ts';
import { dress, dressed } from '../support/dress.ts';
import { fakeGuest } from '../support/fake-guest.ts';
import { argsOf, rendered, rhelRecipe, words } from '../support/rhel.ts';
import { filesOf } from '../support/plan-input.ts';

const recipeOf = (distribution: string, release: string, more = '', source?: string) =>
  rhelRecipe(`distribution: ${distribution}\n${more}`, release, source);
const problemOf = async (...given: Parameters<typeof recipeOf>) => {
  const error: unknown = await recipeOf(...given).catch((caught: unknown) => caught);
  return error instanceof VmkilnError ? error.message.replace(/^\S+x\.yaml/, 'x.yaml') : 'valid';
};

test.each([
  ['centos', '7.9', 'centos7.0', 'centos', 'centos', '/boot/efi/EFI/centos/grub.cfg'],
  ['centos-stream', '9', 'centos-stream9', 'centos', 'cloud-user', '/boot/grub2/grub.cfg'],
  ['rocky', '8.10', 'rocky8', 'rocky', 'rocky', '/boot/efi/EFI/rocky/grub.cfg'],
  ['almalinux', '10.0', 'almalinux10', 'almalinux', 'almalinux', '/boot/grub2/grub.cfg'],
  ['oracle', '8.9', 'ol8.9', 'ol', 'cloud-user', '/boot/efi/EFI/redhat/grub.cfg'],
  ['fedora', '43', 'fedora43', 'fedora', 'fedora', '/boot/grub2/grub.cfg'],
  ['rhel', '8.10', 'rhel8.10', 'rhel', 'cloud-user', '/boot/efi/EFI/redhat/grub.cfg'],
])('%s %s has its own ids, user and EFI folder', async (distribution, release, osinfo, distro, user, config) => {
  const recipe = await recipeOf(distribution, release, 'machine: { firmware: uefi }\n');
  expect(rhel.osinfo(recipe)[0]).toBe(osinfo);
  expect(rhel.properties(recipe)).toMatchObject({ os_distro: distro, os_version: release, os_admin_user: user });
  expect(rendered(recipe, '99_vmkiln.cfg').text).toContain(`name: ${user}\n`);
  expect(rendered(recipe, 'kernel.sh').text).toContain(`grub2-mkconfig -o ${config}\n`);
});

test('osinfo names fall back to older releases, and to the RHEL of the same age', async () => {
  const ids = rhel.osinfo(await recipeOf('almalinux', '9.1'));
  expect(ids.slice(0, 5)).toEqual(['almalinux9', 'almalinux8', 'rhel9.1', 'rhel9.0', 'rhel8.10']);
  expect(rhel.osinfo(await recipeOf('fedora', '43')).slice(0, 3)).toEqual(['fedora43', 'fedora42', 'rhel10.10']);
});

test.each(dressed)('%s %s is installed by the kickstart of the RHEL that it is made like', async (...named) => {
  const [distribution, release] = named;
  const { major } = rhelRelease({ distribution, release });
  const lines = async (...given: [string, string]) => rendered(await recipeOf(...given), 'ks.cfg').text.split('\n');
  const [title, ...rest] = await lines(distribution, release);
  const [, ...like] = await lines('rhel', `${major}.0`);
  expect(title).toContain(`for ${distributions[distribution].title} ${release}.`);
  expect(rest).toEqual(like);
  const recipe = await recipeOf(distribution, release);
  expect(rhel.lint?.(recipe, rhel.render(recipe))).toEqual([]);
});

test.each([
  ['rocky', '9', /^x\.yaml:3:10 release: expected a release of Rocky Linux in quotes \(8\.0 to .* got "9"$/],
  ['centos-stream', '8', /expected a release of CentOS Stream in quotes \(9, 10\), got "8"$/],
  ['centos', '8.5', /expected a release of CentOS in quotes \(7\.0 to 7\.9\), got "8\.5"$/],
  ['fedora', '43.1', /expected a release of Fedora in quotes \(42, 43, 44, 45\), got "43\.1"$/],
  ['rhel', '9', /expected a release of RHEL in quotes \(6\.0 to .*, 10\.0 to 10\.10\), got "9"$/],
  [
    'alma',
    '9.6',
    /^x\.yaml:\d+:15 distribution: expected rhel, .* or fedora, got "alma": write distribution: almalinux/,
  ],
])('%s %s is refused', async (distribution, release, message) => {
  expect(await problemOf(distribution, release)).toMatch(message);
});

test('a subscription is refused where there is none, and other mistakes are told beside a wrong release', async () => {
  const subscription = 'subscription: { username: me, password: { env: P } }\n';
  expect(await problemOf('oracle', '9.6', subscription)).toMatch(
    /^x\.yaml:6:15 subscription: Oracle Linux has no subsc/,
  );
  expect(await problemOf('rocky', '9', 'diks: {}\n')).toMatch(/release: expected[^]*diks/);
});

test('without a subscription updates and packages come from its own repositories, on which no note casts doubt', async () => {
  const recipe = await recipeOf('rocky', '9.6', 'packages: [cloud-init]\n');
  expect(rendered(recipe, 'packages.sh').text).toMatch(/^dnf -y update$[^]*^dnf -y install cloud-init$/m);
  expect(rhel.maxAge(recipe)).toBe(20 * 3600);
  expect(rhel.notes(recipe).join()).not.toContain('without a subscription');
  expect(rhel.maxAge(await recipeOf('rocky', '9.6', 'update: false\n'))).toBeUndefined();
});

test('a repository of the user’s is checked with the key of the distribution', async () => {
  const mine = 'repositories: [{ id: mine, baseurl: "http://mirror/x" }]\n';
  for (const [distribution, release, key] of [
    ['rocky', '8.10', 'rockyofficial'],
    ['almalinux', '10.0', 'AlmaLinux-10'],
    ['centos-stream', '10', 'centosofficial-SHA256'],
    ['rhel', '9.6', 'redhat-release'],
  ] as const) {
    const { text } = rendered(await recipeOf(distribution, release, mine), 'packages.sh');
    expect(text).toContain(`gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-${key}\n`);
  }
});

test('CentOS 7 is looked for in the vault, while the image is built and afterwards', async () => {
  const recipe = await recipeOf('centos', '7.9', 'packages: [cloud-init]\n');
  const guest = fakeGuest();
  for (const name of ['yum', 'rpm']) guest.command(name);
  const base = readFileSync(join(dress('centos', '7.9').root, 'etc/yum.repos.d/CentOS-Base.repo'), 'utf8');
  guest.write('etc/yum.repos.d/CentOS-Base.repo', base);
  const other = '[epel]\nbaseurl=http://mirror.example.org/epel\n';
  guest.write('etc/yum.repos.d/epel.repo', other);
  const script = rendered(recipe, 'packages.sh').text;
  for (const _ of ['once', 'again']) {
    expect(guest.run(script)).toMatchObject({ status: 0 });
    const lines = guest.read('etc/yum.repos.d/CentOS-Base.repo')?.split('\n');
    expect(lines?.filter((line) => line.startsWith('mirrorlist'))).toEqual([]);
    expect(lines?.filter((line) => line.startsWith('baseurl'))).toEqual(
      ['os', 'updates', 'extras'].map(
        (part) => `baseurl=http://vault.centos.org/centos/$releasever/${part}/$basearch/`,
      ),
    );
    expect(guest.read('etc/yum.repos.d/epel.repo')).toBe(other);
  }
  expect(rhel.notes(recipe).join()).toContain('CentOS has ended: its packages come from vault.centos.org');
  expect(rendered(await recipeOf('rocky', '9.6'), 'packages.sh').text).not.toContain('vault');
});

test('a ready image of a rebuild is customized as that of RHEL', async () => {
  const recipe = await recipeOf('rocky', '9.6', '', '{ image: /x.qcow2 }');
  const like = await recipeOf('rhel', '9.6', 'update: true\ncloudInit: { user: rocky }\n', '{ image: /x.qcow2 }');
  expect(words(argsOf(rhel.sysprep(recipe, filesOf(recipe))))).toEqual(
    words(argsOf(rhel.sysprep(like, filesOf(like)))),
  );
  expect(rhel.render(recipe)).toEqual(rhel.render(like));
});

const variables = (text: string) =>
  Object.fromEntries(text.split('\n').flatMap((line) => (/^(\w+)="?([^"]*)"?$/.exec(line) ? [line.split('=')] : [])));

test.each(dressed)('the practice media of %s %s say of themselves what its own say', (distribution, release) => {
  const { treeinfo: wanted, distro, efi } = distributions[distribution];
  const { root, treeinfo, facts } = dress(distribution, release);
  const said = variables(treeinfo.replaceAll(' = ', '='));
  expect(said).toMatchObject({ version: wanted.majorOnly ? release.split('.')[0] : release, arch: 'x86_64' });
  expect(said['family']).toMatch(wanted.family);
  const others = distributionNames.filter((name) => distributions[name].treeinfo.family.test(said['family'] ?? ''));
  expect(others).toEqual([distribution]);
  expect(facts).toContain(`efi="${efi}"\n`);
  expect(existsSync(join(root, packageKey({ distribution, release }).replace('file://', '')))).toBe(true);
  const own = variables(readFileSync(join(root, 'usr/lib/os-release'), 'utf8').replaceAll('"', ''));
  expect(own).toMatchObject({ ID: distro, VERSION_ID: distribution === 'centos' ? '7' : release });
  expect(readFileSync(join(root, 'etc/redhat-release'), 'utf8')).toContain(`release ${release}`);
  expect(readdirSync(join(root, 'etc/yum.repos.d'))).toHaveLength(1);
});

test('the installer of each reads the number of its release, which may have no minor one', () => {
  const folders = dressed.map(([distribution, release]) => {
    const folder = mkdtempSync(join(tmpdir(), 'installer-'));
    writeFileSync(join(folder, 'release.env'), dress(distribution, release).facts);
    writeFileSync(join(folder, 'commands'), '');
    return join(folder, 'commands');
  });
  const program = 'import sys, syntax\nprint(*[syntax.load_commands(path)["major"] for path in sys.argv[1:]])';
  const env = { ...process.env, PYTHONPATH: join(releaseFolder('9'), '../installer') };
  const said = execFileSync('python3', ['-B', '-c', program, ...folders], { encoding: 'utf8', env });
  expect(said.trim().split(' ')).toEqual(dressed.map(([, release]) => release.split('.')[0]));
});

test('practice media of one distribution are not those of another, and those of RHEL not made anew for one', async () => {
  const digests = await Promise.all(
    [undefined, ...dressed.map(([distribution, release]) => ({ distribution, release }))].map((each) =>
      practiceDigests('9', each),
    ),
  );
  expect(new Set(digests.map(({ dvd }) => dvd)).size).toBe(digests.length);
  expect(new Set(digests.map(({ payload }) => payload)).size).toBe(1);
});
