import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { bareDebian, canEnter, inDebian, unpackDebian } from '../support/bare-debian.ts';
import { freshFolder } from '../support/vmkiln.ts';

// The packages of scripts/package.sh: what is in them, and that they can be installed and run where nothing else is.

const folder = freshFolder('packages');
const root = join(folder, 'root');
afterAll(() => rmSync(folder, { recursive: true }));

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const deb = join(folder, 'one', `vmkiln_${version}_amd64.deb`);
const rpm = join(folder, 'one', `vmkiln-${version}-1.x86_64.rpm`);

const run = async (program: string, args: readonly string[], env = {}) =>
  (await exec({ program, args, timeout: 600, signal: new AbortController().signal, env })).stdout;

/** Builds both packages into a folder below the one of this file, as a user whose shell is set up like this. */
async function build(name: string, umask: string, env: Record<string, string>): Promise<void> {
  const temporary = join(folder, `${name}-work`);
  mkdirSync(temporary);
  const line = `umask ${umask} && exec scripts/package.sh --out "$0"`;
  await run('sh', ['-c', line, join(folder, name)], { ...env, TMPDIR: temporary, SOURCE_DATE_EPOCH: '1700000000' });
  expect(readdirSync(temporary)).toEqual([]);
}

const names = (list: string) =>
  readFileSync(`scripts/packages.${list}`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

beforeAll(() => build('one', '022', {}), 600_000);

test('two builds of one checkout have the same bytes', async () => {
  await build('two', '077', { LC_ALL: 'C.UTF-8', TZ: 'Asia/Tokyo' });
  const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  for (const file of [deb, rpm]) expect(digest(join(folder, 'two', basename(file)))).toBe(digest(file));
}, 600_000);

test('both name what vmkiln needs, and own everything by root', async () => {
  const fields = await run('dpkg-deb', ['-f', deb, 'Depends', 'Recommends']);
  const [depends = [], recommends = []] = fields
    .split(/^Recommends: /m)
    .map((line) => line.match(/[a-z][\w.+-]+/g) ?? []);
  for (const name of names('apt')) expect([...depends, ...recommends]).toContain(name);
  expect(depends).toEqual(expect.arrayContaining(['libc6', 'libstdc++6', 'qemu-system-x86', 'guestfs-tools']));
  expect(recommends).toContain('mmdebstrap');

  const requires = (await run('rpm', ['-qpR', rpm])).split('\n');
  const wanted = (await run('rpm', ['-qp', '--recommends', rpm])).split('\n');
  for (const name of names('dnf')) expect([...requires, ...wanted]).toContain(name);
  expect(requires).toEqual(expect.arrayContaining(['qemu-kvm', 'libc.so.6(GLIBC_2.28)(64bit)']));
  expect(requires.filter((name) => name.startsWith('/') || name.includes('musl'))).toEqual([]);

  const owners = await run('sh', ['-c', `dpkg-deb -c "$0" | awk '{print $2}' | sort -u`, deb]);
  expect(owners).toBe('root/root\n');
  expect(await run('rpm', ['-qp', '--qf', '[%{FILEUSERNAME}/%{FILEGROUPNAME}\n]', rpm])).toMatch(/^(root\/root\n)+$/);
});

/** What of vmkiln is tested in a bare system, where QEMU and libvirt are not. `files` are the paths of the package. */
function tryIt(files: readonly string[]): void {
  expect(inDebian(root, 'vmkiln --version')).toEqual({ status: 0, text: `${version}\n` });
  const recipe = '/usr/lib/vmkiln/recipes/rhel7.yaml --set iso=none.iso';
  expect(inDebian(root, `vmkiln validate ${recipe}`)).toMatchObject({ status: 0 });
  expect(inDebian(root, `vmkiln render ${recipe} --out /tmp/rendered && cat /tmp/rendered/ks.cfg`).text).toContain(
    '%end',
  );
  const plan = inDebian(root, 'vmkiln plan /usr/lib/vmkiln/recipes/rocky9-cloud.yaml');
  expect(plan).toMatchObject({
    status: 1,
    text: expect.stringContaining('qemu-system-x86_64 is not installed') as string,
  });
  const { status, text } = inDebian(root, 'vmkiln doctor');
  expect([status, text]).toEqual([1, expect.stringMatching(/Node\.js .*\n.*Tools .*missing: qemu-system-x86_64/)]);
  // The shells find what completes its words, and systemd its units.
  const words = inDebian(
    root,
    `bash -c 'source /usr/share/bash-completion/completions/vmkiln; COMP_WORDS=(vmkiln rehe) COMP_CWORD=1; _vmkiln; echo "\${COMPREPLY[@]}"'`,
  );
  expect(words).toEqual({ status: 0, text: 'rehearse\n' });
  for (const unit of ['nightly@.service', 'nightly@.timer', 'worker@.service', 'dashboard@.service']) {
    expect(files).toContain(`/usr/lib/systemd/system/vmkiln-${unit}`);
  }
  for (const page of existsSync('dist/man') ? readdirSync('dist/man') : []) {
    expect(files).toContain(`/usr/share/man/man${page.slice(-1)}/${page}.gz`);
  }
  const copyright = readFileSync(join(root, 'usr/share/doc/vmkiln/copyright'), 'utf8');
  expect(copyright).toContain(
    createHash('sha256')
      .update(readFileSync(join(root, 'usr/lib/vmkiln/node')))
      .digest('hex'),
  );
  for (const name of ['zod ', 'execa ', '@cyclonedx/cyclonedx-library ']) expect(copyright).toContain(`\n${name}`);
  expect(readFileSync(join(root, 'usr/lib/vmkiln/node.LICENSE'), 'utf8')).toContain('OpenSSL, located at');
  expect(files.filter((file) => /\/tests?\/|\.test\.|\.d\.ts$/.test(file.replace(/^.*node_modules.*$/, '')))).toEqual(
    [],
  );
}

describe.skipIf(!canEnter)('in a bare Debian', () => {
  beforeAll(() => {
    bareDebian();
    unpackDebian(root);
    for (const file of [deb, rpm]) cpSync(file, join(root, 'root', basename(file)));
  }, 900_000);

  test('apt finds all that the .deb depends on', () => {
    const { status, text } = inDebian(root, `apt-get --simulate --no-install-recommends install ./${basename(deb)}`);
    expect([status, text]).toEqual([0, expect.stringContaining(`Inst vmkiln (${version}`)]);
    expect(text).toContain('Inst qemu-system-x86 ');
  }, 300_000);

  test('the set-up, alone with the .deb, says what it would do and does nothing', () => {
    cpSync('scripts/setup.sh', join(root, 'root/setup.sh'));
    expect(inDebian(root, 'bash setup.sh')).toMatchObject({
      status: 1,
      text: expect.stringContaining('--package FILE') as string,
    });
    const { status, text } = inDebian(root, `SUDO_USER=nobody bash setup.sh --dry-run --package ${basename(deb)}`);
    expect(status).toBe(0);
    const would = [...text.matchAll(/would run(?:, as root)?: (?:env DEBIAN_FRONTEND=noninteractive )?(.*)/g)].map(
      ([, line]) => line,
    );
    expect(would).toEqual([
      `apt-get -y --no-install-recommends install /root/${basename(deb)} cpio createrepo-c mmdebstrap python3 rpm squashfs-tools linux-image-cloud-amd64`,
      'usermod -aG kvm nobody',
      'usermod -aG libvirt nobody',
      'virtlogd -d',
      'libvirtd -d',
      'vmkiln doctor',
    ]);
    expect(inDebian(root, 'dpkg-query -W vmkiln qemu-utils').status).toBe(1);
    expect(inDebian(root, 'id -nG nobody').text).toBe('nogroup\n');
  }, 300_000);

  test('the .deb is installed, runs, and goes without a trace', () => {
    // Its dependencies are left out: they take minutes, and test/long installs them.
    const { status, text } = inDebian(root, `dpkg --force-depends -i ${basename(deb)}`);
    expect([status, text]).toEqual([0, expect.stringContaining('Setting up vmkiln')]);
    tryIt(inDebian(root, 'dpkg -L vmkiln').text.split('\n'));
    expect(inDebian(root, 'dpkg --verify vmkiln')).toEqual({ status: 0, text: '' });
    mkdirSync(join(root, 'etc/vmkiln'));
    writeFileSync(join(root, 'etc/vmkiln/ours.yaml'), '');
    expect(existsSync(join(root, 'var/lib/vmkiln'))).toBe(true);
    expect(inDebian(root, 'dpkg --remove vmkiln')).toMatchObject({ status: 0 });
    expect(existsSync(join(root, 'var/lib/vmkiln'))).toBe(true);
    expect(inDebian(root, 'dpkg --purge vmkiln')).toMatchObject({ status: 0 });
    const left = inDebian(root, 'find / -xdev -path "*vmkiln*" ! -path "/root/*" ! -path "/tmp/*" -prune');
    expect(left.text).toBe('/etc/vmkiln\n');
  }, 300_000);

  test('the .rpm is installed, runs, and goes', async () => {
    await run('rpm', ['--root', root, '--nodeps', '-i', rpm]);
    tryIt((await run('rpm', ['--root', root, '-ql', 'vmkiln'])).split('\n'));
    expect(await run('rpm', ['--root', root, '--nodeps', '-V', 'vmkiln'])).toBe('');
    await run('rpm', ['--root', root, '-e', 'vmkiln']);
    expect(
      ['usr/lib/vmkiln', 'usr/bin/vmkiln', 'usr/share/doc/vmkiln'].filter((path) => existsSync(join(root, path))),
    ).toEqual([]);
  }, 300_000);
});
