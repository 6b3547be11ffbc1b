import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec } from '../../src/tools/exec.ts';
import { freshFolder } from './vmkiln.ts';

const signal = new AbortController().signal;
const guestfs = { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' };

/** Runs a program and returns what it printed. `timeout` is in seconds. */
export async function run(program: string, args: string[], timeout = 120): Promise<string> {
  return (await exec({ program, args, timeout, signal, env: guestfs })).stdout;
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
  console: () => string;
  ssh: (command: string) => Promise<string>;
  stop: () => Promise<void>;
  /** Its disk, which after `stop` can be booted in its turn. */
  disk: string;
};

/** Boots a clone with a NoCloud seed and waits until SSH answers as `user`. The image itself is only read. `timeout` in seconds. */
export async function bootClone(
  image: string,
  options: { hostname: string; user: string; timeout: number; mac?: string; firmware?: 'uefi' },
): Promise<Guest> {
  const folder = freshFolder('boot');
  const disk = join(folder, 'clone.qcow2');
  const key = join(folder, 'key');
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, disk]);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  writeFileSync(join(folder, 'meta-data'), `instance-id: i-${Date.now()}\nlocal-hostname: ${options.hostname}\n`);
  writeFileSync(
    join(folder, 'user-data'),
    `#cloud-config\nssh_authorized_keys:\n  - ${readFileSync(`${key}.pub`, 'utf8')}`,
  );
  const seed = join(folder, 'seed.iso');
  const files = [join(folder, 'meta-data'), join(folder, 'user-data')];
  await run('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'cidata', '-J', '-r', '-o', seed, ...files]);
  const port = await freePort();
  const serial = join(folder, 'console.log');
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '1024', '-display', 'none', '-nodefaults'],
      ...['-drive', `file=${disk},if=virtio,format=qcow2,cache=unsafe`, '-cdrom', seed, '-device', 'virtio-rng-pci'],
      ...['-nic', `user,model=virtio,hostfwd=tcp:127.0.0.1:${port}-:22${options.mac ? `,mac=${options.mac}` : ''}`],
      ...['-serial', `file:${serial}`, '-uuid', randomUUID()],
      ...(options.firmware === 'uefi' ? uefi(folder) : []),
    ],
    { stdio: 'ignore' },
  );
  const console = () => readFileSync(serial, 'utf8');
  const sshOptions = [
    '-i',
    key,
    '-p',
    String(port),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
  ];
  const ssh = (command: string) =>
    run('ssh', [
      ...sshOptions,
      '-o',
      'ConnectTimeout=10',
      '-o',
      'LogLevel=ERROR',
      `${options.user}@127.0.0.1`,
      command,
    ]);
  const stop = async () => {
    if (qemu.exitCode !== null) return;
    await ssh('sudo systemctl poweroff').catch(() => undefined);
    for (let waited = 0; waited < 60 && qemu.exitCode === null; waited += 1) await sleep(1000);
    qemu.kill('SIGKILL');
  };
  const deadline = Date.now() + options.timeout * 1000;
  for (;;) {
    const failure = await ssh('true').then(
      () => undefined,
      (error: Error) => error,
    );
    if (failure === undefined) return { console, ssh, stop, disk };
    if (Date.now() > deadline || qemu.exitCode !== null) {
      qemu.kill('SIGKILL');
      throw new Error(`no SSH within ${options.timeout} s: ${failure.message}\n${console().slice(-3000)}`);
    }
    await sleep(1000);
  }
}

/** UEFI without Secure Boot, as distributions name it, and variables of its own that know of no system yet. */
function uefi(folder: string): string[] {
  const places = ['/usr/share/OVMF/OVMF_*_4M.fd', '/usr/share/edk2/ovmf/OVMF_*.fd', '/usr/share/OVMF/OVMF_*.fd'];
  const found = places.find((place) => existsSync(place.replace('*', 'CODE')));
  if (found === undefined) throw new Error('there is no UEFI firmware: install ovmf');
  const variables = join(folder, 'variables.fd');
  copyFileSync(found.replace('*', 'VARS'), variables);
  const flash = (file: string, more: string) => ['-drive', `if=pflash,format=raw,file=${file}${more}`];
  return [...flash(found.replace('*', 'CODE'), ',readonly=on'), ...flash(variables, '')];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
