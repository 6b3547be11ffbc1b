import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lintKickstart } from '../../src/families/rhel/kickstart-lint.ts';

/** A kickstart without a mistake, but for its devices, from line 7 on, and its packages. */
const around = (devices: string, packages = '@core') =>
  `lang en_US.UTF-8\ntimezone UTC\nrootpw --lock --iscrypted x\nkeyboard us\nzerombr\ncdrom\n${devices}\npoweroff\n%packages\n${packages}\n%end\n`;
const lint = (text: string, major = 9) =>
  lintKickstart('ks.cfg', text, { major, firmware: 'bios' })
    .filter(({ message }) => !message.startsWith('growpart'))
    .map(({ line, level, message }) => `${line} ${level}: ${message}`);

const root = 'part / --size=2000';
const lvm =
  'part /boot --size=500\npart pv.1 --size=3000\nvolgroup vg pv.1\nlogvol / --vgname=vg --name=root --size=1000';

test.each([
  ['part /boot --size=500\npart swap --size=9', '7 error: nothing is mounted at /: the installer would ask'],
  ['part root --size=2000', '7 error: "root" is no place of a partition: it is /PATH, swap, pv.NAME'],
  [`${root} --fstype=zfs`, '7 error: --fstype=zfs: the installer knows no such file system'],
  [
    `part /data --size=2001 --fstype=fat32\n${root}`,
    '7 error: --fstype=fat32: the installer knows no such file system: write vfat',
  ],
  [`clearpart --all --disklabel=mbr\n${root}`, '7 error: --disklabel=mbr: it is gpt or msdos'],
  [lvm.replace('vg pv.1', 'vg pv.2'), '9 error: no part makes pv.2'],
  [lvm.replace('vgname=vg', 'vgname=vgx'), '10 error: no volgroup makes vgx, did you mean "vg"?'],
  [`${lvm}\nlogvol /a --vgname=vg --name=root --size=1`, '11 error: vg has a volume root already, from line 10'],
  ['part raid.1 --size=2000\nraid / --level=1 --device=md0 raid.1 raid.2', '8 error: no part makes raid.2'],
  [`${root} --encrypted`, '7 error: --encrypted without --passphrase: the installer would ask for it'],
  [`${root}\nsshkey --username=a "ssh-rsa A"`, '8 warning: sshkey: no user command makes a'],
  ['part / --size=-2000', '7 error: --size=-2000 is no size'],
  ['part / --size=2000 --percent=1', '7 error: part: there is no option --percent'],
  [`${root}\npower-off`, '8 error: RHEL 9 has no command power-off'],
])('%j is told once: %s', (devices, expected) => {
  const text = around(devices);
  expect(lint(/power-off/.test(devices) ? text.replace('\npoweroff', '') : text)).toEqual([
    expect.stringContaining(expected),
  ]);
});

test.each([
  [lvm],
  [`%include /tmp/parts\n${root.replace('/', '/boot')}`],
  ['autopart --type=plain'],
  ['part btrfs.1 --size=2000\nbtrfs none --label=x btrfs.1\nbtrfs / --subvol --name=root LABEL=x'],
  ['part raid.1 --size=2000\npart raid.2 --size=2000\nraid / --level=1 --device=0 raid.1 raid.2'],
  [
    'part raid.1 --size=2000\npart raid.2 --size=2000\nraid pv.1 --level=1 --device=0 raid.1 raid.2\npart /boot --size=500\nvolgroup a pv.1\nlogvol none --thinpool --vgname=a --name=pool --size=900\nlogvol / --thin --poolname=pool --vgname=a --name=root --size=1500',
  ],
  [`${root}\nuser --name=a --lock\nsshkey --username=a "ssh-rsa A"`],
  ['reqpart --add-boot\npart / --fstype=ext4 --size=2000\npart prepboot --fstype="PPC PReP Boot" --size=8'],
])('%j has no mistake', (devices) => {
  const major = devices.includes('btrfs') ? 7 : 9;
  expect(lint(around(devices), major).filter((told) => !/ warning: the root partition/.test(told))).toEqual([]);
});

test('every line of the packages names one', () => {
  const told = lint(
    around(
      root,
      '@core\nvim git # two\n- firewalld\n-dracut-*\n@ Development Tools\n@base --nodefaults\nkernel >= 4\n# a comment\nglibc.i686\n-@fonts',
    ),
  );
  expect(told).toEqual([
    '11 error: "vim git" is no package: each has a line of its own',
    '12 error: "- firewalld" leaves nothing out: write -firewalld',
  ]);
});

test('volumes and their parts are found whatever they are called, and one that is not made is told once', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 4 }), word, fc.nat(), (names, group, at) => {
      const parts = names.map((name) => `part pv.${name} --size=2000`);
      const volumes = names.map(
        (name, index) => `logvol ${index === 0 ? '/' : `/${name}`} --vgname=${group} --name=${name} --size=1000`,
      );
      const rest = [`volgroup ${group} ${names.map((name) => `pv.${name}`).join(' ')}`, ...volumes];
      const text = (made: readonly string[]) => around(['part /boot --size=500', ...made, ...rest].join('\n'));
      expect(lint(text(parts))).toEqual([]);
      const missing = names[at % names.length];
      const found = lint(text(parts.filter((line) => !line.includes(`pv.${missing} `))));
      expect(found.filter((told) => told.includes('no part makes'))).toEqual([
        expect.stringContaining(`no part makes pv.${missing}`),
      ]);
    }),
    { numRuns: 60 },
  );
});
