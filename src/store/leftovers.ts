import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLineOf, pids } from './process.ts';

/** Where virt-install puts the kernel and initrd it boots, as root with the system libvirt; nobody else's is private to root. */
const bootFolder = '/var/lib/libvirt/boot';

/** Runs virsh with these words; status 1, "no such domain", is an answer. */
export type Virsh = (...args: string[]) => Promise<{ stdout: string }>;

/**
 * Destroys and undefines a domain, whatever its state, and makes sure. A virt-install that was killed may have left
 * libvirtd a request to define the domain, which is carried out a moment after the domain was removed.
 */
export async function removeDomain(virsh: Virsh, domain: string): Promise<void> {
  for (let absent = 0, round = 0; absent < 2 && round < 10; round += 1) {
    const names = (await virsh('list', '--all', '--name')).stdout.split('\n');
    if (names.includes(domain)) {
      absent = 0;
      await removeNamedBootFiles((await virsh('dumpxml', domain)).stdout);
      await virsh('destroy', domain);
      await virsh('undefine', '--nvram', domain);
    } else {
      absent += 1;
      await sleep(100);
    }
  }
}

/** The running domain names the kernel and initrd that virt-install made for it. */
async function removeNamedBootFiles(xml: string): Promise<void> {
  for (const [, file] of xml.matchAll(/<(?:kernel|initrd)>([^<]+)</g)) {
    if (file?.startsWith(`${bootFolder}/virtinst-`)) await rm(file, { force: true });
  }
}

/**
 * Removes the kernels and initrds that a killed virt-install left, those made since `since` (milliseconds). While any
 * virt-install runs, one of them may be its own, and all stay.
 */
export async function removeBootFiles(since: number): Promise<void> {
  const running = pids().some((pid) => commandLineOf(pid).some((word) => /(^|\/)virt-install$/.test(word)));
  if (running) return;
  for (const name of namesIn(bootFolder).filter((entry) => entry.startsWith('virtinst-'))) {
    const file = join(bootFolder, name);
    if ((statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since) await rm(file, { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
