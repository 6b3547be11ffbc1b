import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Verdict } from '../../src/verify/verdict.ts';
import { openImage, run } from '../support/image.ts';
import { bootPractice } from '../support/practice-windows.ts';
import { freshFolder, leftovers, type Run, testHome, vmkiln } from '../support/vmkiln.ts';

/**
 * A release on practice media, once, by the real binary; every test looks at what this one rehearsal left. VMKILN_WINDOWS names
 * another one: 2016, 2019, 2025 or 10.
 */
const release = process.env['VMKILN_WINDOWS'] ?? '2022';
const isServer = release !== '10';
const user = isServer ? 'Administrator' : 'Admin';
const secret = 'Planted-S3cret-7d2e';
const out = freshFolder('windows');
const image = join(out, `windows-${release}-rehearsal.qcow2`);
const recipe = join(out, 'windows.yaml');
const env = { WINDOWS_PASSWORD: secret };
const conf = '/Program Files/Cloudbase Solutions/Cloudbase-Init/conf';
const config = '/Windows/System32/config';
const downloads = '/Windows/SoftwareDistribution';
const logs = '/Windows/vmkiln';
let build: Run;
let guest: Awaited<ReturnType<typeof openImage>>;

beforeAll(async () => {
  const shipped = readFileSync('recipes/windows-2022.yaml', 'utf8').replaceAll('2022', release);
  const own = isServer
    ? shipped
    : shipped.replace('Windows Server 10 SERVERSTANDARD', 'Windows 10 Pro').replace('Administrator', user);
  const install = `install:
  updates: { select: security, server: 'http://wsus.example.com:8530', before: [exit 0] }
  commands: [exit 3010, exit 0]
`;
  const region = 'formats: de-CH\nkeyboard: "0807:00000807"\ntimezone: W. Europe Standard Time\n';
  writeFileSync(recipe, own.replace('install:\n', region + install));
  const args = ['rehearse', recipe, '--out', out, '--ui', 'json', '--from', 'customize'];
  build = await vmkiln(args, { timeout: 1500, env });
  expect(build.status, build.stderr).toBe(0);
  guest = await openImage(image, [conf, config, logs, '/Windows/Panther', downloads, '/Windows/System32/Sysprep']);
});

test('the image is whole, and libguestfs takes it for the release', async () => {
  const info = JSON.parse(await run('qemu-img', ['info', '--output=json', image])) as Record<string, unknown>;
  expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': 40 * 1024 ** 3 });
  expect(info['backing-filename']).toBeUndefined();
  expect(guest.known.split('\n')).toContain(isServer ? `Windows Server ${release} Standard` : 'Windows 10 Pro');
});

test('of all answer files the one is left that Sysprep cached, and nothing of the build', () => {
  expect(guest.read(`${conf}/cloudbase-init.conf`)).toMatch(
    /^\[DEFAULT\]\r\ngroups=Practice Administrators\r\n[^]*ConfigDriveService/,
  );
  expect(readdirSync(guest.path('/Windows/Panther')).toSorted()).toEqual(['setupact.log', 'unattend.xml']);
  expect(guest.read('/Windows/Panther/unattend.xml')).toBe(guest.read(`${conf}/Unattend.xml`));
  expect(readdirSync(guest.path(`${downloads}/Download`))).toEqual([]);
  expect(existsSync(guest.path(logs))).toBe(false);
  // Two rounds of updates and a command have restarted Windows, and the build has gone on after each.
  expect(JSON.parse(guest.read(`${downloads}/practice.json`))).toEqual({
    kbs: ['KB9000001', 'KB9000002', 'KB9000003'],
    pending: false,
    restarts: 3,
  });
  expect(readdirSync(guest.path('/Windows/System32/Sysprep')).toSorted()).toEqual(['Panther', 'sysprep.exe']);
});

const inBuild = (file: string) => {
  const started = build.events.find((event) => event.type === 'build-started');
  return readFileSync(join(started?.folder ?? '', file), 'utf8');
};

test('it was looked into and booted before it was published', () => {
  const { results } = JSON.parse(inBuild('verify.json')) as Verdict;
  const sealed = ['answer-file', 'secrets', 'sysprep', 'autologon', 'cloudbase-init', 'leftovers'];
  const passed = [...sealed, 'first-boot'].map((check) => [check, 'passed']);
  expect(results.map(({ check, outcome }) => [check, outcome])).toEqual(passed);
});

