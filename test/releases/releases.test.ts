import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../src/model.ts';
import type { Verdict } from '../../src/verify/verdict.ts';
import { bootClone, openImage, run } from '../support/image.ts';
import { type Expected, expectedReleases, namesOfMachine } from '../support/releases.ts';
import { treeInfo, writeIso } from '../support/rhel-iso.ts';
import { verifyChecks } from '../support/verify.ts';
import { freshFolder, leftovers, vmkiln } from '../support/vmkiln.ts';

const secret = 'Planted-S3cret-9f1c';
const env = { RHSM_USERNAME: 'engineer', RHSM_PASSWORD: secret };
const folders = ['/etc', '/boot', '/var/log', '/root'];
const out = freshFolder('releases');
const imageOf = ({ name }: Expected) => join(out, `${name}-rehearsal.qcow2`);
const each = expectedReleases.map((expected) => [expected.name, expected] as const);

/** A package in every form that dnf takes, and the names of those that it stands for. */
const forms: Readonly<Record<string, readonly string[]>> = {
  '@base': ['rsync'],
  '@^minimal-environment': ['bash'],
  '@nodejs:20/common': ['nodejs', 'npm'],
  'chro*': ['chrony'],
  'qemu-guest-agent.x86_64': ['qemu-guest-agent'],
  'tmux-2.7': ['tmux'],
  'dhcp-client-12:4.4.2-19.b1.el9.x86_64': ['dhcp-client'],
  'git >= 2.40': ['git'],
  '/usr/bin/vim': ['vim-enhanced'],
  'perl(JSON)': ['perl-JSON'],
  'https://dl.fedoraproject.org/pub/epel/epel-release-latest-9.noarch.rpm': ['epel-release'],
  'own-agent.rpm': ['own-agent'],
};

/** What a clone is asked besides: its files are those of the image, its names its own, and a new kernel gets an entry that can go again. */
function checksOf({ name, files, entries }: Expected): object[] {
  const kept = Object.entries(files).filter(([path]) => path !== '/etc/machine-id');
  // systemd stands for the Upstart of RHEL 6, whose job makes them there.
  const names = name === 'rhel6' ? [] : Object.entries(namesOfMachine);
  const list = 'test "$(ls /boot/loader/entries)" =';
  const add = 'id=$(cat /etc/machine-id) && kernel-install add 99.0-practice /boot/vmlinuz-$(uname -r)';
  const another = `${add} && ls /boot/loader/entries/$id-99.0-practice.conf && kernel-install remove 99.0-practice`;
  return [
    ...kept.map(([file, contains]) => ({ file, contains })),
    ...names.map(([path, { source }]) => ({ run: `grep -qE '${source.replace(/\\n\$$/, '$')}' ${path}` })),
    ...(entries ? [{ run: `${another} && ${list} "$id-$(uname -r).conf"`, timeout: '5m' }] : []),
  ];
}

