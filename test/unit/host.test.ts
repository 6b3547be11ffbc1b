import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accountOf, aclLetsPass, blockingFolder, permissions, qemuConfUser } from '../../src/host/access.ts';
import { openHostCache } from '../../src/host/cache.ts';
import { compareWithEmulation, findAccelerator } from '../../src/host/kvm.ts';
import { guestDisk } from '../../src/host/kvm-guest.ts';
import { bridgeAllowed } from '../../src/host/libvirt.ts';
import { parseNames, parseVersions } from '../../src/tools/virsh.ts';
import { leastRoom, outOfReach, roomError } from '../../src/host/needs.ts';
import { parseVersion } from '../../src/host/probe.ts';
import { nearestOsinfo, parseOsinfoIds } from '../../src/tools/osinfo.ts';

test('the short ids of osinfo-query are read without its heading', () => {
  const captured = [
    ' Short ID            ',
    '---------------------',
    ' almalinux8          ',
    ' rhel7.9             ',
    '',
  ];
  expect(parseOsinfoIds(captured.join('\n'))).toEqual(['almalinux8', 'rhel7.9']);
  expect(parseOsinfoIds(' Short ID \n-----------\n')).toEqual([]);
});

test('the nearest known release is taken, and a fallback is told from the release itself', () => {
  const known = ['rhel7.8', 'rhel7.9', 'rhel7-unknown'];
  expect(nearestOsinfo(['rhel7.9', 'rhel7.8'], known)).toEqual({ id: 'rhel7.9', exact: true });
  expect(nearestOsinfo(['rhel7.10', 'rhel7.9', 'rhel7.8'], known)).toEqual({ id: 'rhel7.9', exact: false });
  expect(nearestOsinfo(['win2k25'], known)).toEqual({ id: undefined, exact: false });
});

test('versions are read from what the tools print', () => {
  expect(parseVersion('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003')).toBe(
    '7.2.22',
  );
  expect(parseVersion('virt-customize 1.48.2\n')).toBe('1.48.2');
  expect(parseVersion('4.1.0\n')).toBe('4.1.0');
  expect(parseVersion('virt-customize 1.52.0rhel=9,release=3.el9\n')).toBe('1.52.0rhel=9,release=3.el9');
  const virsh =
    'Compiled against library: libvirt 9.0.0\nUsing library: libvirt 9.1.0\nUsing API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.22\n\n';
  expect(parseVersions(virsh)).toEqual({ libvirt: '9.1.0', qemu: '7.2.22' });
});

test('network names and bridge rules', () => {
  expect(parseNames('default\nlab\n\n')).toEqual(['default', 'lab']);
  expect(bridgeAllowed('# rules\nallow virbr0\n', 'virbr0')).toBe(true);
  expect(bridgeAllowed('allow all\ndeny virbr0\n', 'virbr0')).toBe(false);
  expect(bridgeAllowed('allow br0\n', 'virbr0')).toBe(false);
});

const passwd =
  'root:x:0:0:root:/root:/bin/bash\nlibvirt-qemu:x:64055:107:Libvirt Qemu,,,:/var/lib/libvirt:/usr/sbin/nologin';
const group = 'kvm:x:107:\nlibvirt-qemu:x:64055:libvirt-qemu\nmedia:x:2000:alice,libvirt-qemu';

test("QEMU's account comes from qemu.conf, passwd and group", () => {
  expect(qemuConfUser('#user = "root"\nuser = "+107"\n')).toBe('107');
  expect(qemuConfUser('#user = "root"\n')).toBeUndefined();
  expect(accountOf('libvirt-qemu', passwd, group)).toEqual({
    name: 'libvirt-qemu',
    uid: 64055,
    groups: [107, 64055, 2000],
  });
  expect(accountOf('64055', passwd, group)?.name).toBe('libvirt-qemu');
  expect(accountOf('qemu', passwd, group)).toBeUndefined();
});

const account = { name: 'libvirt-qemu', uid: 64055, groups: [107, 64055, 2000] };

test.each([
  ['others may pass', 0o755, 0, 0, true],
  ['a private folder', 0o700, 0, 0, false],
  ['one of its groups may pass', 0o710, 0, 2000, true],
  ['its group may not, though others may', 0o701, 0, 2000, false],
  ['the owner may not, though others may', 0o077, 64055, 0, false],
  ['listing is not passing', 0o644, 0, 0, false],
])('passing through folders: %s', (_case, mode, uid, gid, passes) => {
  expect((permissions({ mode, uid, gid }, account) & 1) === 1).toBe(passes);
  expect(permissions({ mode, uid, gid }, { name: 'root', uid: 0, groups: [0] })).toBe(7);
});

