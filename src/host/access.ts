import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { userInfo } from 'node:os';
import { VmkilnError } from '../errors.ts';
import { exec } from '../tools/exec.ts';
import { getfacl } from '../tools/getfacl.ts';

/** Who a program runs as, with the numbers of all its groups. */
export type Account = { name: string; uid: number; groups: readonly number[] };

/** A folder with its owner, group and permission bits, as stat(2) reports them. */
export type Folder = { path: string; mode: number; uid: number; gid: number };

/**
 * The permissions (4 read, 2 write, 1 execute) of an account: one class counts, the owner's before the group's before
 * the others', and root may do everything. Access control lists are not seen. See path_resolution(7).
 */
export function permissions(file: Omit<Folder, 'path'>, account: Account): number {
  if (account.uid === 0) return 7;
  const shift = file.uid === account.uid ? 6 : account.groups.includes(file.gid) ? 3 : 0;
  return (file.mode >> shift) & 7;
}

/**
 * Whether an access control list, as `getfacl --numeric` prints it, lets an account pass through its folder: an entry
 * for the account itself decides, else any of its groups may let it pass. The mask bounds both. See acl(5).
 */
export function aclLetsPass(text: string, account: Account): boolean {
  const entries = [...text.matchAll(/^(user|group):(\d+):([r-][w-][x-])/gm)];
  const mask = /^mask::..([x-])/m.exec(text)?.[1] ?? 'x';
  const own = entries.find(([, kind, id]) => kind === 'user' && Number(id) === account.uid);
  const groups = entries.filter(([, kind, id]) => kind === 'group' && account.groups.includes(Number(id)));
  return mask === 'x' && (own ? [own] : groups).some(([, , , permission]) => permission?.endsWith('x'));
}

/**
 * The first folder on the way to a path that the account may not pass through.
 *
 * @throws VmkilnError INTERRUPTED.
 */
export async function blockingFolder(path: string, account: Account, signal: AbortSignal): Promise<string | undefined> {
  for (const folder of await foldersOf(path)) {
    if ((permissions(folder, account) & 1) === 1) continue;
    if (!aclLetsPass(await accessControlList(folder.path, signal), account)) return folder.path;
  }
  return undefined;
}

/** Nothing where the filesystem, or the host, knows no such lists. */
async function accessControlList(folder: string, signal: AbortSignal): Promise<string> {
  try {
    return (await exec({ ...getfacl(folder), signal })).stdout;
  } catch (error) {
    if (error instanceof VmkilnError && error.code !== 'INTERRUPTED') return '';
    throw error;
  }
}

/**
 * The folders above a path (and the path, if it is one), from the root down, and where there are symbolic links those
 * above the file itself. What does not exist is left out.
 */
async function foldersOf(path: string): Promise<Folder[]> {
  const ways = [resolve(path), await realpath(path).catch(() => resolve(path))];
  const paths = [...new Set(ways.flatMap(ancestors))];
  const stats = await Promise.all(paths.map((at) => stat(at).catch(() => undefined)));
  return stats.flatMap((found, index) =>
    found?.isDirectory() ? [{ path: paths[index] ?? '/', mode: found.mode, uid: found.uid, gid: found.gid }] : [],
  );
}

/** The path and all folders above it, from the root down. */
function ancestors(path: string): string[] {
  return path === dirname(path) ? [path] : [...ancestors(dirname(path)), path];
}

/**
 * The account that QEMU runs as: for the system libvirt the one in qemu.conf, or the distribution's
 * (`libvirt-qemu` on Debian, `qemu` on Fedora and RHEL); for a session the user. Undefined when it cannot be told.
 */
export async function qemuAccount(connect: string): Promise<Account | undefined> {
  if (!connect.startsWith('qemu:///system')) {
    return { name: userInfo().username, uid: process.getuid?.() ?? 0, groups: process.getgroups?.() ?? [] };
  }
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const [conf, passwd, group] = await Promise.all([
    read('/etc/libvirt/qemu.conf'),
    read('/etc/passwd'),
    read('/etc/group'),
  ]);
  const configured = qemuConfUser(conf);
  const names = configured === undefined ? ['libvirt-qemu', 'qemu'] : [configured];
  return names.map((name) => accountOf(name, passwd, group)).find((account) => account !== undefined);
}

/** Reads `user = "NAME"` of libvirt's qemu.conf; a leading `+` marks a number. Root may be all that can read the file. */
export function qemuConfUser(conf: string): string | undefined {
  return /^\s*user\s*=\s*"\+?([^"]+)"/m.exec(conf)?.[1];
}

/** Finds an account, by name or number, in the texts of passwd(5) and group(5). */
export function accountOf(name: string, passwd: string, group: string): Account | undefined {
  const rows = (text: string) => text.split('\n').map((line) => line.split(':'));
  const user = rows(passwd).find(([login, , uid]) => login === name || uid === name);
  const [login, , uid, gid] = user ?? [];
  if (login === undefined || uid === undefined || gid === undefined) return undefined;
  const others = rows(group).flatMap(([, , number, members]) =>
    number !== undefined && members?.split(',').includes(login) ? [Number(number)] : [],
  );
  return { name: login, uid: Number(uid), groups: [Number(gid), ...others] };
}
