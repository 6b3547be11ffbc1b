import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lintKickstart } from '../../src/families/rhel/kickstart-lint.ts';

const sound = `lang en_US.UTF-8
timezone UTC
rootpw --lock --iscrypted x
network --device=eth0
part / --size=1024 --grow
poweroff
zerombr
keyboard us
cdrom
%packages
@core
%end
`;
const lint = (text: string, major = 9, firmware: 'bios' | 'uefi' = 'bios') =>
  lintKickstart('ks.cfg', text, { major, firmware }).map(({ line, level, message }) => `${line} ${level}: ${message}`);

test.each([6, 7, 8, 9, 10])('what is shipped for RHEL %i has no mistake under either firmware', (major) => {
  const read = (name: string) => readFileSync(`test/unit/golden/rhel${major}/${name}`, 'utf8');
  expect(lint(read('ks.cfg'), major)).toEqual([]);
  // From RHEL 8 on `reqpart` stands for what either firmware needs.
  expect(lint(read(major < 8 ? 'uefi-ks.cfg' : 'ks.cfg'), major, 'uefi')).toEqual([]);
});

test.each([
  ['poweroff\n', '', '1 error: the installation does not end: poweroff is missing'],
  ['poweroff', 'halt', '6 error: halt leaves the machine on: the build waits for poweroff'],
  ['timezone UTC\n', '', '1 error: the installer would ask for the time zone: there is no timezone'],
  ['rootpw --lock --iscrypted x\n', '', '1 error: the installer would ask for the password of root: there is neither'],
  ['part / --size=1024 --grow\n', '', '1 error: the installer would ask for the partitions'],
  ['%packages\n@core\n%end\n', '', '1 error: the installer would ask for the packages'],
  ['@core\n%end', '@core', '10 error: %packages has no %end'],
  ['@core\n%end', '@core\n%post\necho\n%end', '10 error: %packages has no %end'],
  ['--grow', '--grow --ondisk sda', '5 error: --ondisk=sda: the disk is on virtio, and named vda'],
  ['--grow', '--grow --onpart sda1', '5 error: --onpart=sda1: the disk is on virtio, and named vda'],
  ['part / --size=1024 --grow', 'autopart', '5 warning: growpart enlarges partitions'],
  ['lang', 'clearpart --all --disklabel=gpt\nlang', '1 error: a BIOS boots from a GPT label only with a part biosboot'],
  [
    '--grow',
    '--grow --asprimary\npart swap --size=1',
    '5 warning: the root partition is not the last: growpart cannot enlarge it',
  ],
  ['poweroff', 'volgroup vg pv.1\npoweroff', '6 warning: growpart enlarges partitions'],
  ['network --device=eth0', 'url --url=http://x/', '4 warning: url needs the network: without a network command'],
  ['network --device=eth0', 'ostreecontainer --url=x', '4 error: ostreecontainer needs the network while'],
  ['network --device=eth0', 'repo --name=a --baseurl https://x/', '4 error: repo needs the network'],
  ['--device=eth0', '--device=ens3', '4 error: --device=ens3: the interface is eth0, for net.ifnames=0 is set'],
  ['--lock --iscrypted x', 'redhat', '3 warning: rootpw holds a secret in the clear'],
  ['lang', 'user --name=a "--password=b c"\nlang', '1 warning: user holds a secret in the clear'],
  ['lang', 'rhsm --organization=1 --activation-key=k\nlang', '1 warning: rhsm holds a secret in the clear'],
])('%j made %j: %s', (from, to, finding) => {
  const found = lint(sound.replace(from, to));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(finding);
});

test('UEFI needs its partition, RHEL 6 lets a missing %end pass, and an included file may hold the rest', () => {
  expect(lint(sound)).toEqual([]);
  expect(lint(sound, 9, 'uefi')).toEqual(['5 error: machine.firmware is uefi, and there is no part /boot/efi']);
  expect(lint(sound.replace('part /', 'reqpart\npart /'), 9, 'uefi')).toEqual([]);
  expect(lint(sound.replace('@core\n%end', '@core'), 6)).toEqual([
    '10 warning: %packages has no %end, which only RHEL 6 lets pass',
  ]);
  expect(lint('%include /tmp/ks\nrepo --name=a --baseurl=http://x/\npart / --size=1000\n', 9, 'uefi')).toEqual([]);
});

test('a system that comes whole has no packages to choose, and autopart may make plain partitions', () => {
  const whole = 'ostreecontainer --url=/run/install/repo/container --transport=oci\n';
  expect(lint(sound.replace('network --device=eth0\n', whole).replace(/%packages[^]*/, ''))).toEqual([]);
  expect(lint(sound.replace(/part .*/, 'autopart --type plain'))).toEqual([]);
});

test('RHEL 6 asks for the network that a source needs, later releases try DHCP', () => {
  const text = sound.replace('network --device=eth0', 'url --url=http://x/');
  expect(lint(text, 6)).toEqual([expect.stringContaining('4 error: url needs the network')]);
  expect(lint(text, 7)).toEqual([expect.stringContaining('4 warning: url needs the network')]);
});

test('what is in a script, a comment or quotes is no command', () => {
  const more = '# rootpw redhat\nlogging --host="# x"\n%post\nrootpw secret\npart / --ondisk=sda\n%end\n';
  expect(lint(`${sound}${more}`)).toEqual([]);
});

test('any text is read without failing, and every finding has a line of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'%"\'\\#=- \npartend/') }), (text) => {
      const lines = text.split('\n').length;
      for (const { line } of lintKickstart('x', text, { major: 9, firmware: 'uefi' })) {
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(lines);
      }
    }),
  );
});
