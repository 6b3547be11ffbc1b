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
const lint = (text: string, major = 9, firmware: 'bios' | 'uefi' = 'bios', disk?: number) =>
  lintKickstart('ks.cfg', text, { major, firmware, disk }).map(
    ({ line, level, message }) => `${line} ${level}: ${message}`,
  );
const GiB = 1024 ** 3;

test.each([6, 7, 8, 9, 10])('what is shipped for RHEL %i has no mistake under the firmware that it knows', (major) => {
  const read = (name: string) => readFileSync(`test/unit/golden/rhel${major}/${name}`, 'utf8');
  expect(lint(read('ks.cfg'), major)).toEqual([]);
  // From RHEL 8 on `reqpart` stands for what either firmware needs; 6 is not installed under UEFI.
  if (major > 6) expect(lint(read(major < 8 ? 'uefi-ks.cfg' : 'ks.cfg'), major, 'uefi')).toEqual([]);
});

test.each([
  ['poweroff\n', '', '1 error: the installation does not end: poweroff is missing'],
  ['poweroff', 'halt', '6 error: halt leaves the machine on: the build waits for poweroff'],
  ['timezone UTC\n', '', '1 warning: there is no timezone: the installer takes America/New_York'],
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
  ['poweroff', 'part pv.1 --size=1\nvolgroup vg pv.1\npoweroff', '7 warning: growpart enlarges partitions'],
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

test.each([
  ['lang', 'nonsense\nlang', 9, '1 error: RHEL 9 has no command nonsense'],
  ['lang', 'partt / --size=1\nlang', 9, '1 error: RHEL 9 has no command partt, did you mean "part"?'],
  ['lang', 'unsupported_hardware\nlang', 9, '1 error: RHEL 9 has no command unsupported_hardware, only RHEL 6, 7'],
  ['lang', 'install\nlang', 9, '1 error: install was removed: RHEL 9 refuses it'],
  ['lang', 'install\nlang', 8, '1 warning: install is deprecated in RHEL 8'],
  ['timezone UTC', 'timezone UTC --isUtc', 9, '2 warning: timezone: --isUtc is deprecated in RHEL 9'],
  ['zerombr', 'zerombr yes', 9, '7 error: zerombr: takes no argument: "yes"'],
  ['--size=1024', '--sizee=1024', 9, '5 error: part: there is no option --sizee, did you mean "--size"?'],
  ['--size=1024', '--size=big', 9, '5 error: part: --size is no whole number: "big"'],
  ['--grow', '--grow --fsprofile=a --mkfsoptions=b', 9, '5 error: part: --fsprofile and --mkfsoptions exclude each'],
  ['--grow', '--resize', 9, '5 error: part: --resize needs --onpart'],
  ['network --device=eth0', 'network --bootproto=dhpc', 9, '4 error: network: --bootproto is none of dhcp, bootp'],
  ['lang', 'reqpart\nmount /dev/vda1 /home\nlang', 9, '2 error: mount and reqpart (line 1) exclude each other'],
  ['%packages', '%packages --nobase', 9, '10 error: %packages: there is no option --nobase'],
  ['%packages', '%pakages\n%end\n%packages', 9, '10 error: RHEL 9 has no section %pakages, did you mean "%packages"?'],
  ['lang', '\uFEFFlang', 9, '1 error: a byte order mark is no part of a kickstart'],
  ['lang', 'lang "en', 9, '1 error: a quotation mark or a backslash at the end has nothing to close it'],
])('%j made %j is told on RHEL %i: %s', (from, to, major, finding) => {
  const text = to.startsWith('\uFEFF') ? `\uFEFF${sound}` : sound.replace(from, to);
  expect(lint(text, major)).toContainEqual(expect.stringContaining(finding));
});

test.each([
  [
    'zerombr\n',
    '',
    9,
    10,
    '5 error: the disk is empty: without zerombr or clearpart --all --initlabel it gets no label',
  ],
  ['--grow', '--grow --ondisk=vdb', 9, 10, '5 error: --ondisk=vdb: there is one disk, and it is named vda'],
  ['--grow', '--ondisk=disk/by-id/virtio-x', 9, 10, '5 error: --ondisk=disk/by-id/virtio-x: the disk has no serial'],
  ['lang', 'bootloader --driveorder=sda\nlang', 9, 10, '1 warning: --driveorder=sda: the disk is on virtio, and named'],
  ['lang', 'ignoredisk --drives=vda,sdb\nlang', 9, 10, '1 error: --drives=sdb: the disk is on virtio, and named vda'],
  ['--size=1024', '--size=20000', 9, 10, '5 error: the partitions need 20 GiB, and the disk has 10 GiB'],
  ['--size=1024 --grow', '--size=500', 9, 10, '5 error: no system fits into a root partition of 500 MiB'],
  ['part /', 'part / --fstype=xfs', 6, 10, '5 error: RHEL 6 has no XFS without an add-on: use ext4'],
  ['lang', 'interactive\nlang', 6, 10, '1 error: interactive makes the installer wait for a person'],
  ['lang', 'bootloader --disabled\nlang', 9, 10, '1 error: without a boot loader the image does not boot'],
  ['lang', 'firstboot --enable\nlang', 9, 10, '1 warning: firstboot makes each instance ask at its first boot'],
  ['UTC', 'Europe/Berln', 9, 10, '2 error: there is no time zone Europe/Berln'],
  ['UTC', '${zone}', 9, 10, '2 error: ${zone} is not replaced'],
  ['@core', '${package}', 9, 10, '11 error: ${package} is not replaced'],
  ['poweroff', 'part / --size=2000\npoweroff', 9, 10, '6 error: / is there already, on line 5'],
  ['poweroff', 'network --device=eth0\npoweroff', 9, 10, '6 warning: network eth0 is there already, on line 4'],
])('%j made %j does not go with the machine of RHEL %i: %s', (from, to, major, size, finding) => {
  expect(
    lint(
      sound.replace(from, () => to),
      major,
      'bios',
      size * GiB,
    ),
  ).toEqual([expect.stringContaining(finding)]);
});

test('a GPT label, whatever it comes from, needs a partition for GRUB under a BIOS', () => {
  const told = 'a BIOS boots from a GPT label only with a part biosboot';
  expect(lint(sound, 10)).toEqual([`5 error: RHEL 10 writes a GPT label, and ${told}`]);
  expect(lint(sound, 9, 'bios', 2048 * GiB)).toEqual([`5 error: a disk from 2 TiB gets a GPT label, and ${told}`]);
  expect(lint(sound, 9, 'bios', 2047 * GiB)).toEqual([]);
  const spaced = sound.replace('part /', 'part --size 1 --fstype biosboot --label bb biosboot\npart /');
  expect(lint(spaced, 10)).toEqual([]);
  expect(lint(sound.replace('lang', 'clearpart --all --disklabel=msdos\nlang'), 10)).toEqual([]);
});

test.each([
  ['part swap --size=9\npart /var --size=2000', []],
  ['part /var --size=2000 --grow', []],
  ['part /home --size=500 --grow', ['the disk gets /, /home']],
  ['part prepboot --size=9 --fstype "PPC PReP Boot"', []],
  ['part --label boot --size 500 /boot\npart swap --size=1 --ondisk=vda', []],
  ['part /a --size=1\npart /b --size=1\npart /c --size=1\npart /d --size=1', ['is a logical one']],
])('the order of partitions decides whether growpart can enlarge the root: %j', (more, warnings) => {
  const found = lint(sound.replace('poweroff', () => `${more}\npoweroff`));
  expect(found).toEqual(warnings.map((words) => expect.stringContaining(words)));
});

test('up to RHEL 7 the installer has no time zone of its own', () => {
  expect(lint(sound.replace('timezone UTC\n', ''), 7)).toEqual([
    expect.stringContaining('1 error: the installer would ask'),
  ]);
});

test.each([
  ['parted -s /dev/sda mklabel gpt', ['14 warning: %pre names /dev/sda: the disk is on virtio, and named vda']],
  ['# sgdisk -Z /dev/sda', []],
  ['disk=/dev/sda; [ -b $disk ] || disk=/dev/vda', []],
])('a script before the installation that knows only the disk of another machine: %j', (script, remarks) => {
  expect(lint(`${sound}%pre\n${script}\n%end\n`)).toEqual(remarks);
});

test('a root in a logical volume needs a /boot beside it', () => {
  const volumes = (more: string) =>
    sound.replace(
      /part .*/,
      `${more}part pv.1 --onpart=vda3\nvolgroup vg pv.1\nlogvol / --vgname=vg --name=root --size=1`,
    );
  const told = expect.stringContaining(
    'error: Anaconda boots from no logical volume: there is no part /boot',
  ) as string;
  expect(lint(volumes(''))).toContainEqual(told);
  expect(lint(volumes('reqpart\n'))).toContainEqual(told);
  for (const boot of ['part /boot --onpart=vda2\n', 'reqpart --add-boot\n', '%include /tmp/parts\n'])
    expect(lint(volumes(boot))).not.toContainEqual(told);
});

test('partitions that a %pre makes are taken by their numbers, and need no label', () => {
  const hybrid = (root: number, home: number) =>
    sound
      .replace('zerombr\n', '')
      .replace(/part .*/, `part / --onpart=vda${root} --fstype=xfs\npart /home --onpart=/dev/vda${home}`)
      .concat('%pre --erroronfail\nparted -s /dev/vda -- mklabel gpt\n%end\n');
  expect(lint(hybrid(4, 3))).toEqual([]);
  expect(lint(hybrid(4, 3), 10)).toEqual([]);
  expect(lint(hybrid(3, 4))).toEqual([expect.stringContaining('5 warning: the root partition is not the last')]);
});

test('options are read by their beginnings, and values that are words of their own are no mount points', () => {
  expect(lint(sound.replace('--size=1024 --grow', '--siz 1024 --grow --label root'))).toEqual([]);
  expect(lint(sound.replace('part /', 'part --fstype xfs --label root /'))).toEqual([]);
});

test('logical volumes have to fit into the disk and into their partitions', () => {
  const volumes = (size: number, pv: string, boot = 500) =>
    sound.replace(
      /part .*/,
      `part /boot --size=${boot}\npart pv.1 ${pv}\nvolgroup vg pv.1\nlogvol / --vgname=vg --name=root --size=${size}`,
    );
  const errors = (text: string) => lint(text, 9, 'bios', 10 * GiB).filter((one) => one.includes(' error: '));
  expect(errors(volumes(9000, '--size=1 --grow'))).toEqual([]);
  expect(errors(volumes(9000, '--size=1 --grow', 2000))).toEqual([
    '8 error: the partitions need 11 GiB, and the disk has 10 GiB',
  ]);
  expect(errors(volumes(9000, '--size=8000'))).toEqual([
    '8 error: the logical volumes need more than the 7.8 GiB of their partitions',
  ]);
});

test.each([
  [7, 'installer', '', ['1 error: fips=1 needs the package dracut-fips, which the installer of RHEL 7']],
  [7, 'installer', 'dracut-fips\n', []],
  [7, 'packages', '', []],
  [9, 'installer', '', []],
  [9, 'nobody', '%end\n%post\nfips-mode-setup --enable\n', []],
  [9, 'nobody', '', ['13 warning: fips=1 is for the installer too']],
] as const)('FIPS mode on RHEL %i, known to %s, %j in the kickstart', (major, fips, more, findings) => {
  const text = `${sound.replace('@core\n', `@core\n${more}`)}bootloader --append="quiet fips=1"\n`;
  const found = lintKickstart('ks.cfg', text, { major, firmware: 'bios', fips });
  expect(found.map(({ line, level, message }) => `${line} ${level}: ${message}`)).toEqual(
    findings.map((finding) => expect.stringContaining(finding)),
  );
});
