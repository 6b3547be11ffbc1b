import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { testHome } from './vmkiln.ts';

/** Whether this machine can make and enter a bare Debian. */
export const canEnter = process.getuid?.() === 0 && existsSync('/usr/bin/mmdebstrap');

/**
 * A Debian 12 with nothing but its essential packages and apt, with its lists, as a tar file: kept in the home of the tests, since it takes a
 * minute to make.
 */
export function bareDebian(): string {
  const tar = join(testHome, 'bare-debian-12.tar');
  if (existsSync(tar)) return tar;
  mkdirSync(testHome, { recursive: true });
  const making = `${tar}.${process.pid}`;
  const options = ['--variant=minbase', '--skip=cleanup/apt/lists', '--aptopt=Acquire::Languages "none"'];
  execFileSync('mmdebstrap', [...options, '--format=tar', 'bookworm', making], { stdio: 'ignore', timeout: 600_000 });
  renameSync(making, tar);
  return tar;
}

/** Unpacks a bare Debian into a folder. */
export function unpackDebian(folder: string): void {
  mkdirSync(folder);
  execFileSync('tar', ['-xf', bareDebian(), '-C', folder]);
}

/** Runs a line of shell in a bare Debian, with an environment of its own, and returns what it prints, errors too. */
export function inDebian(folder: string, line: string): { status: number; text: string } {
  // Its /proc ends with the line, and so does what runs in it.
  const enter =
    'mount --make-rprivate / && mount -t proc proc "$0/proc" && exec chroot "$0" sh -c "cd /root && { $1; } 2>&1"';
  const words = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', enter, folder, line];
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DEBIAN_FRONTEND: 'noninteractive' };
  try {
    return { status: 0, text: execFileSync('unshare', words, { encoding: 'utf8', env, timeout: 300_000 }) };
  } catch (error) {
    const { status, stdout } = error as { status: number | null; stdout: string };
    return { status: status ?? -1, text: stdout };
  }
}
