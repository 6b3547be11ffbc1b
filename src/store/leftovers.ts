import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import {
  bootFilesOf,
  destroyDomain,
  destroyPool,
  dumpDomain,
  listDomains,
  parseNames,
  type RunVirsh,
  undefineDomain,
  undefinePool,
} from '../tools/virsh.ts';
import { commandLineOf, pids } from './process.ts';

/** Where virt-install puts the kernel and initrd it boots: the first where it may write there, else its own cache. */
function bootFolders(env: Env): string[] {
  const cache = env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return ['/var/lib/libvirt/boot', join(cache, 'virt-manager/boot')];
}

/**
 * Destroys and undefines a domain, whatever its state, and makes sure. A virt-install that was killed may have left
 * libvirtd a request to define the domain, which is carried out a moment after the domain was removed.
 *
 * @throws VmkilnError COMMAND_FAILED when libvirt does not answer or keeps the domain: it is not gone then.
 */
export async function removeDomain(
  run: RunVirsh,
  { connect, domain, env }: { connect: string; domain: string; env: Env },
): Promise<void> {
  for (let absent = 0, round = 0; round < 10; round += 1) {
    if (parseNames((await run(listDomains(connect))).stdout).includes(domain)) {
      absent = 0;
      // It may end by itself at any moment.
      await removeNamedBootFiles((await run(dumpDomain(connect, domain, [1]))).stdout, env);
      await run(destroyDomain(connect, domain));
      await run(undefineDomain(connect, domain));
    } else {
      absent += 1;
      if (absent === 2) return;
      await sleep(100);
    }
  }
  throw new VmkilnError('COMMAND_FAILED', `the domain ${domain} could not be removed`, {
    hint: `see what \`virsh destroy ${domain}\` says, then run \`vmkiln clean\``,
  });
}

/**
 * Removes the storage pool that virt-install made of a build's work folder: it names one after each folder that it finds
 * a disk in, and leaves it to libvirt for good. Destroying a pool of that kind takes the pool away and no file.
 */
export async function removeStoragePool(run: RunVirsh, connect: string, build: string): Promise<void> {
  await run(destroyPool(connect, build));
  await run(undefinePool(connect, build));
}

/** The running domain names the kernel and initrd that virt-install made for it. */
async function removeNamedBootFiles(xml: string, env: Env): Promise<void> {
  for (const file of bootFilesOf(xml)) {
    if (bootFolders(env).some((folder) => file.startsWith(`${folder}/virtinst-`))) await rm(file, { force: true });
  }
}

/**
 * Removes the kernels and initrds that a killed virt-install left, those made since `since` (milliseconds). While any
 * virt-install runs, one of them may be its own, and all stay.
 */
export async function removeBootFiles(since: number, env: Env): Promise<void> {
  const running = pids().some((pid) => commandLineOf(pid).some((word) => /(^|\/)virt-install$/.test(word)));
  if (running) return;
  const files = bootFolders(env).flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
  for (const file of files.filter((path) => basename(path).startsWith('virtinst-'))) {
    if ((statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since) await rm(file, { force: true });
  }
}

/**
 * Removes the folders of sockets in /tmp whose appliance is gone: libguestfs makes one for each launch, and nothing names
 * it any more when all programs of a build were killed at once. A socket that a living program has is in
 * /proc/net/unix (unix(7)), after a connection too.
 */
export async function removeDeadSockets(): Promise<void> {
  const folders = namesIn('/tmp').filter((name) => /^libguestfs[A-Za-z0-9]{6}$/.test(name));
  const mine = folders.map((name) => join('/tmp', name)).filter((path) => uidOf(path) === process.getuid?.());
  // Without a socket in it, a folder may just have been made: it stays.
  const candidates = mine.filter((path) => namesIn(path).some((name) => name.endsWith('.sock')));
  if (candidates.length === 0) return;
  const inUse = [readFileSync('/proc/net/unix', 'utf8'), ...pids().flatMap((pid) => commandLineOf(pid))];
  for (const path of candidates) {
    if (!inUse.some((text) => text.includes(`${path}/`))) await rm(path, { recursive: true, force: true });
  }
}

function uidOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
