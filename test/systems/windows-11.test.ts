import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openImage, run } from '../support/image.ts';
import { freshFolder, leftovers, vmkiln } from '../support/vmkiln.ts';

test('Windows 11 installs with UEFI, firmware of Secure Boot and a TPM, and leaves nothing of them on the host', async () => {
  const out = freshFolder('windows-11');
  const recipe = join(out, 'windows-11.yaml');
  const shipped = readFileSync('recipes/windows-2022.yaml', 'utf8');
  const changes = {
    "release: '2022'": "release: '11'",
    'firmware: bios': 'firmware: uefi',
    'install:\n': 'install:\n  recovery: partition\n',
    'cloudbaseInit: { user: Administrator }\n': '',
  };
  const text = Object.entries(changes).reduce((now, [from, to]) => now.replace(from, to), shipped);
  writeFileSync(recipe, text.replace('name: windows-2022', 'name: windows-11').replace(/^ +image: .*\n/m, ''));
  // libvirt names a TPM's folder by the domain's UUID.
  const tpms = () => run('sh', ['-c', 'ls /var/lib/libvirt/swtpm 2> /dev/null || true']);
  const before = await tpms();
  // Installed and booted now, whatever an earlier run has left.
  const args = ['rehearse', recipe, '--out', out, '--ui', 'json', '--from', 'install'];
  const build = await vmkiln(args, { timeout: 1500, env: { WINDOWS_PASSWORD: 'Practice-7d2e' } });
  expect(build.status, build.stderr).toBe(0);
  // Its first boot, with firmware that has never seen the disk.
  const started = build.events.find((event) => event.type === 'build-started');
  expect(readFileSync(join(started?.folder ?? '', 'first-boot.log'), 'utf8')).toContain('Press Ctrl+Alt+Delete');
  const image = join(out, 'windows-11-rehearsal.qcow2');
  const { stdout } = await vmkiln(['inspect', image, '--no-guest', '--json']);
  const { partitionTable } = JSON.parse(stdout) as { partitionTable: { partitions: { type: string }[] } };
  expect(partitionTable).toMatchObject({ kind: 'gpt', boots: ['uefi'] });
  // Windows RE has its partition before C:, so that instances can grow that.
  expect(partitionTable.partitions.map(({ type }) => type)).toEqual([
    'Windows recovery',
    'EFI system',
    'Microsoft reserved',
    'Microsoft basic data',
  ]);
  const conf = '/Program Files/Cloudbase Solutions/Cloudbase-Init/conf';
  const guest = await openImage(image, [conf]);
  expect(guest.read(`${conf}/cloudbase-init.conf`)).toContain('username=Admin\r\n');
  const id = build.events[0]?.build ?? 'none';
  expect(await leftovers(id)).toEqual([]);
  const nvram = await run('sh', ['-c', `find /var/lib/libvirt/qemu/nvram -name '*${id}*' 2> /dev/null || true`]);
  expect(nvram).toBe('');
  expect(await tpms()).toBe(before);
});
