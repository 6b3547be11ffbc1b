import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { formatChecks, sourcePaths } from '../../src/commands/doctor.ts';
import { familyTools } from '../../src/families/index.ts';
import { nameservers } from '../../src/host/checks/guestfs.ts';
import { checkReach, checkRoom, reachCheck, roomCheck } from '../../src/host/checks/storage.ts';
import { buildTools, managerOf, practiceHintFor, practiceTools, toolsCheck } from '../../src/host/checks/tools.ts';
import { kvmCheck } from '../../src/host/checks/virtualisation.ts';
import { nodeCheck, type Check } from '../../src/host/doctor.ts';

test('findings line up, a fault is followed by what fixes it, and the last line counts', () => {
  const checks: Check[] = [
    { id: 'node', title: 'Node.js', status: 'ok', detail: '20.19.0' },
    { id: 'kvm', title: 'KVM', status: 'warn', detail: 'slow' },
    { id: 'libvirt', title: 'libvirt', status: 'fail', detail: 'silent', fix: 'libvirtd -d' },
  ];
  expect(formatChecks(checks).split('\n')).toEqual([
    '✔ Node.js  20.19.0',
    '! KVM      slow',
    '✖ libvirt  silent',
    '           → libvirtd -d',
    '',
    '1 failed, 1 to note: builds will fail until this is fixed',
  ]);
});

test('missing tools are named with one command for their packages', () => {
  const missing = buildTools.filter(({ programs }) => /virt-s|qemu-img/.test(programs[0] ?? ''));
  const input = { id: 'tools', title: 'Tools', tools: buildTools, status: 'fail' } as const;
  const check = toolsCheck({ ...input, missing, manager: 'apt' });
  expect(check).toMatchObject({ status: 'fail', detail: 'missing: qemu-img, virt-sysprep, virt-sparsify' });
  expect(check.fix).toMatch(/apt-get install --no-install-recommends qemu-utils guestfs-tools$/);
  expect(toolsCheck({ ...input, missing, manager: 'dnf' }).fix).toMatch(/dnf install qemu-img guestfs-tools$/);
  expect(toolsCheck({ ...input, missing, manager: undefined }).fix).toBeUndefined();
  expect(toolsCheck({ ...input, missing: [], manager: 'apt' }).status).toBe('ok');
});

test('practice media that cannot be made ask for what is missing, and else for a mirror', () => {
  const missing = practiceTools.filter(({ programs }) => /rpmbuild|cpio/.test(programs[0] ?? ''));
  expect(practiceHintFor(missing, 'dnf')).toMatch(/not installed \(rpmbuild, cpio\): .*dnf install rpm-build cpio$/);
  expect(practiceHintFor(missing, undefined)).toContain('(rpmbuild, cpio)');
  expect(practiceHintFor([], 'apt')).toContain('Debian mirror');
});

test.each(['apt', 'dnf'] as const)('set-up installs with %s what the doctor looks for', async (manager) => {
  const list = await readFile(new URL(`../../scripts/packages.${manager}`, import.meta.url), 'utf8');
  expect(list.split('\n')).toEqual(
    expect.arrayContaining(
      [...buildTools, ...practiceTools, ...familyTools.flatMap(({ tools }) => tools)].map((one) => one[manager]),
    ),
  );
});

test('the distribution tells the package manager', () => {
  expect(managerOf('NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n')).toBe('apt');
  expect(managerOf('ID=linuxmint\nID_LIKE="ubuntu debian"\n')).toBe('apt');
  expect(managerOf('ID="almalinux"\nID_LIKE="rhel centos fedora"\n')).toBe('dnf');
  expect(managerOf('ID=fedora\n')).toBe('dnf');
  expect(managerOf('ID=arch\nVARIANT_ID=debian\n')).toBeUndefined();
});

test('a host without KVM is fit, and is told why it is slow', () => {
  const tcg = { accelerator: 'tcg', acceleratorReason: 'this user may not open /dev/kvm' } as const;
  expect(kvmCheck({ status: 'fulfilled', value: tcg })).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('may not open /dev/kvm'),
    fix: expect.stringContaining('kvm'),
  });
  const kvm = { accelerator: 'kvm', acceleratorReason: 'a test guest ran under KVM' } as const;
  expect(kvmCheck({ status: 'fulfilled', value: kvm }).status).toBe('ok');
});

test('room is judged by its two limits', () => {
  const limits = { id: 'space', title: 'Space', fail: 1024 ** 3, warn: 2 * 1024 ** 3 };
  expect(roomCheck(limits, 1024 ** 3 - 1, 'free').status).toBe('fail');
  expect(roomCheck(limits, 1024 ** 3, 'free').status).toBe('warn');
  expect(roomCheck(limits, 2 * 1024 ** 3, 'free')).toMatchObject({ status: 'ok', detail: '2 GiB free' });
});

test('a file below a private folder is a fault that names the folder', () => {
  const check = reachCheck({ id: 'file-1', title: 'File' }, '/root/rhel.iso', 'qemu', '/root');
  expect(check).toMatchObject({ status: 'fail', detail: expect.stringContaining('through /root on the way') });
  expect(check.fix).toMatch(/chmod o\+x \/root$/);
});

test('Node.js 20.19 is the oldest that will do', () => {
  expect(['18.20.4', '20.18.3', '20.19.0', '22.1.0'].map((version) => nodeCheck(version).status)).toEqual([
    'fail',
    'fail',
    'ok',
    'ok',
  ]);
});

test('name servers, and the local files of a recipe', () => {
  expect(nameservers('# nameserver 1.2.3.4\nnameserver 127.0.0.53\noptions edns0\n nameserver ::1\n')).toEqual([
    '127.0.0.53',
    '::1',
  ]);
  const source = { iso: 'rhel.iso', sha256: 'ab', image: '${image}', virtio: 'https://example.com/virtio.iso' };
  expect(sourcePaths({ source })).toEqual(['rhel.iso']);
  expect(sourcePaths('not a recipe')).toEqual([]);
});

test('a folder that cannot be made and an ISO that is a folder are faults', async () => {
  const folders = { state: '/dev/null/state', cache: '/dev/null/cache' };
  const room = await checkRoom(folders);
  expect(room.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual(['space-state', 'space-cache']);
  const reach = await checkReach('qemu:///session', folders, ['/'], new AbortController().signal);
  expect(reach.find(({ id }) => id === 'file-1')).toMatchObject({ status: 'fail', detail: '/ is not a file' });
});