/** The recipe that is shipped, with more checks; that of RHEL 9 with all of the packages, and for UEFI. */
async function recipeOf(expected: Expected): Promise<string> {
  const { name } = expected;
  const path = join(out, `${name}.yaml`);
  const verified = `${readFileSync(`recipes/${name}.yaml`, 'utf8')}describe: false\nverify: ${JSON.stringify({ checks: checksOf(expected) })}\n`;
  if (name !== 'rhel9') {
    writeFileSync(path, verified);
    return path;
  }
  const spec =
    'Name: own-agent\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n';
  const top = join(out, 'rpm');
  mkdirSync(top);
  writeFileSync(join(top, 'own.spec'), spec);
  await run('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${top}`, join(top, 'own.spec')]);
  copyFileSync(join(top, 'RPMS/noarch/own-agent-1-1.noarch.rpm'), join(out, 'own-agent.rpm'));
  const more = Object.keys(forms).map((form) => `, ${JSON.stringify(form)}`);
  const forUefi = verified.replace('firmware: bios', 'firmware: uefi');
  writeFileSync(path, forUefi.replace(/^packages: \[.*(?=\])/m, `$&${more.join('')}`));
  return path;
}

/** All in one command, as many at once as the host has room for: their layers, names and ports must not meet. */
let events: readonly Event[];
const guests = new Map<string, Awaited<ReturnType<typeof openImage>>>();

beforeAll(async () => {
  const recipes = await Promise.all(expectedReleases.map(recipeOf));
  const built = await vmkiln(['rehearse', ...recipes, '--out', out, '--ui', 'json'], { timeout: 2700, env });
  expect(built.status, built.stderr).toBe(0);
  events = built.events;
  const opened = expectedReleases.map(async (expected) => {
    guests.set(expected.name, await openImage(imageOf(expected), folders));
  });
  await Promise.all(opened);
});

describe.each(each)('%s', (name, expected) => {
  const image = imageOf(expected);
  const guest = () => guests.get(name) as Awaited<ReturnType<typeof openImage>>;
  const lines = (path: string): string[] => {
    const local = guest().path(path);
    const files = statSync(local).isDirectory() ? readdirSync(local).map((file) => join(local, file)) : [local];
    return files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  };

  test('is planned and rendered without a rehearsal', async () => {
    const rendered = freshFolder('render');
    const render = await vmkiln(['render', `recipes/${name}.yaml`, '--out', rendered], { env });
    expect(render.status, render.stderr).toBe(0);
    expect(readdirSync(rendered)).toEqual(expect.arrayContaining(['ks.cfg', 'guest.sh', 'packages.sh']));
    const [, version = ''] = /^release: '(.+)'/m.exec(readFileSync(`recipes/${name}.yaml`, 'utf8')) ?? [];
    const iso = join(rendered, 'dvd.iso');
    writeIso(iso, { '.treeinfo': treeInfo({ version }) });
    const plan = await vmkiln(['plan', `recipes/${name}.yaml`, '--json', '--set', `iso=${iso}`], { env });
    expect(plan.status, plan.stderr).toBe(0);
    expect(JSON.parse(plan.stdout)).toMatchObject({ name, rehearsal: false });
  });

  test('is a flat qcow2 of the size of the recipe', async () => {
    const info = JSON.parse(await run('qemu-img', ['info', '--output=json', image]));
    expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': expected.size });
    expect(info['backing-filename']).toBeUndefined();
  });

  test('is inspected as its release, with the packages of the recipe', () => {
    const { known } = guest();
    expect(known.split('\n')).toContain(expected.osinfo);
    const more = name === 'rhel9' ? Object.values(forms).flat() : [];
    for (const one of ['cloud-init', 'cloud-utils-growpart', ...more]) expect(known).toContain(`app2_name: ${one}\n`);
  });

  test('has its files as the guide wants them', () => {
    for (const [path, text] of Object.entries(expected.files)) expect(guest().read(path), path).toBe(text);
    for (const [path, line] of Object.entries(expected.once)) {
      const key = line.slice(0, line.indexOf('=') + 1);
      const found = lines(path).filter((candidate) => candidate.startsWith(key));
      expect(found, path).toEqual([line]);
    }
    for (const path of expected.absent) expect(existsSync(guest().path(path)), path).toBe(false);
    expect(guest().read('/etc/cloud/cloud.cfg')).toMatch(/^cloud_init_modules:\n(\s+- .*\n)*\s+- resolv-conf\n/m);
    expect(guest().read('/etc/shadow')).toMatch(/^root:!!:/m);
  });

  test('gives every kernel its consoles', () => {
    for (const { file, lines: pattern } of expected.kernels) {
      const found = lines(file).filter((line) => pattern.test(line));
      expect(found.length, file).toBeGreaterThan(0);
      for (const line of found) expect(line.endsWith(` ${expected.kernelArguments}`), line).toBe(true);
    }
  });

  test('is verified: every check of its clones passes, those of its recipe too', () => {
    const folder = events.find((event) => event.type === 'build-started' && event.name === `${name}-rehearsal`);
    const path = join((folder as { folder: string }).folder, 'verify.json');
    const { results } = JSON.parse(readFileSync(path, 'utf8')) as Verdict;
    const own = checksOf(expected).length;
    expect(results.map(({ check }) => check).slice(0, -own)).toEqual(verifyChecks);
    const others = results.filter(({ outcome }) => outcome !== 'passed').map(({ check }) => check);
    expect(others).toEqual(name === 'rhel6' ? ['root-grown'] : []);
  });

  test('has no trace of its making, and leaves none here', async () => {
    const files = (folder: string) => readdirSync(guest().path(folder), { recursive: true }).map(String);
    expect(files('/root').filter((file) => /anaconda|install|\.ks/.test(file))).toEqual([]);
    expect(files('/var/log').filter((file) => /anaconda|rhsm\/./.test(file))).toEqual([]);
    expect(files('/etc').filter((file) => /pki\/consumer\/.|ssh_host_|system\.devices$/.test(file))).toEqual([]);
    expect(files('/etc').filter((file) => `/etc/${file}` in namesOfMachine)).toEqual([]);
    expect(await run('sh', ['-c', `grep -rlaF -- '${secret}' '${out}' || true`], 300)).toBe('');
    const build = events.find((event) => event.build.startsWith(`${name}-rehearsal-`))?.build;
    expect(await leftovers(build ?? 'none')).toEqual([]);
  });
});

test('the disk for UEFI has a GPT with an EFI system partition, and the root last', async () => {
  const { stdout } = await vmkiln(['inspect', join(out, 'rhel9-rehearsal.qcow2'), '--no-guest', '--json']);
  const { partitionTable, properties } = JSON.parse(stdout) as Record<string, unknown>;
  expect(partitionTable).toMatchObject({ kind: 'gpt', boots: ['uefi'], partitions: [{ size: 600 * 1024 ** 2 }, {}] });
  expect(properties).toMatchObject({ hw_firmware_type: 'uefi', hw_machine_type: 'q35' });
  const fstab = guests.get('rhel9')?.read('/etc/fstab');
  expect(fstab).toMatch(/^UUID=\S+ \/boot\/efi +vfat +umask=0077,shortname=winnt 0 2$/m);
});

test('the firmware finds GRUB on a machine that does not know it, and GRUB the configuration in /boot/grub2', async () => {
  const { path, read } = guests.get('rhel9') as Awaited<ReturnType<typeof openImage>>;
  expect(existsSync(path('/boot/efi/EFI/BOOT/BOOTX64.EFI'))).toBe(true);
  const root = /^UUID=(\S+) +\/ /m.exec(read('/etc/fstab'))?.[1];
  const stub = read('/boot/efi/EFI/redhat/grub.cfg');
  expect(stub).toContain(`--set=dev ${root}\n`);
  expect(stub).toContain('set prefix=($dev)/boot/grub2\n');
  expect(read('/boot/grub2/grub.cfg')).toContain('generated by grub2-mkconfig');
  const nvram = "find /var/lib/libvirt/qemu/nvram -name '*rhel9-rehearsal*' 2> /dev/null || true";
  expect(await run('sh', ['-c', nvram])).toBe('');
});

test('a kernel that a clone installs boots, and the kernel of the image goes as any other', async () => {
  const { ssh, reboot, stop } = await bootClone(join(out, 'rhel10-rehearsal.qcow2'), {
    hostname: 'clone',
    user: 'cloud-user',
  });
  try {
    await ssh('cloud-init status --wait');
    await ssh('kernel-install add 99.0-practice /boot/vmlinuz-$(uname -r) && sync');
    await reboot();
    expect(await ssh('cat /proc/cmdline')).toMatch(/vmlinuz-99\.0-practice .*net\.ifnames=0/);
    await ssh('kernel-install remove $(uname -r)');
    expect(await ssh('ls /boot/loader/entries')).toBe(await ssh('echo "$(cat /etc/machine-id)-99.0-practice.conf"'));
  } finally {
    await stop();
  }
});
