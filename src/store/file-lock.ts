import { type FileHandle, open, stat } from 'node:fs/promises';
import { exec } from '../tools/exec.ts';

/** Seconds that a lock is waited for: more than a terabyte takes to a slow disk. */
const patience = 24 * 3600;

/**
 * Runs `body` while nobody else on this machine holds the lock of a file or folder, in this process or in another, whatever its network
 * namespace: locks of `withLock` end there, and some workers share nothing but a folder.
 *
 * It is the lock of flock(2), which belongs to an open file and ends with its holder. Node.js has no call for it: flock(1) locks the file that
 * it inherits, which stays locked when that program has ended.
 *
 * @param options `create` makes the file if it is not there; `waiting` is called once when the lock is held by another. An abort ends the
 * waiting, not the body.
 * @throws VmkilnError INTERRUPTED, COMMAND_FAILED, TOOL_MISSING; errors of the file system as they are; and whatever `body` throws.
 */
export async function withFileLock<T>(
  path: string,
  options: { signal: AbortSignal; waiting?: () => void; create?: boolean },
  body: () => Promise<T>,
): Promise<T> {
  const { signal, waiting, create = false } = options;
  for (;;) {
    const file = await open(path, create ? 'a' : 'r');
    try {
      if (!(await take(file, ['--nonblock'], signal))) {
        waiting?.();
        await take(file, [], signal);
      }
      // Who held it before may have removed the file.
      if (await isAt(path, file)) return await body();
    } finally {
      await file.close();
    }
  }
}

/** @returns whether it could be had: it is waited for, unless `--nonblock` is among the words */
async function take(file: FileHandle, words: readonly string[], signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await exec({
    ...{ program: 'flock', args: [...words, '--exclusive', '0'], descriptor: file.fd },
    ...{ timeout: patience, signal, accept: words.includes('--nonblock') ? [1] : [] },
  });
  return exitCode === 0;
}

async function isAt(path: string, file: FileHandle): Promise<boolean> {
  const [own, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return own.ino === there?.ino && own.dev === there.dev;
}
