import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openImage, run } from '../support/image.ts';
import { freshFolder, leftovers, type Run, testHome, vmkiln } from '../support/vmkiln.ts';

/** Windows Server 2022 on practice media, once, by the real binary; every test looks at what this one rehearsal left. */
const secret = 'Planted-S3cret-7d2e';
const out = freshFolder('windows');
const image = join(out, 'windows-2022-rehearsal.qcow2');
const env = { WINDOWS_PASSWORD: secret };
let build: Run;

beforeAll(async () => {
  const args = ['rehearse', 'recipes/windows-2022.yaml', '--out', out, '--ui', 'json', '--from', 'customize'];
  build = await vmkiln(args, { timeout: 1500, env });
  expect(build.status, build.stderr).toBe(0);
});

test('the image is whole, and libguestfs takes it for the release', async () => {
  const info = JSON.parse(await run('qemu-img', ['info', '--output=json', image])) as Record<string, unknown>;
  expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': 40 * 1024 ** 3 });
  expect(info['backing-filename']).toBeUndefined();
  const xml = await run('virt-inspector', ['--no-applications', '-a', image], 300);
  expect(xml).toContain('<product_name>Windows Server 2022 Standard</product_name>');
  expect(xml).toContain('<osinfo>win2k22</osinfo>');
});

test('Cloudbase-Init has its configuration, and no copy of the answer file is left', async () => {
  const guest = await openImage(image, ['/Program Files/Cloudbase Solutions', '/Windows/Panther']);
  const conf = guest.read('/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/cloudbase-init.conf');
  expect(conf).toContain('ConfigDriveService');
  expect(readdirSync(guest.path('/Windows/Panther'))).toEqual(['setupact.log']);
});

test('the password is in no file of the build and in no event', async () => {
  expect(build.stdout + build.stderr).not.toContain(secret);
  const found = await run('sh', ['-c', `grep -rlF "$1" "$2" "$3" || true`, 'sh', secret, out, join(testHome, 'state')]);
  expect(found).toBe('');
});

test('what Setup refuses ends the build with its words, a screenshot and the logs of the disk', async () => {
  const folder = freshFolder('wrong');
  const shipped = readFileSync('templates/windows/autounattend.xml.hbs', 'utf8');
  // No lint knows which letter a drive gets; Setup finds no such path.
  const item = '<PathAndCredentials wcm:action="add" wcm:keyValue="99"><Path>G:\\more</Path></PathAndCredentials>';
  writeFileSync(join(folder, 'own.hbs'), shipped.replaceAll('</DriverPaths>', `${item}</DriverPaths>`));
  const own = 'install:\n  answerFile: own.hbs\n';
  writeFileSync(join(folder, 'x.yaml'), readFileSync('recipes/windows-2022.yaml', 'utf8').replace('install:\n', own));
  const args = ['rehearse', join(folder, 'x.yaml'), '--out', out, '--ui', 'json'];
  const failed = await vmkiln(args, { timeout: 600, env });
  expect(failed.status).toBe(1);
  const failure = failed.events.find((event) => event.type === 'failed');
  expect(failure).toMatchObject({ code: 'INSTALL_FAILED', stage: 'install' });
  expect(failure?.message).toContain('A driver path of the answer file does not exist: G:\\more');
  expect(readdirSync(failure?.bundle ?? '')).toEqual(expect.arrayContaining(['screenshot.png', 'console.log']));
  expect(await leftovers(failure?.build ?? '')).toEqual([]);
});
