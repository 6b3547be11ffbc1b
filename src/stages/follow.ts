import { open, stat } from 'node:fs/promises';

/**
 * Reads what a growing file has gained since the last call, in whole lines. A file that shrank was rotated by
 * virtlogd (2 MiB by default): reading starts again at its beginning. A file that is not there yet has no lines.
 */
export function follow(path: string): () => Promise<string[]> {
  let position = 0;
  let pending = '';
  const decoder = new TextDecoder();
  return async () => {
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size < position) position = 0;
    if (size === position) return [];
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - position), position });
      position += bytesRead;
      pending += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    } finally {
      await file.close();
    }
    const lines = pending.split(/\r?\n|\r/);
    pending = lines.pop() ?? '';
    return lines.map((line) => stripControls(line));
  };
}

/** Removes terminal sequences and other control characters. */
function stripControls(line: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return line.replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|.)/g, '').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
}
