import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { upload } from '../../src/commands/upload.ts';
import { inspect } from '../../src/index.ts';
import { patchImage } from '../../src/openstack/image-api.ts';
import { openSession } from '../../src/openstack/keystone.ts';
import { capturedBytes } from '../support/captured-images.ts';
import { commandContext } from '../support/command-context.ts';
import { type FakeGlance, startFakeGlance } from '../support/cloud/fake-glance.ts';

let cloud: FakeGlance;
let folder: string;
beforeAll(async () => {
  cloud = await startFakeGlance();
  for (const name of Object.keys(process.env)) if (/^OS_|_proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, cloud.env, { VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-home-')) });
});
afterAll(() => cloud.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmkiln-upload-'));
  cloud.images.clear();
  cloud.seen.length = 0;
  cloud.forget();
});

type Options = Partial<Parameters<typeof upload>[1]>;

const uploadAs = (path: string, options: Options = {}) =>
  upload(path, { to: ['envvars'], name: 'x', ...options }, commandContext());
const written = () => cloud.seen.filter((line) => /^(POST|PUT|PATCH|DELETE) \/v2/.test(line)).length;
const image = (): Record<string, unknown> => [...cloud.images.values()][0] ?? {};

const run = (program: string, args: string[]) => execFileSync(program, args);

/** A disk that boots with UEFI alone, as a qcow2. */
function uefiDisk(): string {
  const [raw, path] = [join(folder, 'disk.raw'), join(folder, 'disk.qcow2')];
  writeFileSync(raw, capturedBytes('gpt.raw'));
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
  return path;
}

test('an image that names a file of this host reaches neither a cloud nor a folder, nor a conversion', async () => {
  const path = join(folder, 'evil.qcow2');
  const args = ['create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', path, '1M'];
  run('qemu-img', args);
  const to = join(folder, 'images');
  for (const options of [{}, { diskFormat: 'raw' }, { to: ['envvars', `${to}/`] }, { dryRun: true }]) {
    await expect(uploadAs(path, options)).rejects.toMatchObject({ code: 'IMAGE_UNFIT' });
  }
  expect([written(), readdirSync(folder)]).toEqual([0, ['evil.qcow2']]);
  // Taken all the same it goes as it is: what it names is not read.
  await uploadAs(path, { diskFormat: 'raw', allowUnfit: true });
  expect(image()).toMatchObject({ disk_format: 'raw', status: 'active', min_disk: 0 });
});

test('what cannot become what is asked for is told before anything is made', async () => {
  const path = uefiDisk();
  await expect(uploadAs(path, { diskFormat: 'iso' })).rejects.toMatchObject({ code: 'IMAGE_UNFIT' });
  const page = join(folder, 'page.img');
  writeFileSync(page, '<html>no image here</html>');
  await expect(uploadAs(page)).rejects.toMatchObject({ code: 'IMAGE_UNFIT' });
  expect(written()).toBe(0);
});

test('kernels, and disks by another name, go as they are', async () => {
  const path = join(folder, 'vmlinuz');
  writeFileSync(path, gzipSync('a kernel'));
  await uploadAs(path, { diskFormat: 'aki' });
  expect(image()).toMatchObject({ disk_format: 'aki', container_format: 'aki' });
  cloud.images.clear();
  writeFileSync(path, capturedBytes('t.iso'));
  await uploadAs(path, { diskFormat: 'raw' });
  expect(image()).toMatchObject({ disk_format: 'raw', container_format: 'bare' });
  cloud.images.clear();
  await uploadAs(path);
  expect(image()).toMatchObject({ disk_format: 'iso' });
});

test.each([
  ['v2.qcow2', 'a.qcow2'],
  ['stream.vmdk', 'a.vmdk'],
  ['fixed.vhd', 'a.vhd'],
  ['t.vhdx', 'a.vhdx'],
  ['t.vdi', 'a'],
  ['t.iso', 'a.iso'],
  ['mbr.raw', 'a.img'],
  ['ext4.raw', 'a.img'],
  ['ext4.raw', 'a.raw'],
])('what inspect shows of %s as %s is what a new image has', async (captured, name) => {
  const path = join(folder, name);
  writeFileSync(path, capturedBytes(captured));
  const { properties } = await inspect(path, { guest: false });
  await uploadAs(path);
  const { min_disk, ...rest } = properties;
  expect(image()).toMatchObject({ ...rest, ...(min_disk !== undefined && { min_disk: Number(min_disk) }) });
  expect(Object.keys(rest)).toContain('disk_format');
});

test('a new image gets what follows from its contents, and nobody is contradicted later', async () => {
  const path = uefiDisk();
  await uploadAs(path);
  const follows = { min_disk: 1, hw_firmware_type: 'uefi', hw_machine_type: 'q35' };
  expect(image()).toMatchObject({ disk_format: 'qcow2', ...follows });
  const { id } = image() as { id: string };
  await patchImage(
    openSession(cloud.config, {}),
    id,
    [{ op: 'replace', path: '/hw_machine_type', value: 'pc' }],
    commandContext(),
  );
  const before = written();
  await uploadAs(path);
  // Its serial rises, and nothing else changes.
  expect([written(), image()['hw_machine_type']]).toEqual([before + 1, 'pc']);
  // An image that is there gets what is said of it, and no more.
  await uploadAs(path, { property: ['hw_machine_type=q35', 'a=b'] });
  expect(image()).toMatchObject({ hw_machine_type: 'q35', a: 'b' });
});

test('what the user says wins, and what follows from it follows', async () => {
  const path = uefiDisk();
  const property = ['hw_firmware_type=bios', 'hw_disk_bus=scsi', 'hw_scsi_model='];
  await uploadAs(path, { property, minDisk: 7 });
  expect(image()).toMatchObject({ hw_firmware_type: 'bios', hw_disk_bus: 'scsi', min_disk: 7 });
  for (const name of ['hw_machine_type', 'hw_scsi_model']) expect(image()).not.toHaveProperty(name);
});

test('what follows is that of the format that the cloud gets', async () => {
  await uploadAs(uefiDisk(), { diskFormat: 'vmdk' });
  expect(image()).toMatchObject({
    ...{ disk_format: 'vmdk', vmware_disktype: 'streamOptimized', vmware_adaptertype: 'ide' },
    ...{ min_disk: 1, hw_firmware_type: 'uefi' },
  });
});
