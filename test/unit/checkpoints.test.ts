import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { findLayer, type Layer, obtain, removeLayers, removeUnrecorded } from '../../src/store/checkpoints.ts';

const options = { fresh: false, signal: new AbortController().signal, waiting: () => undefined };
let store: string;
let made: number;

beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'vmkiln-store-'));
  made = 0;
});

function layer(fingerprint: string, backing?: Layer, fresh = false) {
  return obtain(store, fingerprint, { ...options, fresh }, async () => {
    made += 1;
    const file = join(store, `.work-${made}`);
    await writeFile(file, `content ${made}`);
    return { file, stage: 'install', build: `b${made}`, flat: true, ...(backing && { backing }) };
  });
}

test('a layer is made once, however many ask for it at the same time', async () => {
  const results = await Promise.all([layer('aa'), layer('aa'), layer('aa')]);
  expect(made).toBe(1);
  expect(results.filter(({ reused }) => reused)).toHaveLength(2);
  expect(new Set(results.map((result) => result.layer.path)).size).toBe(1);
});

test('a failed make leaves no layer', async () => {
  await expect(obtain(store, 'aa', options, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await findLayer(store, 'aa')).toBeUndefined();
  expect(await readdir(store)).toEqual([]);
});

test('a layer whose build is stopped while it is hashed is not kept', async () => {
  const controller = new AbortController();
  const stopped = obtain(store, 'aa', { ...options, signal: controller.signal }, async () => {
    const file = join(store, '.work');
    await writeFile(file, 'content');
    controller.abort();
    return { file, stage: 'install', build: 'b', flat: true };
  });
  await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(await findLayer(store, 'aa')).toBeUndefined();
});

test('a layer made anew never takes the backing file from under another', async () => {
  const below = (await layer('aa')).layer;
  const above = (await layer('bb', below)).layer;
  const again = (await layer('aa', undefined, true)).layer;
  expect(again.path).not.toBe(below.path);
  expect(await findLayer(store, 'bb')).toEqual(above);
  await rm(below.path);
  expect(await findLayer(store, 'bb')).toBeUndefined();
});

test('what is in use stays, with all that it stands on; the rest goes', async () => {
  const below = (await layer('aa')).layer;
  await layer('bb', below);
  const other = (await layer('cc')).layer;
  expect((await removeLayers(store, new Set(['bb']))).map(({ path }) => path)).toEqual([other.path]);
  expect(await findLayer(store, 'bb')).toBeDefined();
  await removeLayers(store, new Set());
  expect(await readdir(store)).toEqual([]);
});

/** Makes a layer look unused since then (seconds of the epoch). */
const age = (fingerprint: string, seconds: number) => utimes(join(store, `${fingerprint}.json`), seconds, seconds);

test('down to a size: the least recently used go, one that is found again counts as used', async () => {
  const below = (await layer('aa')).layer;
  await layer('bb', below);
  const old = (await layer('cc')).layer;
  await layer('dd');
  for (const [index, print] of ['dd', 'aa', 'cc', 'bb'].entries()) await age(print, 1000 + index);
  await layer('dd');
  const each = (await stat(below.path)).blocks * 512;
  const removed = await removeLayers(store, new Set(), 3 * each);
  expect(removed.map(({ layer: gone, bytes, used }) => [gone?.path, bytes, used])).toEqual([
    [old.path, each, 1_002_000],
  ]);
  expect((await readdir(store)).length).toBe(6);
  expect(await removeLayers(store, new Set(), 3 * each)).toEqual([]);
});

test('down to a size: what no record names goes, but stays below a layer that stays, and while anything is in use', async () => {
  const below = (await layer('aa')).layer;
  await layer('bb', below);
  await layer('aa', undefined, true);
  const lost = join(store, 'lost.qcow2');
  await writeFile(lost, 'renamed, not recorded');
  expect(await removeLayers(store, new Set(['aa']), 2 ** 40)).toEqual([]);
  expect((await removeLayers(store, new Set(), 2 ** 40)).map(({ path }) => path)).toEqual([lost]);
  expect(await findLayer(store, 'bb')).toBeDefined();
});

test('what a build was killed over before its record goes, but not what an overlay needs', async () => {
  const below = (await layer('a'.repeat(64))).layer;
  await layer('b'.repeat(64), below);
  // The stage below was run again: the record names another file now.
  await layer('a'.repeat(64), undefined, true);
  const lost = join(store, `${'c'.repeat(16)}-b1.sparsify.qcow2`);
  await writeFile(lost, 'renamed, not recorded');
  await removeUnrecorded(store, 'b1');
  expect(await readdir(store)).not.toContain(basename(lost));
  expect(await readdir(store)).toContain(basename(below.path));
});
