import { execFileSync, spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { mkdtemp, symlink, writeFile, appendFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { lockAddress, withLock } from '../../src/store/lock.ts';

const signal = new AbortController().signal;
setMaxListeners(100, signal);
let root: string;
let compiled: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vmkiln-lock-'));
  compiled = await mkdtemp(join(tmpdir(), 'vmkiln-lock-js-'));
  await writeFile(join(compiled, 'package.json'), '{"type":"module"}');
  const flags = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--rewriteRelativeImportExtensions'];
  const tsc = ['node_modules/typescript/bin/tsc', '--ignoreConfig', '--rootDir', 'src', '--outDir', compiled, ...flags];
  execFileSync(process.execPath, [...tsc, 'src/store/lock.ts']);
}, 60_000);

/** A process of its own that takes the lock, prints `held`, runs `body` and lets go. */
function contender(name: string, body: string) {
  const script = `
    import { withLock } from ${JSON.stringify(join(compiled, 'store/lock.js'))};
    import { appendFile } from 'node:fs/promises';
    import { setTimeout as delay } from 'node:timers/promises';
    const signal = new AbortController().signal;
    await withLock(${JSON.stringify(root)}, '${name}', { signal }, async () => { console.log('held'); ${body} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, held: once(child.stdout, 'data'), exited: once(child, 'exit') };
}

test('a killed holder leaves nothing: the one who waits goes on', async () => {
  const { child, held } = contender('killed', 'await delay(60_000)');
  await held;
  let waited = 0;
  const mine = withLock(
    root,
    'killed',
    { signal, waiting: () => (waited += 1) && child.kill('SIGKILL') },
    async () => 7,
  );
  expect(await mine).toBe(7);
  expect(waited).toBe(1);
});

test('processes and callers exclude each other, and each gets its turn', async () => {
  const log = join(root, 'log');
  const file = JSON.stringify(log);
  const turn = `await appendFile(${file}, '<'); await delay(3); await appendFile(${file}, '>');`;
  const others = Array.from({ length: 4 }, () => contender('many', turn).exited);
  const own = Array.from({ length: 60 }, () =>
    withLock(root, 'many', { signal }, async () => {
      await appendFile(log, '<');
      await delay(1);
      await appendFile(log, '>');
    }),
  );
  await Promise.all([...others, ...own]);
  expect(await readFile(log, 'utf8')).toBe('<>'.repeat(64));
}, 30_000);

test('an abort ends the waiting and leaves the lock to its holder', async () => {
  const controller = new AbortController();
  let finish = () => {};
  const done = new Promise<void>((resolve) => (finish = resolve));
  let holder = done;
  await new Promise<void>((held) => {
    holder = withLock(root, 'abort', { signal }, () => {
      held();
      return done;
    });
  });
  const waiter = withLock(
    root,
    'abort',
    { signal: controller.signal, waiting: () => controller.abort() },
    async () => 1,
  );
  await expect(waiter).rejects.toMatchObject({ code: 'INTERRUPTED' });
  finish();
  await holder;
  expect(await withLock(root, 'abort', { signal }, async () => 2)).toBe(2);
});

test('a body that fails lets go', async () => {
  const failing = withLock(root, 'fails', { signal }, async () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await withLock(root, 'fails', { signal }, async () => 3)).toBe(3);
});

test('a lock is known by its folder and its whole name', async () => {
  const long = 'x'.repeat(300);
  const link = join(compiled, 'link');
  await symlink(root, link);
  expect(await lockAddress(link, 'a')).toBe(await lockAddress(root, 'a'));
  expect(await lockAddress(root, `${long}1`)).not.toBe(await lockAddress(root, `${long}2`));
  expect(await lockAddress(compiled, 'a')).not.toBe(await lockAddress(root, 'a'));
  expect(await withLock(root, long, { signal }, async () => 4)).toBe(4);
});
