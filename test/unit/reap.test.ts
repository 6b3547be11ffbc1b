import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { clean } from '../../src/pipeline/clean.ts';
import { reapDead } from '../../src/pipeline/reap.ts';
import { createBuild, foldersOf, type Owner, readOwners, writeOwner } from '../../src/store/owner.ts';
import { ensurePaths, statePaths } from '../../src/store/paths.ts';
import { removeDomain } from '../../src/store/leftovers.ts';
import type { Call } from '../../src/tools/exec.ts';
import { buildVariable, isAlive, ownIdentity, processesOf } from '../../src/store/process.ts';

const signal = new AbortController().signal;

async function freshPaths() {
  const paths = statePaths({ VMKILN_HOME: await mkdtemp(join(tmpdir(), 'vmkiln-reap-')) }, 1000);
  await ensurePaths(paths);
  return paths;
}

/** A build whose process has been killed: its owner record names a process that is no more. */
async function deadBuild(paths: Awaited<ReturnType<typeof freshPaths>>, build: string, more: Partial<Owner> = {}) {
  const child = spawn('sleep', ['60']);
  const owner = await createBuild(paths, build, signal);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await writeOwner(paths, { ...owner, pid: child.pid ?? 0, startTime: '1', ...more });
  return foldersOf(paths, build);
}

test('what a killed build left is found and removed: grandchildren and work folder, not its documents', async () => {
  const paths = await freshPaths();
  const { folder, work } = await deadBuild(paths, 'dead-1');
  const env = { ...process.env, [buildVariable]: 'dead-1' };
  spawn('sh', ['-c', 'sleep 71 & sleep 72 & exit 0'], { env, detached: true, stdio: 'ignore' });
  await expect.poll(() => processesOf('dead-1').length).toBeGreaterThan(1);
  await writeFile(join(work, 'customize.qcow2'), 'half made');

  expect(await reapDead(paths, { kept: false, env: process.env, signal })).toEqual([expect.stringContaining('dead-1')]);

  expect(processesOf('dead-1')).toEqual([]);
  expect(existsSync(work)).toBe(false);
  expect(await readOwners(paths)).toEqual([]);
  expect(await readFile(join(folder, 'events.ndjson'), 'utf8')).toContain('INTERRUPTED');
  expect(await reapDead(paths, { kept: false, env: process.env, signal })).toEqual([]);
});

test('a living build is left alone, and one that was told to stay goes only on request', async () => {
  const paths = await freshPaths();
  await createBuild(paths, 'living', signal);
  const { work } = await deadBuild(paths, 'kept', { kept: true });
  expect(await reapDead(paths, { kept: false, env: process.env, signal })).toEqual([]);
  expect(existsSync(work)).toBe(true);
  expect(await reapDead(paths, { kept: true, env: process.env, signal })).toHaveLength(1);
  expect((await readOwners(paths)).map(({ owner }) => owner.build)).toEqual(['living']);
});

test('cleaning builds that have ended never takes one that is just beginning', async () => {
  const paths = await freshPaths();
  const world = { env: { VMKILN_HOME: dirname(paths.state) }, cwd: '/' };
  const creating = (async () => {
    for (let index = 0; index < 100; index += 1) await createBuild(paths, `new-${index}`, signal);
  })();
  for (let round = 0; round < 25; round += 1)
    await clean({ cache: false, builds: true, world, signal, emit: () => undefined });
  await creating;
  expect(await readOwners(paths)).toHaveLength(100);
});

test('a domain is gone only when libvirt says so', async () => {
  const calls: string[] = [];
  const stubborn = ({ args: [, , verb = ''] }: Call) => {
    calls.push(verb);
    return Promise.resolve({ stdout: verb === 'list' ? 'vmkiln-a\n' : '' });
  };
  await expect(
    removeDomain(stubborn, { connect: 'qemu:///system', domain: 'vmkiln-a', env: {} }),
  ).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  expect(calls).toContain('destroy');
});

test('a libvirt that does not answer keeps the record of the build, and no other build from starting', async () => {
  const paths = await freshPaths();
  await deadBuild(paths, 'far', { connect: 'qemu+unix:///system?socket=/no/such/socket' });
  await deadBuild(paths, 'near');
  const sentences = await reapDead(paths, { kept: false, env: process.env, signal });
  expect(sentences.toSorted()[1]).toMatch(/could not clean up after far: /);
  expect((await readOwners(paths)).map(({ owner }) => owner.build)).toEqual(['far']);
});

test('a pid used again, another boot and a zombie are not the owner', async () => {
  const own = ownIdentity();
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, startTime: '1' })).toBe(false);
  expect(isAlive({ ...own, bootId: 'another' })).toBe(false);
});

test('the sockets of an appliance that was killed with its build go, those of a living one stay', async () => {
  const paths = await freshPaths();
  await deadBuild(paths, 'dead-3');
  const [dead, living] = [await mkdtemp('/tmp/libguestfs'), await mkdtemp('/tmp/libguestfs')];
  const listen = (folder: string) =>
    spawn(process.execPath, ['-e', `net.createServer().listen(process.env.SOCKET)`], {
      env: { ...process.env, SOCKET: join(folder, 'guestfsd.sock') },
    });
  const programs = [dead, living].map((folder) => listen(folder));
  await expect.poll(() => [dead, living].every((folder) => existsSync(join(folder, 'guestfsd.sock')))).toBe(true);
  programs[0]?.kill('SIGKILL');
  await once(programs[0] ?? process, 'exit');

  await reapDead(paths, { kept: false, env: process.env, signal });

  expect([existsSync(dead), existsSync(living)]).toEqual([false, true]);
  programs[1]?.kill('SIGKILL');
  await rm(living, { recursive: true });
});

test('a dead build leaves no half copy in the folder of its images, and no writer that is gone a temporary file', async () => {
  const paths = await freshPaths();
  const images = await mkdtemp(join(tmpdir(), 'vmkiln-images-'));
  const { folder } = await deadBuild(paths, 'dead-2', { targets: [images, join(images, 'never-made')] });
  const temporary = (pid: number) => `.vmkiln-${pid}-0123456789abcdef.tmp`;
  const gone = 2 ** 30;
  const dead = [images, paths.checkpoints, paths.state, paths.cache, paths.media, folder].map((where) =>
    join(where, temporary(gone)),
  );
  const others = [join(images, '.rhel7.living-1.partial'), join(paths.checkpoints, temporary(process.pid))];
  for (const file of [...dead, ...others]) await writeFile(file, '');
  await writeFile(join(images, '.rhel7.dead-2.partial'), 'half');

  await reapDead(paths, { kept: false, env: process.env, signal });

  expect([...dead, join(images, '.rhel7.dead-2.partial')].filter((file) => existsSync(file))).toEqual([]);
  expect(others.filter((file) => !existsSync(file))).toEqual([]);
});