test('the registry has the settings of the recipe, and no password of the build in any of its hives', async () => {
  const below = (hive: string, key: string) =>
    run('hivexregedit', ['--export', '--unsafe-printable-strings', guest.path(`${config}/${hive}`), key]);
  const terminal = await below('SYSTEM', String.raw`\ControlSet001\Control\Terminal Server`);
  expect(terminal).toMatch(/"fDenyTSConnections"=dword:00000000[^]*\\RDP-Tcp\]\n"UserAuthentication"=dword:00000001/);
  const disks = await below('SYSTEM', String.raw`\ControlSet001\Services\partmgr\Parameters`);
  expect(disks).toContain('"SanPolicy"=dword:00000001');
  const winlogon = await below('SOFTWARE', String.raw`\Microsoft\Windows NT\CurrentVersion\Winlogon`);
  expect(winlogon).toContain('"AutoAdminLogon"=str(1):"0"');
  expect(winlogon).not.toMatch(/DefaultPassword|AutoLogonCount/);
  for (const hive of ['SAM', 'SECURITY', 'DEFAULT', 'SOFTWARE', 'SYSTEM'])
    expect(await below(hive, '\\'), hive).not.toContain(secret);
});

test('the first boot of an instance asks nothing, and would without that file', async () => {
  const first = inBuild('first-boot.log');
  const without = await bootPractice(image, join(freshFolder('without'), 'clone.qcow2'), [
    '/Windows/Panther/unattend.xml',
  ]);
  expect(first).toContain('practice Cloudbase-Init: specialize');
  expect(first).toContain(`practice Cloudbase-Init: ${user} is one of Practice Administrators`);
  // Sysprep has made Pacific Standard Time and en-US of what the installation had.
  expect(first).toContain('time zone W. Europe Standard Time, formats de-CH, keyboard 0807:00000807');
  expect(first).toContain('Press Ctrl+Alt+Delete to unlock');
  expect(first).not.toContain('whoever logs on runs');
  expect(without).toContain("Let's start with your region");
});

test('nothing lies behind drive C', async () => {
  const { stdout } = await vmkiln(['inspect', image, '--no-guest', '--json']);
  const { partitionTable } = JSON.parse(stdout) as {
    partitionTable: { partitions: { start: number; size: number }[] };
  };
  expect(partitionTable.partitions.length).toBe(1);
  const [{ start, size } = { start: 0, size: 0 }] = partitionTable.partitions;
  expect(40 * 1024 ** 3 - start - size).toBeLessThan(4 * 1024 ** 2);
});

test('the password is in no file of the build and in no event', async () => {
  expect(build.stdout + build.stderr).not.toContain(secret);
  const found = await run('sh', ['-c', `grep -rlF "$1" "$2" "$3" || true`, 'sh', secret, out, join(testHome, 'state')]);
  expect(found).toBe('');
});

test('what Setup refuses ends the build with its words, a screenshot and the logs of the disk', async () => {
  const folder = freshFolder('wrong');
  const shipped = readFileSync('templates/windows/autounattend.xml.hbs', 'utf8');
  // No lint knows which letter a drive gets.
  writeFileSync(
    join(folder, 'own.hbs'),
    shipped.replaceAll('<Path>{{path}}</Path>', String.raw`<Path>Q:\viostor\any\amd64</Path>`),
  );
  const own = 'install:\n  answerFile: own.hbs\n';
  writeFileSync(join(folder, 'x.yaml'), readFileSync(recipe, 'utf8').replace('install:\n', own));
  const args = ['rehearse', join(folder, 'x.yaml'), '--out', out, '--ui', 'json'];
  const failed = await vmkiln(args, { timeout: 600, env });
  expect(failed.status).toBe(1);
  const failure = failed.events.find((event) => event.type === 'failed');
  expect(failure).toMatchObject({ code: 'INSTALL_FAILED', stage: 'install' });
  expect(failure?.message).toContain('A media driver your computer needs is missing');
  expect(readdirSync(failure?.bundle ?? '')).toEqual(expect.arrayContaining(['screenshot.png', 'console.log']));
  expect(await leftovers(failure?.build ?? '')).toEqual([]);
});
