import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { bootClone } from '../support/image.ts';
import { freshFolder, leftovers, type Run, vmkiln } from '../support/vmkiln.ts';

/**
 * Rocky Linux 9, which stands for the distributions that need no registration, with a kickstart as images of clouds are made: the kickstart partitions the disk itself before the installer looks at it, installs under UEFI into
 * what it made, with the root in a volume group, and adds the boot loader of the other firmware.
 */
const kickstart = `cdrom
text
lang en_US.UTF-8
keyboard us
timezone UTC --utc
network --bootproto=dhcp --device=link --activate
rootpw --lock
bootloader --location=mbr --timeout=1 --append="no_timer_check"
poweroff
%include /tmp/partitions.ks
%pre --erroronfail
disk=/dev/vda
sgdisk --zap-all $disk
sgdisk -n 1:0:+1M -t 1:ef02 -c 1:bios -n 2:0:+100M -t 2:ef00 -c 2:esp $disk
parted -s -a optimal $disk -- mkpart boot ext4 102MiB 614MiB mkpart prep 614MiB 618MiB mkpart volumes 618MiB 100%
for one in 'biosboot --fstype=biosboot --onpart=vda1' '/boot/efi --fstype=efi --onpart=vda2' \\
  '/boot --fstype=ext4 --label=boot --onpart=vda3' 'prepboot --fstype=prepboot --usepart=vda4'; do
  [[ $one == *part=vda* ]] && echo "part $one"
done > /tmp/partitions.ks
cat >> /tmp/partitions.ks <<END
part pv.01 --onpart=\${disk}5
volgroup system pv.01
logvol swap --vgname=system --name=swap --size=256
logvol /var/log --vgname=system --name=var-log --size=512 --fstype=ext4 --fsoptions=nodev
logvol / --vgname=system --name=root --size=1024 --grow --mkfsoptions="-m bigtime=0"
END
%end
%packages
@core
cloud-init
grub2-pc
%end
%post --erroronfail
disk=$(grub2-probe --target=disk /boot/grub2)
[[ $disk =~ ^/dev/ ]] && grub2-install --target=i386-pc "$disk"
%end
`;
const out = freshFolder('hybrid');
const image = join(out, 'hybrid-rehearsal.qcow2');
let build: Run;

beforeAll(async () => {
  const recipe = join(out, 'hybrid.yaml');
  writeFileSync(join(out, 'hybrid.ks'), kickstart);
  const changes = {
    'name: rocky9': 'name: hybrid',
    'firmware: bios': 'firmware: uefi',
    'install:\n': 'verify: false\ndescribe: false\ninstall:\n  kickstart: hybrid.ks\n',
    '{ user: rocky }': '{ user: rocky, rootLogin: password }',
  };
  const shipped = readFileSync('recipes/rocky9.yaml', 'utf8');
  writeFileSync(
    recipe,
    Object.entries(changes).reduce((text, [from, to]) => text.replace(from, to), shipped),
  );
  build = await vmkiln(['rehearse', recipe, '--out', out, '--ui', 'json'], { timeout: 1500 });
  expect(build.status, build.stderr).toBe(0);
});

test('either firmware finds its partition, and the image is bound to none', async () => {
  const { stdout } = await vmkiln(['inspect', image, '--json'], { timeout: 300 });
  const { partitionTable, properties } = JSON.parse(stdout) as Record<string, unknown>;
  expect(partitionTable).toMatchObject({ kind: 'gpt', boots: ['bios', 'uefi'] });
  const types = (partitionTable as { partitions: { type: string }[] }).partitions.map(({ type }) => type);
  expect(types).toEqual(['BIOS boot', 'EFI system', 'Linux', 'PReP boot', 'Linux LVM']);
  expect(properties).not.toHaveProperty('hw_firmware_type');
  expect(properties).toMatchObject({ os_distro: 'rocky', os_version: '9.6', os_name: 'rocky9' });
});

test.for(['bios', 'uefi'] as const)('a clone boots with %s, its root in a logical volume', async (firmware) => {
  const clone = await bootClone(image, { hostname: firmware, user: 'rocky', firmware });
  try {
    await clone.ssh('cloud-init status --wait');
    expect((await clone.ssh('test -d /sys/firmware/efi && echo uefi || echo bios')).trim()).toBe(firmware);
    const mounted = await clone.ssh('findmnt -n -r -o TARGET,SOURCE,FSTYPE');
    expect(mounted.split('\n')).toEqual(
      expect.arrayContaining([
        '/ /dev/mapper/system-root xfs',
        '/var/log /dev/mapper/system-var--log ext4',
        '/boot /dev/vda3 ext4',
        '/boot/efi /dev/vda2 vfat',
      ]),
    );
    expect(await clone.ssh('readlink -f /dev/mapper/system-swap; /sbin/swapon --noheadings --show=NAME')).toMatch(
      /^(\/dev\/dm-\d+)\n\1\n$/,
    );
    expect(await clone.ssh('cat /proc/cmdline')).toContain(' rd.lvm.lv=system/root ');
    expect(await clone.ssh('cat /etc/redhat-release; ls /etc/yum.repos.d; sudo ls /boot/efi/EFI')).toBe(
      'Rocky Linux release 9.6 (Blue Onyx)\nrocky.repo\nBOOT\nrocky\n',
    );
    // By itself the sshd of RHEL 9 lets root in with keys only.
    const sshd = await clone.ssh('sudo sshd -T');
    expect(sshd).toMatch(/^permitrootlogin yes$/m);
    expect(sshd).toMatch(/^passwordauthentication yes$/m);
  } finally {
    await clone.stop();
  }
});

test('nothing is left on the host', async () => {
  expect(await leftovers(build.events[0]?.build ?? 'none')).toEqual([]);
});
