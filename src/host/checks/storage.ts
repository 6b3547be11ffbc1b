import { access, constants, stat } from 'node:fs/promises';
import { freemem, tmpdir, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { blockingFolder, qemuAccount } from '../access.ts';
import { formatBytes } from '../../text.ts';
import { freeSpace, leastRoom } from '../needs.ts';
import { asRoot, type Check } from './check.ts';

const gib = 1024 ** 3;

/** Checks that the folders that grow can be written and have free space, and the memory for a guest beside an appliance. */
export async function checkRoom(folders: { state: string; cache: string }): Promise<Check[]> {
  const places = [
    {
      id: 'space-state',
      title: 'Space for builds',
      path: folders.state,
      fail: 1 * gib,
      warn: 5 * gib,
      move: 'VMKILN_HOME',
    },
    {
      id: 'space-cache',
      title: 'Space for disks',
      path: folders.cache,
      fail: leastRoom,
      warn: 20 * gib,
      move: 'VMKILN_HOME',
    },
    { id: 'space-tmp', title: 'Temporary space', path: tmpdir(), fail: gib / 2, warn: 2 * gib, move: 'TMPDIR' },
  ];
  const checks = places.map(async ({ path, move, ...limits }): Promise<Check> => {
    if (!(await canHold(path))) {
      const { id, title } = limits;
      return { id, title, status: 'fail', detail: `${path} cannot be written by this user; ${move} moves it` };
    }
    const free = await freeSpace(path);
    const check = roomCheck(limits, free, `free at ${path}`);
    return check.status === 'ok' ? check : { ...check, detail: `${check.detail}; ${move} moves it` };
  });
  const total = totalmem();
  const limits = { id: 'memory', title: 'Memory', fail: 2 * gib, warn: 4 * gib };
  const memory = roomCheck(limits, total, `in all, ${formatBytes(freemem())} unused`);
  return [...(await Promise.all(checks)), memory];
}

/** Whether this user may write a folder or, where it is not there yet, make it. */
async function canHold(path: string): Promise<boolean> {
  try {
    const info = await stat(path);
    await access(path, constants.W_OK | constants.X_OK);
    return info.isDirectory();
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path;
    return absent && canHold(dirname(path));
  }
}

/** The finding about an amount of bytes against what is too little (`fail`) and what is scarce (`warn`). */
export function roomCheck(
  { id, title, fail, warn }: { id: string; title: string; fail: number; warn: number },
  bytes: number,
  where: string,
): Check {
  const status = bytes < fail ? 'fail' : bytes < warn ? 'warn' : 'ok';
  const wanted =
    status === 'ok' ? '' : `; ${formatBytes(warn)} or more is comfortable, below ${formatBytes(fail)} builds fail`;
  return { id, title, status, detail: `${formatBytes(bytes, 'down')} ${where}${wanted}` };
}

/**
 * Checks that QEMU, which the system libvirt runs as another user, gets to the state and cache folders and to each
 * file. Folders alone are looked at: libvirt hands QEMU the files themselves, but never the folders above them.
 */
export async function checkReach(
  connect: string,
  folders: { state: string; cache: string },
  files: readonly string[],
  signal: AbortSignal,
): Promise<Check[]> {
  const account = await qemuAccount(connect);
  const places = [
    { id: 'reach-cache', title: 'Reach of disks', path: folders.cache },
    ...files.map((path, index) => ({ id: `file-${index + 1}`, title: 'File', path: resolve(path) })),
  ];
  return Promise.all(
    places.map(async ({ path, ...base }): Promise<Check> => {
      if (base.id.startsWith('file-')) {
        const file = await stat(path).catch(() => undefined);
        const detail = file ? `${path} is not a file` : `${path} is not there, or cannot be read by this user`;
        if (!file?.isFile()) return { ...base, status: 'fail', detail };
      }
      if (account === undefined) {
        return { ...base, status: 'warn', detail: `QEMU's user is unknown, so ${path} may be out of its reach` };
      }
      return reachCheck(base, path, account.name, await blockingFolder(path, account, signal));
    }),
  );
}

/** The finding about one path that QEMU's user gets to, unless a folder is `blocking` it. */
export function reachCheck(
  base: { id: string; title: string },
  path: string,
  user: string,
  blocking: string | undefined,
): Check {
  if (blocking === undefined) return { ...base, status: 'ok', detail: `${user} can reach ${path}` };
  return {
    ...base,
    status: 'fail',
    detail: `QEMU runs as ${user}, which may not pass through ${blocking} on the way to ${path}`,
    fix: asRoot(`chmod o+x ${blocking}`),
  };
}
