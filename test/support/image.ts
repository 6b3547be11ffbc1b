import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { anyLinux } from '../../src/families/linux/expect.ts';
import { exec } from '../../src/tools/exec.ts';
import { makeClone } from '../../src/verify/clone.ts';
import { noCloud } from '../../src/verify/seed.ts';
import { host } from './plan-input.ts';
import { freshFolder, patience } from './vmkiln.ts';

const signal = new AbortController().signal;
const guestfs = { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' };

/** Runs a program and returns what it printed. `timeout` is in seconds of an idle machine. */
export async function run(program: string, args: string[], timeout = 120): Promise<string> {
  return (await exec({ program, args, timeout: timeout * patience, signal, env: guestfs })).stdout;
}

/**
 * Copies folders of the guest out of an image, in one launch, and returns a reader of their files. `known` is what libguestfs says of
 * the system: its osinfo id, its name, its applications, and the size of its root.
 */
export async function openImage(image: string, folders: readonly string[]) {
  const out = freshFolder('image');
  const script = join(out, 'script');
  // A missing folder is a fact to assert on, not a failure: `-` lets guestfish go on.
  for (const [index] of folders.entries()) await run('mkdir', [join(out, String(index))]);
  const roots = ['/dev/sda1', '/dev/sda2', '/dev/sda3', '/dev/sda4'];
  const questions = ['inspect-get-osinfo', 'inspect-get-product-name', 'inspect-list-applications2'];
  const lines = [
    ...folders.map((folder, index) => `-copy-out "${folder}" ${out}/${index}\n`),
    ...roots.flatMap((root) => questions.map((question) => `-${question} ${root}\n`)),
    '-statvfs /\n',
  ];
  writeFileSync(script, lines.join(''));
  const known = await run('guestfish', ['--ro', '-a', image, '-i', '-f', script], 300);
  const local = (path: string) => {
    const index = folders.findIndex((candidate) => path === candidate || path.startsWith(`${candidate}/`));
    const folder = folders[index];
    if (folder === undefined) throw new Error(`${path} was not copied out`);
    // copy-out puts /boot/grub2 at OUT/grub2: the last name of the folder that was copied.
    return join(out, String(index), path.slice(folder.lastIndexOf('/') + 1));
  };
  return { read: (path: string) => readFileSync(local(path), 'utf8'), path: local, known };
}

/** The name and version of each package in the bill of materials beside an image. */
export function packagesIn(image: string): string[] {
  const { components } = JSON.parse(readFileSync(`${image}.cdx.json`, 'utf8')) as {
    components: { name: string; version: string; purl?: string }[];
  };
  return components.flatMap(({ name, version, purl }) => (purl === undefined ? [] : `${name} ${version}`)).toSorted();
}

/** A line for every file of the guest: path, mode, owner, target of a link and SHA-256; in one launch. Times are left out. */
export async function listing(image: string): Promise<string[]> {
  const guestfish = `guestfish --ro -a '${image}' -i tar-out / -`;
  const lines = await run('sh', ['-c', `${guestfish} | python3 test/support/list-files.py`], 300);
  return lines.split('\n').toSorted();
}

/** A booted copy-on-write clone of an image. */
export type Guest = {
  /** What a command prints that root runs, in the home of the user. */
  ssh: (command: string) => Promise<string>;
  /** Powers it off, and on again. */
  reboot: () => Promise<void>;
  stop: () => Promise<void>;
  /** Its disk, to be read after `stop`. */
  disk: string;
};

/** Boots a clone with a NoCloud seed, as the stage verify does, and waits until SSH answers as `user`. The image itself is only read. */
export async function bootClone(
  image: string,
  { hostname, user, firmware = 'bios' }: { hostname: string; user: string; firmware?: 'bios' | 'uefi' },
): Promise<Guest> {
  const folder = freshFolder('boot');
  const { 'virtual-size': virtualSize } = JSON.parse(await run('qemu-img', ['info', '--output=json', image]));
  const clone = await makeClone(
    { path: image, format: 'qcow2', virtualSize, firmware },
    { name: hostname, user, seed: noCloud, grown: 0, network: true, machine: anyLinux.machine },
    { run: (call, own = signal) => exec({ ...call, signal: own }), host, signal, folder },
  );
  const boot = async () => {
    const { login } = await clone.boot('52:54:00:12:34:56', { login: true });
    if (login === undefined) return;
    await clone.stop();
    throw new Error(`nobody can log in: ${login}\n${(await clone.console()).slice(-3000)}`);
  };
  await boot();
  return {
    ssh: async (command) => {
      const { exitCode, stdout, stderr } = await clone.root(command, 300 * patience);
      if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
      return stdout;
    },
    reboot: async () => {
      await clone.stop();
      await boot();
    },
    stop: clone.stop,
    disk: join(folder, hostname, 'disk.qcow2'),
  };
}
