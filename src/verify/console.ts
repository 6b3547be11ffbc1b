import { stripVTControlCharacters } from 'node:util';

/** What is wrong with what the serial console has said since the power was switched on. */
export function consoleFault(console: string): string | undefined {
  if (hasPrompt(console)) return undefined;
  return /Linux version|systemd\[1\]|Welcome to/.test(console)
    ? 'there is no login prompt on ttyS0'
    : 'the kernel says nothing on ttyS0: it runs without console=ttyS0, or nothing starts it';
}

/** Whether getty(8) has asked for a name. */
export function hasPrompt(console: string): boolean {
  return /^\S+ login: /m.test(console);
}

/** How a boot comes to its end too early: who gives up, what a console shows of that, and the words that say why. */
type Stop = { fault: string; shows: RegExp; why?: RegExp };

/**
 * The words are those of edk2 (BdsEntry.c), GRUB (kern/rescue_reader.c), initramfs-tools (scripts/local), dracut (dracut-lib.sh,
 * emergency-shell.sh), rc.sysinit of RHEL 6, the kernel (kernel/panic.c) and systemd (emergency.service, rescue.service).
 */
const stops: readonly Stop[] = [
  { fault: 'the firmware finds nothing to boot', shows: /No bootable option or device was found|No bootable device\./ },
  {
    fault: 'GRUB does not find what it is to boot',
    shows: /^(grub rescue>|Entering rescue mode\.\.\.)/m,
    why: /^error: .*$/m,
  },
  {
    fault: 'the initial RAM disk does not find the root file system',
    shows:
      /ALERT! +\S+ does not exist|Gave up waiting for root (file system )?device|Entering emergency mode\. Exit the shell to continue|dracut Warning: No root device/,
    why: /ALERT! +\S+ does not exist|\/dev\/\S+ does not exist|No root device .*/,
  },
  {
    fault: 'a file system cannot be checked',
    shows: /An error occurred during the file system check/,
    why: /^\S+: nonexistent device|^fsck\S*: .*/m,
  },
  { fault: 'the kernel panics', shows: /Kernel panic - not syncing/, why: /(?<=Kernel panic - not syncing: ).*/ },
  { fault: 'the boot ends in emergency or rescue mode', shows: /(You are in|Welcome to) (emergency|rescue) mode/ },
];

/**
 * What systemd says when a file system of fstab(5) without which it does not go on is not there: since version 250 with the names of units, which it
 * shortens in their middle to the width of the console.
 */
const needed = /Dependency failed for (?:\S+ - )?Local File Systems/;
const mount = /(?:Failed to mount|Dependency failed for) (?:\S+ - )?(\/\S*?)\.?$/gm;
const cause = /(?:Timed out waiting for device|Failed to start (?:\S+ - )?File System Check on) .*?(?=\.?$)/gm;

/** Why the boot whose console this is came to its end too early, and the check that it fails; undefined while it goes on. */
export function bootStop(console: string): { check: 'system' | 'fstab'; message: string } | undefined {
  // The end of a colour goes with what is shortened.
  const text = stripVTControlCharacters(console.replaceAll(/\[[\d;]*…/g, '[m…')).replaceAll('\r', '');
  const stop = stops.find(({ shows }) => shows.test(text));
  if (stop === undefined) return undefined;
  const told = (fault: string, why = '') => (why === '' ? fault : `${fault}: ${why.trim()}`);
  // What went before may be another one, which may be missing.
  const [before = '', after] = text.split(needed);
  const place = after === undefined ? undefined : [...before.matchAll(mount)].at(-1)?.[1];
  if (place === undefined) return { check: 'system', message: told(stop.fault, stop.why?.exec(text)?.[0]) };
  return {
    check: 'fstab',
    message: told(`the boot ends because ${place} cannot be mounted`, [...before.matchAll(cause)].at(-1)?.[0]),
  };
}
