import { open, stat } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';

/** Reads new lines. `rest` is the last one as far as it was written, such as a question that waits for its answer. */
export type Follow = (() => Promise<string[]>) & { rest: () => string };

/** Characters that are kept of a line that does not end. */
const longestLine = 1024 ** 2;

/**
 * Reads what a growing file has gained since the last call, in whole lines. A file that shrank was rotated by
 * virtlogd (2 MiB by default): reading starts again at its beginning. A file that is not there yet has no lines, nor has
 * one that may not be read: virtlogd keeps what it writes for root, also for an ordinary user of the system libvirt.
 */
export function follow(path: string): Follow {
  let position = 0;
  let pending = '';
  const decoder = new TextDecoder();
  const read = async () => {
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size < position) position = 0;
    if (size === position) return [];
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' || error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (file === undefined) return [];
    try {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - position), position });
      position += bytesRead;
      pending += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    } finally {
      await file.close();
    }
    const lines = pending.split(/\r?\n|\r/);
    pending = (lines.pop() ?? '').slice(-longestLine);
    return lines.map((line) => stripControls(line));
  };
  return Object.assign(read, { rest: () => stripControls(pending) });
}

/** Removes terminal sequences and other control characters, except tabs. */
function stripControls(line: string): string {
  return stripVTControlCharacters(line).replace(/[^\P{Cc}\t]/gu, '');
}
