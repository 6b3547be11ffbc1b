import { expect, test } from 'vitest';
import { bootStop, consoleFault } from '../../src/verify/console.ts';

test('a serial console without a word, or without a login, is told apart', () => {
  expect(
    consoleFault('[    0.000000] Linux version 5.14\r\n\r\nclone-one login: [    9.1] random: crng'),
  ).toBeUndefined();
  expect(consoleFault('SeaBIOS (version 1.16)')).toContain('console=ttyS0');
  expect(consoleFault('[    0.000000] Linux version 5.14')).toContain('no login prompt');
});

test.each<[string, string, RegExp]>([
  [
    'fstab',
    `[ TIME ] Timed out waiting for device dev-vdb1.device.\r
[DEPEND] Dependency failed for /optional.\r
[\u001b[0;1;31m TIME \u001b[0m] Timed out waiting for device /dev/disk/by-uuid/5d0e.\r
[DEPEND] Dependency failed for File System Check on /dev/disk/by-uuid/5d0e.\r
[DEPEND] Dependency failed for /srv.\r
[DEPEND] Dependency failed for Local File Systems.\r
[DEPEND] Dependency failed for /var/lib/ceph.\r
You are in emergency mode. After logging in, type "journalctl -xb" to view`,
    /^the boot ends because \/srv cannot be mounted: Timed out waiting for device \/dev\/disk\/by-uuid\/5d0e$/,
  ],
  [
    'fstab',
    '[FAILED] Failed to mount mnt-data.mount - /mnt/data.\n[DEPEND] Dependency failed for local-fs.target - Local File Systems.\nYou are in emergency mode.',
    /\/mnt\/data cannot be mounted$/,
  ],
  [
    'fstab',
    // Captured from a clone of RHEL 9 practice, whose systemd is 252.
    `[\u001b[0;1;31m TIME \u001b[0m] Timed out waiting for device \u001b[0;1;…11111-2222-3333-4444-555555555555.\r\r
[\u001b[0;1;38;5;185mDEPEND\u001b[0m] Dependency failed for \u001b[0;1;39mdata.mount\u001b[0m - /data.\r\r
[\u001b[0;1;38;5;185mDEPEND\u001b[0m] Dependency failed for \u001b[0;1;39mloca…s.target\u001b[0m - Local File Systems.\r\r
[\u001b[0;32m  OK  \u001b[0m] Reached target \u001b[0;1;39memergency.target\u001b[0m - Emergency Mode.\r\r
You are in emergency mode. After logging in, type "journalctl -xb" to view`,
    /^the boot ends because \/data cannot be mounted: Timed out waiting for device …11111-2222-3333-4444-555555555555$/,
  ],
  ['system', 'You are in rescue mode. After logging in', /rescue mode$/],
  [
    'system',
    'ALERT!  UUID=5d0e does not exist.  Dropping to a shell!',
    /RAM disk.*: ALERT! +UUID=5d0e does not exist$/,
  ],
  [
    'system',
    'Warning: /dev/disk/by-uuid/5d0e does not exist\n\nEntering emergency mode. Exit the shell to continue.',
    /RAM disk.*: \/dev\/disk\/by-uuid\/5d0e does not exist$/,
  ],
  ['system', '[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs', /panics: VFS: Unable/],
  ['system', 'error: no such partition.\nEntering rescue mode...\ngrub rescue> ', /GRUB .*: error: no such partition/],
  ['system', 'BdsDxe: No bootable option or device was found.', /firmware finds nothing/],
  [
    'system',
    "fsck.ext3: Unable to resolve 'UUID=5d0e'\n*** An error occurred during the file system check.",
    /cannot be checked: fsck.ext3: Unable to resolve 'UUID=5d0e'/,
  ],
])('a boot that ends too early fails %s: %j', (check, console, message) => {
  expect(bootStop(console)).toMatchObject({ check, message: expect.stringMatching(message) });
});

test('a boot that goes on has not come to its end', () => {
  const console = `BdsDxe: failed to load Boot0002 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x2,0x0): Not Found\r
[FAILED] Failed to mount /optional.\r\n[  OK  ] Reached target Local File Systems.\r\nWelcome to Debian GNU/Linux 12!\r\n`;
  expect(bootStop(console)).toBeUndefined();
});
