import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { withFileLock } from '../../src/store/file-lock.ts';

const { signal } = new AbortController();
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vmkiln-file-lock-'));
});

/** Another process that holds the lock, in a network namespace of its own where this user may have one. */
async function holder(path: string) {
  const apart = process.getuid?.() === 0 ? ['unshare', '--net'] : ['env'];
  const [program = '', ...words] = [...apart, 'flock', '--no-fork', path, 'sh', '-c', 'echo held; exec sleep 60'];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test('a process of another network namespace that holds the lock of a folder is waited for, and one that is killed has let go', async () => {
  const other = await holder(root);
  let waited = 0;
  const waiting = () => (waited += 1) && other.kill('SIGKILL');
  expect(await withFileLock(root, { signal, waiting }, async () => 7)).toBe(7);
  expect(waited).toBe(1);
});

test('callers in one process exclude each other, and one that fails lets go', async () => {
  const turns: string[] = [];
  const turn = (fails: boolean) =>
    withFileLock(root, { signal }, async () => {
      turns.push('<');
      await new Promise(setImmediate);
      turns.push('>');
      if (fails) throw new Error('no');
    });
  const ends = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => turn(index % 2 === 0)));
  expect(turns.join('')).toBe('<>'.repeat(8));
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(4);
});

test('an abort ends the waiting', async () => {
  const other = await holder(root);
  const controller = new AbortController();
  const waiting = () => controller.abort();
  await expect(withFileLock(root, { signal: controller.signal, waiting }, async () => 1)).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
  other.kill('SIGKILL');
});

test('a file that its holder has removed, or put in its place, is another one', async () => {
  const path = join(root, 'partial');
  for (const end of [() => rm(path), () => rename(path, join(root, 'whole'))]) {
    let second: Promise<boolean> | undefined;
    await withFileLock(path, { signal, create: true }, async () => {
      await new Promise<void>((waiting) => {
        second = withFileLock(path, { signal, waiting }, async () => true);
      });
      await end();
    });
    await expect(second).rejects.toMatchObject({ code: 'ENOENT' });
  }
  await writeFile(path, 'there');
  expect(await withFileLock(path, { signal }, async () => true)).toBe(true);
});
