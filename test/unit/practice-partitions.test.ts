import { execFileSync } from 'node:child_process';
import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';

type Groups = Record<string, { pvs: string[]; volumes: string[]; free: number; extent: number }>;
type Case = { script: string; commands: string; firmware?: 'bios' | 'uefi'; groups?: Groups };
type Result = {
  error?: string;
  table: [number, string, number, string?][];
  made: string[];
  fstab: string;
  words: string[];
};

/** What the practice installer does to disks of 6 GiB, which are files, once the kickstart's own script has partitioned them. */
function install(...cases: Case[]): Result[] {
  const input = cases.map(({ script, commands, firmware = 'bios', groups = {} }) => {
    const folder = mkdtempSync(join(tmpdir(), 'practice-partitions-'));
    writeFileSync(join(folder, 'vda'), '');
    truncateSync(join(folder, 'vda'), 6 * 1024 ** 3);
    writeFileSync(join(folder, 'x.ks'), `${commands}\n%pre --erroronfail\n${script}\n%end\n`);
    return { folder, firmware, groups };
  });
  const args = ['-B', '-W', 'ignore', 'test/support/practice-disk.py', releaseFolder('9')];
  const env = { ...process.env, PYTHONPATH: join(releaseFolder('9'), '../installer') };
  const out = execFileSync('python3', args, { encoding: 'utf8', stdio: 'pipe', input: JSON.stringify(input), env });
  return JSON.parse(out) as Result[];
}

const biosboot = '21686148-6449-6E6F-744E-656564454649';
const esp = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
const linux = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';
const prep = '9E1A2D38-C612-4316-AA26-8B49521E5A8B';
const lvm = 'E6D6D379-F507-44C2-A23C-238F2A3DF928';

test('partitions made with parted for both firmwares are used where they lie', () => {
  const script = `parted -s -a optimal /dev/vda -- mklabel gpt
    parted -s -a optimal /dev/vda -- mkpart biosboot 1MiB 2MiB set 1 bios_grub on
    parted -s -a optimal /dev/vda -- mkpart '"EFI System Partition"' fat32 2MiB 202MiB set 2 esp on
    parted -s -a optimal /dev/vda -- mkpart boot xfs 202MiB 714MiB mkpart root xfs 714MiB 100%
    fstype=ext4; echo "part /boot --fstype=$fstype --onpart=vda3" > parts.ks`;
  const commands = `part biosboot --fstype=biosboot --onpart=vda1
part /boot/efi --fstype=efi --onpart=PARTLABEL="EFI System Partition"
%include parts.ks
part / --size=2000 --grow --fstype=xfs --label=root --mkfsoptions="-m bigtime=0" --usepart=/dev/vda4`;
  const results = install({ script, commands }, { script, commands, firmware: 'uefi' });
  for (const { table, made, fstab } of results) {
    expect(table).toEqual([
      [1, biosboot, 1, 'PARTLABEL=biosboot'],
      [2, esp, 200, 'PARTLABEL=EFI System Partition'],
      [3, linux, 512, 'PARTLABEL=boot'],
      [4, linux, 5429, 'PARTLABEL=root'],
    ]);
    const makers = ['mkfs.vfat /dev/vda2', 'mkfs.ext4 -F -q /dev/vda3', 'mkfs.xfs -f -m bigtime=0 -L root /dev/vda4'];
    expect(made.filter((line) => line.startsWith('mk'))).toEqual(makers);
    expect(fstab).toMatch(/^UUID=Uvda2 \/boot\/efi +vfat +defaults,uid=0,gid=0,umask=077,shortname=winnt 0 2$/m);
    expect(fstab).toMatch(/^UUID=Uvda3 \/boot +ext4 +defaults +0 2$/m);
  }
});

test('partitions made with sgdisk get the types of what the kickstart puts there, and a volume group its volumes', () => {
  const script = 'sgdisk -Z /dev/vda\nsgdisk -n 1:0:+99M -n 2:0:+500M -n 3:0:+4M -n 4:0:+1M -n 5:0:0 /dev/vda';
  const commands = `part /boot/efi --fstype=efi --asprimary --onpart=vda1
part /boot --fstype=xfs --label=boot --onpart=vda2
part prepboot --fstype=prepboot --asprimary --onpart=vda3
part biosboot --fstype=biosboot --asprimary --onpart=vda4
part pv.01 --grow --onpart=vda5
volgroup rocky pv.01
logvol swap --vgname=rocky --name=swap --size=511
logvol /var --vgname=rocky --name=var-data --percent=25
logvol / --vgname=rocky --size=1000 --name=root --grow`;
  const [result] = install({ script, commands });
  expect(result?.table.map(([, type]) => type)).toEqual([esp, linux, prep, biosboot, lvm]);
  // The partition of 5538 MiB has 1384 extents.
  expect(result?.made.filter((line) => /^(pv|vg|lv)/.test(line))).toEqual([
    'pvcreate -ff -y /dev/vda5',
    'vgcreate -y -s 4096k rocky /dev/vda5',
    'lvcreate -y -W y -l 128 -n swap rocky',
    'lvcreate -y -W y -l 251 -n var-data rocky',
    'lvcreate -y -W y -l 1005 -n root rocky',
  ]);
  expect(result?.fstab).toMatch(/^\/dev\/mapper\/rocky-root \/ +xfs +defaults +0 0$/m);
  expect(result?.fstab).toMatch(/^\/dev\/mapper\/rocky-var--data \/var /m);
  expect(result?.fstab).toMatch(/^\/dev\/mapper\/rocky-swap none +swap /m);
  expect(result?.words).toEqual(['rd.lvm.lv=rocky/swap', 'rd.lvm.lv=rocky/root', 'resume=/dev/mapper/rocky-swap']);
});