test.each([
  ['user::rwx\nuser:64055:--x\ngroup::---\nmask::--x\nother::---\n', true],
  ['user::rwx\nuser:1000:--x\ngroup::---\nmask::--x\nother::---\n', false],
  ['user::rwx\ngroup::---\ngroup:2000:r-x\nmask::r-x\nother::---\n', true],
  ['user::rwx\nuser:64055:---\ngroup::---\ngroup:2000:r-x\nmask::r-x\nother::---\n', false],
  ['user::rwx\nuser:64055:--x\t\t#effective:---\ngroup::---\nmask::---\nother::---\n', false],
  ['', false],
])('an access control list: %j', (list, passes) => {
  expect(aclLetsPass(list, account)).toBe(passes);
});

test('the folder in the way of a file is found, also behind a symbolic link', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vmkiln-way-'));
  await chmod(folder, 0o755);
  const hidden = join(folder, 'private');
  await mkdir(hidden, { mode: 0o700 });
  await writeFile(join(hidden, 'x.iso'), '');
  await symlink(join(hidden, 'x.iso'), join(folder, 'link.iso'));
  const nobody = { name: 'nobody', uid: 65534, groups: [65534] };
  const signal = new AbortController().signal;
  expect(await blockingFolder(join(folder, 'none.iso'), nobody, signal)).toBeUndefined();
  expect(await blockingFolder(join(hidden, 'x.iso'), nobody, signal)).toBe(hidden);
  expect(await blockingFolder(join(folder, 'link.iso'), nobody, signal)).toBe(hidden);
});

test('a build is refused without room, and without a way for QEMU, with what to do', () => {
  expect(roomError('/var/cache/vmkiln', leastRoom)).toBeUndefined();
  expect(roomError('/var/cache/vmkiln', leastRoom - 2 ** 30)).toMatchObject({
    code: 'DISK_FULL',
    message: 'no space left in /var/cache/vmkiln: 4 GiB needed, 3 GiB free',
    hint: expect.stringContaining('vmkiln clean --cache'),
  });
  const error = outOfReach({ path: '/root/x.iso', move: 'move the ISO' }, 'libvirt-qemu', '/root');
  expect(error).toMatchObject({
    code: 'HOST_UNFIT',
    hint: 'move the ISO, or let it pass: chmod o+x /root (for that user alone: setfacl -m u:libvirt-qemu:x /root)',
  });
});

test('KVM that QEMU, run by libvirt as another user, cannot open is not used', async () => {
  const signal = new AbortController().signal;
  const found = await findAccelerator('no-such-qemu', 'x86_64', { closedTo: 'libvirt-qemu' }, signal);
  expect(found.accelerator).toBe('tcg');
  expect(found.acceleratorReason).toMatch(/libvirt-qemu, which may not open \/dev\/kvm.*chgrp kvm/);
});

test('KVM that is slower than emulation is not used, and a busy host is not taken for one', () => {
  const use = (kvm: number, emulated: number) => compareWithEmulation(kvm, emulated).accelerator;
  expect(use(0.2, Infinity)).toBe('kvm');
  expect(use(2.4, 0.1)).toBe('tcg');
  expect(use(4, 3)).toBe('kvm');
  expect(use(Infinity, 4)).toBe('tcg');
  expect(compareWithEmulation(2.4, 0.1).acceleratorReason).toContain('took 2s under KVM and 0.1s without');
});

test('a finding is kept for its circumstances, and forgotten with them', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'vmkiln-host-')), 'cache');
  let found = 0;
  const find = async () => ++found;
  const first = await openHostCache(folder, false);
  expect(await first.remember('kvm', 'kernel 1', find)).toBe(1);
  await first.save();
  const second = await openHostCache(folder, false);
  expect(await second.remember('kvm', 'kernel 1', find)).toBe(1);
  expect(await second.remember('kvm', 'kernel 2', find)).toBe(2);
  const fresh = await openHostCache(folder, true);
  expect(await fresh.remember('kvm', 'kernel 1', find)).toBe(3);
});

test('the test guest is a boot sector on a disk that firmware boots', () => {
  const disk = guestDisk();
  expect(disk.length).toBe(1024 * 1024);
  expect(disk.readUInt16LE(510)).toBe(0xaa55);
  // The far jump into 64-bit code goes to where that code is loaded.
  expect(disk.subarray(0x5b, 0x60)).toEqual(Buffer.from([0xea, 0x60, 0x7c, 0x08, 0x00]));
});
