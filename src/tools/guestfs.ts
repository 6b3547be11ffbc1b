import type { ApplianceHost, Arg, Command, Env, Host, ReadyImage } from '../model.ts';
import type { Call } from './exec.ts';

/** MiB of an appliance unless LIBGUESTFS_MEMSIZE says otherwise: guestfs(3), `guestfs_set_memsize`. */
const usualMemory = 1280;

/**
 * The appliance as the environment wants it. It (some 370 MB) is kept in /var/tmp, as by default: it would follow TMPDIR, and
 * be made anew for every build. See "ENVIRONMENT VARIABLES" in guestfs(3).
 */
export function applianceOf(env: Env): Host['appliance'] {
  return {
    memory: (Number(env['LIBGUESTFS_MEMSIZE']) || usualMemory) * 1024 ** 2,
    cacheDir: env['LIBGUESTFS_CACHEDIR'] ?? '/var/tmp',
  };
}

/**
 * libguestfs settings that depend on the host. `direct` because the libvirt back end puts the appliance out of reach
 * of a kill; `force_tcg` because without it every tool dies at once where /dev/kvm is there but useless;
 * `vsyscall=emulate` because the programs of old guests (RHEL 6) crash without it; and two
 * workers of udev at a time (systemd-udevd.service(8)), with which a launch without KVM takes 3 % less. See guestfs(3).
 */
