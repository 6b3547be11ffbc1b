import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Event } from '../../src/model.ts';
import { withLock } from '../../src/store/lock.ts';
import { fakeHost, type FakeHost } from '../support/fake-tools.ts';
import { startVmkiln, vmkiln } from '../support/vmkiln.ts';

const session = ['--connect', 'qemu:///session'];

function build(host: FakeHost, recipes: readonly string[], more: readonly string[] = [], env = {}) {
  return vmkiln(['build', ...recipes, ...session, ...more], { env: { ...host.env, ...env } });
}

function images(host: FakeHost): string[] {
  const index = JSON.parse(readFileSync(join(host.folder, 'images/index.json'), 'utf8'));
  return index.images.map(({ file }: { file: string }) => file);
}

function stagesReused(events: readonly Event[]): number {
  return events.filter(({ type }) => type === 'stage-reused').length;
}

/** What builds leave that are still to be cleaned up. */
function leftovers(host: FakeHost): string[] {
  const files = readdirSync(join(host.folder, 'home'), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /owner\.json$|cache\/work\/./.test(file));
}

test('recipes with the same installation share it, and each has its own image', async () => {
  const host = fakeHost();
  const recipes = ['a', 'b', 'c'].map((name) => host.recipe(name, `packages: [${name}]`));
  const { status, stderr, events } = await build(host, recipes, ['--ui', 'json']);
  expect({ status, stderr: stderr.includes('failed') }).toEqual({ status: 0, stderr: false });
  expect(host.runs('virt-install').count).toBe(1);
  expect(stagesReused(events)).toBe(2);
  expect(new Set(events.map((event) => event.build)).size).toBe(3);
  expect(images(host)).toEqual(['a.qcow2', 'b.qcow2', 'c.qcow2']);
  expect(leftovers(host)).toEqual([]);
});

test('what the host has no room for waits and says for what; it is not counted with --jobs', async () => {
  const host = fakeHost();
  const recipes = ['a', 'b', 'c'].map((name, index) =>
    host.recipe(name, `machine: { memory: 60T }\ntimezone: Etc/GMT+${index}`),
  );
  const { status, stderr } = await build(host, recipes, ['--until', 'install', '--ui', 'plain']);
  expect(status).toBe(0);
  expect(host.runs('virt-install')).toEqual({ count: 3, atOnce: 1 });
  const waiting = stderr.split('\n').filter((line) => line.includes('waiting for 60 TiB of memory ('));
  expect(waiting).toHaveLength(2);
  for (const line of waiting) expect(line).toMatch(/^\d\d:\d\d:\d\d \/.*\/[abc]\.yaml install: waiting/);
});

test('the limits of an installation begin with its guest, not while it waits to start it', async () => {
  const host = fakeHost();
  const recipe = host.recipe('a', 'install: { timeout: 2s, stallTimeout: 2s }');
  const args = [recipe, ...session, '--until', 'install'];
  const env = { ...host.env, FAKE_SECONDS: '0' };
  const { signal } = new AbortController();
  const { events, status } = await withLock(
    '/',
    'virt-install qemu:///session',
    { signal, holder: 'b-1' },
    async () => {
      const started = startVmkiln(['build', ...args], env);
      await started.event((event) => event.type === 'progress' && event.message.includes('the build b-1 has started'));
      await sleep(3000);
      return started;
    },
  ).then(({ ended }) => ended);
  expect({ status, failed: events.filter(({ type }) => type === 'failed') }).toEqual({ status: 0, failed: [] });
});

test('one that fails does not stop the others', async () => {
  const host = fakeHost();
  const recipes = ['a', 'broken', 'c'].map((name) => host.recipe(name, `packages: [${name}]`));
  const none = join(host.folder, 'none.yaml');
  const { status, stderr } = await build(host, [none, ...recipes], ['--ui', 'plain'], {
    FAKE_FAIL: 'work/broken-',
  });
  const failing = stderr.split('\n').filter((line) => / {2}failed {2}/.test(line));
  expect(failing.map((line) => line.split(' ')[0])).toEqual([none, recipes[1]]);
  expect(status).toBe(2);
  expect(images(host)).toEqual(['a.qcow2', 'c.qcow2']);
});

test('an interruption ends those that run and those that wait, and leaves nothing', async () => {
  const host = fakeHost();
  const recipes = ['a', 'b', 'c'].map((name, index) =>
    host.recipe(name, `machine: { memory: 60T }\ntimezone: Etc/GMT+${index}`),
  );
  const run = startVmkiln(['build', ...recipes, ...session], { ...host.env, FAKE_SECONDS: '300' });
  await run.event((event) => event.type === 'progress' && event.message.includes('after one other build'));
  run.kill('SIGINT');
  const { status, events } = await run.ended;
  expect(status).toBe(130);
  const codes = events.flatMap((event) => (event.type === 'failed' ? [event.code] : []));
  expect(codes).toEqual(['INTERRUPTED', 'INTERRUPTED', 'INTERRUPTED']);
  expect(leftovers(host)).toEqual([]);
});

test('separate processes at the same time share the work and do not disturb each other', async () => {
  const host = fakeHost();
  const names = ['a', 'b', 'c', 'd'];
  const recipes = names.map((name, index) => host.recipe(name, `packages: [${name}]\ntimezone: Etc/GMT+${index % 3}`));
  const runs = await Promise.all([...recipes, ...recipes].map((recipe) => build(host, [recipe], ['--ui', 'json'])));
  expect(runs.map(({ status, stderr }) => (status === 0 ? 0 : stderr))).toEqual(runs.map(() => 0));
  expect(host.runs('virt-install').count).toBe(3);
  expect(host.runs('virt-customize').count).toBe(4);
  expect(images(host)).toEqual(names.map((name) => `${name}.qcow2`));
  expect(leftovers(host)).toEqual([]);
});

test('recipes that would replace each other are refused before anything begins', async () => {
  const host = fakeHost();
  const recipe = host.recipe('a');
  const same = join(host.folder, 'same.yaml');
  copyFileSync(recipe, same);
  const twice = await build(host, [recipe, recipe]);
  expect([twice.status, twice.stderr]).toEqual([2, expect.stringContaining('a.yaml is given twice')]);
  const names = await build(host, [recipe, same]);
  expect([names.status, names.stderr]).toEqual([2, expect.stringContaining('same.yaml would both publish')]);
  expect(host.runs('virt-install').count).toBe(0);
});
