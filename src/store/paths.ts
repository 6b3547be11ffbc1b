import { chmod, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { VmkilnError, messageOf } from '../errors.ts';

/** virt-customize ends a path at a colon, virt-install reads the others as a shell does, and neither has an escape. */
// oxlint-disable-next-line no-control-regex
const unusable = /[:"\\\u0000-\u001f\u007f]/;

/** Where vmkiln keeps what it must not lose (`state`) and what it can make again (`cache`). Absolute paths. */
export type Paths = {
  state: string;
  cache: string;
  /** One folder per build. */
  builds: string;
  /** Work folders. On the filesystem of `checkpoints`, because results are renamed into it. */
  work: string;
  checkpoints: string;
  /** Downloads and the hashes of media. */
  media: string;
};

/**
 * The folders for this user: those of the system for root, those of the XDG Base Directory Specification for others
 * (which says to ignore a relative XDG_STATE_HOME or XDG_CACHE_HOME). VMKILN_HOME moves both; a relative one counts
 * from the current folder.
 */
export function statePaths(env: Readonly<Record<string, string | undefined>>, uid: number): Paths {
  const home = env['HOME'] || homedir();
  const xdg = (name: string, fallback: string) => {
    const folder = env[name];
    return join(folder && isAbsolute(folder) ? folder : join(home, fallback), 'vmkiln');
  };
  const moved = env['VMKILN_HOME'];
  if (moved) return below(resolve(moved, 'state'), resolve(moved, 'cache'));
  if (uid === 0) return below('/var/lib/vmkiln', '/var/cache/vmkiln');
  return below(xdg('XDG_STATE_HOME', '.local/state'), xdg('XDG_CACHE_HOME', '.cache'));
}

function below(state: string, cache: string): Paths {
  return {
    state,
    cache,
    builds: join(state, 'builds'),
    work: join(cache, 'work'),
    checkpoints: join(cache, 'checkpoints'),
    media: join(cache, 'media'),
  };
}

/**
 * Creates the folders. The system libvirt runs QEMU as another user, who must reach disks and media by name: those
 * folders can be traversed, not listed. Builds hold logs of a person's guests and are private.
 *
 * @throws VmkilnError HOST_UNFIT when a folder cannot be made, is not the user's own, or has a name no tool can take.
 */
export async function ensurePaths(paths: Paths): Promise<void> {
  const name = [paths.state, paths.cache].find((folder) => unusable.test(folder));
  if (name !== undefined) {
    throw new VmkilnError('HOST_UNFIT', `the folder ${JSON.stringify(name)} has a character that the tools misread`, {
      hint: 'set VMKILN_HOME to a folder without colons, double quotes, backslashes and control characters in its path',
    });
  }
  for (const folder of [paths.state, paths.cache, paths.work, paths.checkpoints, paths.media]) {
    await ensureFolder(folder, (mode) => mode | 0o711);
  }
  await ensureFolder(paths.builds, () => 0o700);
}

async function ensureFolder(folder: string, wanted: (mode: number) => number): Promise<void> {
  try {
    const first = await makeFolders(folder, 0o711);
    // The umask may have taken from every folder that was made on the way.
    if (first) for (let made = folder; made.length >= first.length; made = dirname(made)) await chmod(made, 0o711);
    const mode = (await stat(folder)).mode & 0o7777;
    if (wanted(mode) !== mode) await chmod(folder, wanted(mode));
  } catch (cause) {
    throw new VmkilnError('HOST_UNFIT', `cannot prepare the folder ${folder}: ${messageOf(cause)}`, {
      hint: 'set VMKILN_HOME to a folder you may write, with room for disk images',
      cause,
    });
  }
}

/**
 * Makes a folder of the user's and those above it that are missing. Node's own recursive mkdir never ends where folders cannot be
 * made but exist, as below /proc.
 *
 * @returns the first that was made, if any was
 * @throws errors of the file system
 */
export async function makeFolders(folder: string, mode = 0o777): Promise<string | undefined> {
  try {
    return (await makeFolder(folder, mode)) ? folder : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
  }
  const first = await makeFolders(dirname(folder), mode);
  return (await makeFolder(folder, mode)) ? (first ?? folder) : first;
}

/** Makes a folder, unless it is there. @returns whether it was made */
async function makeFolder(folder: string, mode: number): Promise<boolean> {
  try {
    await mkdir(folder, { mode });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(folder)).isDirectory()) return false;
    throw error;
  }
}