test('volumes made with the tools of LVM are used, and their groups go where their partitions are made anew', () => {
  const script =
    'parted -s /dev/vda mklabel gpt mkpart grub 1MiB 2MiB set 1 bios_grub on mkpart boot 2MiB 502MiB mkpart pv 502MiB 100%';
  const groups = { sys: { pvs: ['vda3'], volumes: ['root'], free: 100, extent: 4 } };
  const boot = 'part /boot --onpart=vda2\n';
  const volume = 'logvol / --vgname=sys --name=root --useexisting --fstype=ext4\n';
  const used = `${boot}volgroup sys --useexisting\n${volume}`;
  const [kept, unmentioned, gone, absent] = install(
    { script, commands: used, groups },
    { script, commands: boot + volume, groups },
    { script, commands: `${boot}part / --onpart=vda3`, groups },
    { script, commands: used },
  );
  expect(kept?.made).toEqual([
    'wipefs -a /dev/vda2',
    'vgchange -ay sys',
    'mkfs.xfs -f /dev/vda2',
    'mkfs.ext4 -F -q /dev/mapper/sys-root',
  ]);
  expect(unmentioned?.made).toEqual(kept?.made);
  expect(gone?.made.slice(0, 2)).toEqual(['vgchange -an sys', 'vgremove -ff -y sys']);
  expect(absent?.error).toContain('Volume group "sys" given in volgroup command does not exist.');
});

test('a label that stays gets partitions where it is free, and loses those that clearpart names', () => {
  // sgdisk waits a second for each disk.
  const script = `sfdisk /dev/vda <<END
label: gpt
size=1MiB, type=${biosboot}
size=500MiB
size=1GiB
size=100MiB, type=uefi
END`;
  const [grub, boot, old, efi] = [`1 ${biosboot} 1`, `2 ${linux} 500`, `3 ${linux} 1024`, `4 ${esp} 100`];
  const expected = {
    'part / --size=1000 --grow': [grub, boot, old, efi, `5 ${linux} 4517`],
    'clearpart --none --initlabel\npart / --size=1000': [grub, boot, old, efi, `5 ${linux} 1000`],
    'clearpart --list=vda3\npart / --onpart=vda2\npart /a --size=9': [grub, boot, `3 ${linux} 9`, efi],
    'clearpart --all --disklabel=gpt\npart biosboot --size=1\npart / --size=1000': [grub, `2 ${linux} 1000`],
  };
  const results = install(...Object.keys(expected).map((commands) => ({ script, commands })));
  expect(results.map(({ table }) => table.map((row) => row.slice(0, 3).join(' ')))).toEqual(Object.values(expected));
});

test('what Anaconda refuses is refused in its words', () => {
  const script = 'parted -s /dev/vda mklabel gpt mkpart root 1MiB 2GiB';
  const group = 'part pv.1 --onpart=vda1\nvolgroup vg pv.1\n';
  const expected = {
    'part / --onpart=vda2': 'Partition "vda2" given in part command does not exist.',
    'clearpart --all --initlabel\npart / --onpart=vda1': 'Partition "vda1" given in part command does not exist.',
    'part / --onpart=vda1': 'Your BIOS-based system needs a special partition to boot from a GPT disk label.',
    'part / --onpart=vda1 --noformat': 'You must create a new file system on the root device.',
    'part pv.1 --onpart=vda1\nvolgroup vg pv.2':
      'Tried to use undefined partition "pv.2" in Volume Group specification',
    'part pv.1 --onpart=vda1\nlogvol / --vgname=vg --name=r --size=9': 'No volume group exists with the name "vg".',
    [`${group}logvol / --vgname=vg --name=r --size=9000`]: 'not enough free space in volume group',
    [`${group}logvol / --vgname=vg --name=r --size=900`]: 'You have not created a bootable partition.',
    'part / --fstype=minix --onpart=vda1': 'The "minix" file system type is not supported.',
  };
  const results = install(...Object.keys(expected).map((commands) => ({ script, commands })));
  expect(results.map(({ error }) => error)).toEqual(
    Object.values(expected).map((words) => expect.stringContaining(words)),
  );
});
