import { chmod, mkdir, mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensurePaths, statePaths } from '../../src/store/paths.ts';

test.each([
  ['root', {}, 0, '/var/lib/vmkiln', '/var/cache/vmkiln'],
  ['a user', { HOME: '/home/u' }, 1000, '/home/u/.local/state/vmkiln', '/home/u/.cache/vmkiln'],
  ['XDG', { HOME: '/h', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/c' }, 1000, '/s/vmkiln', '/c/vmkiln'],
  ['relative XDG', { HOME: '/h', XDG_CACHE_HOME: 'c' }, 1000, '/h/.local/state/vmkiln', '/h/.cache/vmkiln'],
  ['VMKILN_HOME', { VMKILN_HOME: '/data' }, 0, '/data/state', '/data/cache'],
  ['relative VMKILN_HOME', { VMKILN_HOME: 'k' }, 1000, join(process.cwd(), 'k/state'), join(process.cwd(), 'k/cache')],
  ['empty VMKILN_HOME', { VMKILN_HOME: '' }, 0, '/var/lib/vmkiln', '/var/cache/vmkiln'],
])('%s', (_who, env, uid, state, cache) => {
  expect(statePaths(env, uid)).toMatchObject({ state, cache, builds: `${state}/builds`, work: `${cache}/work` });
});

test('QEMU can traverse the cache whatever the umask, and nobody else reads builds', async () => {
  const home = join(await mkdtemp(join(tmpdir(), 'vmkiln-paths-')), 'home');
  const paths = statePaths({ VMKILN_HOME: home }, 0);
  await mkdir(paths.builds, { recursive: true, mode: 0o755 });
  await mkdir(paths.cache, { mode: 0o755 });
  await chmod(paths.cache, 0o700);
  await ensurePaths(paths);
  await ensurePaths(paths);
  const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  expect(await mode(paths.builds)).toBe('700');
  for (const path of [paths.cache, paths.work, paths.checkpoints, paths.media]) expect(await mode(path)).toBe('711');
});

test.each(['/srv/a:b', '/srv/a"b', '/srv/a\\b'])('%s is refused: the tools would misread it', async (home) => {
  await expect(ensurePaths(statePaths({ VMKILN_HOME: home }, 0))).rejects.toMatchObject({ code: 'HOST_UNFIT' });
});

test('a folder that cannot be made is an error with a way out, below /proc too', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'vmkiln-paths-')), 'file');
  await writeFile(file, '');
  for (const home of [file, join(file, 'x'), '/proc/vmkiln'])
    await expect(ensurePaths(statePaths({ VMKILN_HOME: home }, 0)), home).rejects.toMatchObject({
      code: 'HOST_UNFIT',
      hint: expect.stringContaining('VMKILN_HOME'),
    });
});
