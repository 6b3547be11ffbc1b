import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { userInfo } from 'node:os';

/** Who a program runs as, with the numbers of all its groups. */
export type Account = { name: string; uid: number; groups: readonly number[] };

/** A folder with its owner, group and permission bits, as stat(2) reports them. */
export type Folder = { path: string; mode: number; uid: number; gid: number };

/**
 * The first folder that the account may not pass through, by the rules of path_resolution(7): one class counts, the
 * owner's before the group's before the others', and root passes everywhere. Access control lists are not seen.
 */
export function blockingFolder(folders: readonly Folder[], account: Account): Folder | undefined {
  if (account.uid === 0) return undefined;
  return folders.find(({ mode, uid, gid }) => {
    const search = uid === account.uid ? 0o100 : account.groups.includes(gid) ? 0o010 : 0o001;
    return (mode & search) === 0;
  });
}

/** The folders above a path (and the path, if it is one), from the root down. What does not exist is left out. */
export async function foldersOf(path: string): Promise<Folder[]> {
  const paths: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    paths.unshift(at);
    if (at === dirname(at)) break;
  }
  const stats = await Promise.all(paths.map((at) => stat(at).catch(() => undefined)));
  return stats.flatMap((found, index) =>
    found?.isDirectory() ? [{ path: paths[index] ?? '/', mode: found.mode, uid: found.uid, gid: found.gid }] : [],
  );
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
