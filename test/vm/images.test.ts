import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { run } from '../support/image.ts';
import { freshFolder, vmkiln } from '../support/vmkiln.ts';

const folder = freshFolder('images');
const image = join(folder, 'guest.qcow2');
const boot = readdirSync('/boot');
const kernel = boot.find((name) => name.startsWith('vmlinuz')) ?? '';
const initrd = boot.find((name) => /^init(rd|ramfs)/.test(name)) ?? '';

/** A guest of one filesystem, as far as libguestfs looks: RHEL 7.9 by its files, with this host's kernel. */
beforeAll(async () => {
  const root = join(folder, 'root');
  for (const name of ['bin', 'boot', 'dev', 'etc', 'lib', 'proc', 'sys', 'usr', 'var/lib']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  writeFileSync(join(root, 'etc/redhat-release'), 'Red Hat Enterprise Linux Server release 7.9 (Maipo)\n');
  writeFileSync(join(root, 'etc/fstab'), '/dev/vda / ext4 defaults 1 1\n');
  cpSync('/bin/true', join(root, 'bin/ls'), { dereference: true });
  for (const name of [kernel, initrd]) cpSync(join('/boot', name), join(root, 'boot', name));
  await run('mkfs.ext4', ['-q', '-d', root, join(folder, 'root.raw'), '256M']);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', join(folder, 'root.raw'), image]);
});

test('inspect tells the guest, and the properties that follow from it', async () => {
  const { status, stdout } = await vmkiln(['inspect', image, '--json'], { timeout: 300 });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    guests: [{ name: 'linux', distro: 'rhel', major: '7', minor: '9' }],
    properties: {
      disk_format: 'qcow2',
      os_type: 'linux',
      os_distro: 'rhel',
      os_version: '7.9',
      architecture: 'x86_64',
      hw_disk_bus: 'virtio',
    },
  });
});

test('convert --to ami makes filesystem, kernel and RAM disk', async () => {
  const out = join(folder, 'machine');
  const { status, stderr } = await vmkiln(['convert', image, '--to', 'ami', '--out', out, '--check'], { timeout: 300 });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(readFileSync(`${out}.aki`).equals(readFileSync(join('/boot', kernel)))).toBe(true);
  expect(readFileSync(`${out}.ari`).equals(readFileSync(join('/boot', initrd)))).toBe(true);
  expect(readFileSync(`${out}.ami`).equals(readFileSync(join(folder, 'root.raw')))).toBe(true);
  const found = await vmkiln(['inspect', `${out}.ami`, '--no-guest', '--json']);
  expect(JSON.parse(found.stdout).properties).toMatchObject({ disk_format: 'ami', container_format: 'ami' });
});