export function environment(host: ApplianceHost): Record<string, string> {
  return {
    LIBGUESTFS_BACKEND: 'direct',
    LIBGUESTFS_APPEND: 'vsyscall=emulate udev.children_max=2',
    LIBGUESTFS_CACHEDIR: host.appliance.cacheDir,
    ...(host.accelerator === 'tcg' ? { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' } : {}),
  };
}

/** Says that the next disk is a qcow2, as all are that vmkiln makes: libguestfs would guess, and a guest can write any header. */
const qcow2: Arg = { sure: '--format=qcow2' };

/** virt-customize(1) on one disk. */
export function virtCustomize(disk: Arg, args: readonly Arg[], host: Host): Command {
  return { program: 'virt-customize', args: [qcow2, '-a', disk, ...args], timeout: 4 * 3600, env: environment(host) };
}

/** virt-sysprep(1) on one disk. */
export function virtSysprep(disk: Arg, args: readonly Arg[], host: Host): Command {
  return { program: 'virt-sysprep', args: [qcow2, '-a', disk, ...args], timeout: 3600, env: environment(host) };
}

/** The last sector of a GPT's last MiB: since version 1.0.9 sgdisk(8) moves the table's end to such a boundary (`-e`), and no partition may go beyond it. */
function lastOfGpt(sectors: number): number {
  const perMib = 2048;
  // The backup of the table takes the last 33.
  return Math.floor((sectors - 33) / perMib) * perMib - 1;
}

/**
 * Grows the last partition of a disk to its end, and the file system in it, with guestfish(1). `sectors` is the size of
 * the disk in sectors of 512 bytes.
 */
export function growLastPartition(
  disk: Arg,
  { table, number, filesystem }: NonNullable<ReadyImage['root']>,
  sectors: number,
  host: Host,
): Command {
  const partition = `/dev/sda${number}`;
  const grow = {
    xfs: ['mount', partition, '/', ':', 'xfs-growfs', '/'],
    ext: ['e2fsck-f', partition, ':', 'resize2fs', partition],
  };
  const steps = [
    ['run'],
    ...(table === 'gpt' ? [['part-expand-gpt', '/dev/sda']] : []),
    ['part-resize', '/dev/sda', String(number), String(table === 'gpt' ? lastOfGpt(sectors) : sectors - 1)],
    grow[filesystem],
  ];
  const args = [qcow2, '-a', disk, ...steps.flatMap((step, index) => (index === 0 ? step : [':', ...step]))];
  return { program: 'guestfish', args, timeout: 900, env: environment(host) };
}

/**
 * Copies folders of one partition into `out`, side by side, with guestfish(1) in a launch that only reads. Their paths
 * become their names. A folder that is not there is passed over.
 */
export function copyOut(
  disk: string,
  from: { partition: number; folders: readonly string[] },
  out: string,
  host: Host,
): Call {
  const copies = from.folders.flatMap((folder) => [':', '-tar-out', folder, `${out}/${fileName(folder)}.tar`]);
  const args = [
    '--ro',
    '--format=qcow2',
    '-a',
    disk,
    // Otherwise it takes the `-` of a command that may fail for options of its own.
    '--',
    'run',
    ':',
    'mount-ro',
    `/dev/sda${from.partition}`,
    '/',
    ...copies,
  ];
  return { program: 'guestfish', args, env: environment(host), timeout: 300 };
}

/** A command of guestfish(1) by its words, which may fail; or a line as guestfish reads it, with pipes and programs of this host. */
export type Question = readonly string[] | { line: string };

/** Commands as guestfish(1) reads them from its standard input. */
export function questionLines(questions: readonly Question[]): string {
  return questions
    .map((question) => ('line' in question ? question.line : commandLine(question)))
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * A command that may fail, by its words, of whose output a command of this host lets through what is asked for: what guestfish itself prints is kept in a
 * log, and files of a guest hold secrets.
 */
export function through(words: readonly string[], filter: string): Question {
  return { line: `${commandLine(words)} | ${filter}` };
}

function commandLine(words: readonly string[]): string {
  return `-${words.map((word, at) => (at === 0 ? word : quotedWord(word))).join(' ')}`;
}

/** A word in double quotes, in which guestfish reads backslashes (guestfish(1), "QUOTING WITH SPACES"). */
function quotedWord(word: string): string {
  return `"${word.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * Runs commands of guestfish(1) on the system of a qcow2, mounted as its own fstab says and only to be read. One that fails does not
 * stop the others. Their files lie in `folder`.
 */
export function askGuest(disk: string, folder: string, questions: readonly Question[], host: ApplianceHost): Call {
  return {
    program: 'guestfish',
    args: ['--ro', '--format=qcow2', '-a', disk, '-i'],
    input: questionLines(questions),
    cwd: folder,
    env: environment(host),
    timeout: 900,
  };
}

/**
 * guestmount(1) of the system of a qcow2 at `folder`, as its own fstab says and only to be read, until the program ends. Nothing stays mounted then,
 * whatever ended it: `auto_unmount` has fusermount(1) wait for that in a session of its own. `rellinks` keeps absolute links inside the guest,
 * which would lead to files of this host (mount.c, modules/subdir.c of libfuse). `timeout` is in seconds.
 */
export function mountGuest(disk: string, folder: string, host: ApplianceHost, timeout: number): Call {
  const options = ['auto_unmount', 'modules=subdir', 'subdir=/', 'rellinks'].flatMap((option) => ['-o', option]);
  const args = ['--ro', '--no-fork', '--format=qcow2', '-a', disk, '-i', ...options, folder];
  return { program: 'guestmount', args, env: environment(host), timeout, confined: {} };
}

/** `/Windows/Panther` becomes Windows-Panther. */
function fileName(folder: string): string {
  return folder
    .slice(1)
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .replace(/^-/, '');
}

/**
 * guestfish(1) at a terminal on a disk that may be written to, with what is on it mounted if `inspect` says so: without an
 * operating system it ends then.
 */
export function openGuestfish(
  disk: string,
  inspect: boolean,
  host: ApplianceHost,
): Pick<Call, 'program' | 'args' | 'env'> {
  const args = ['--rw', '--format=qcow2', '-a', disk, ...(inspect ? ['-i'] : [])];
  return { program: 'guestfish', args, env: environment(host) };
}

/** virt-sparsify(1) in place: trims the filesystems, needs no temporary space. */
export function virtSparsify(disk: Arg, host: Host): Command {
  return { program: 'virt-sparsify', args: ['--in-place', qcow2, disk], timeout: 3600, env: environment(host) };
}

/** What a guestfs tool says it is doing: "[  12.3] Running: packages.sh" gives "Running: packages.sh". */
export function guestfsProgress(line: string): string | undefined {
  return /^\[\s*[\d.]+\]\s+(.+)$/.exec(line)?.[1];
}
