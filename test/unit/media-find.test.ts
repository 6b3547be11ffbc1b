import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { resolveMedia } from '../../src/media/find.ts';

const text = 'an installer';
const sha256 = createHash('sha256').update(text).digest('hex');
let folder: string;
let iso: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmkiln-media-'));
  iso = join(folder, 'rhel-7.9.iso');
  await writeFile(iso, text);
  await utimes(iso, 1e9, 1e9);
});

const find = (source: string, sum?: string, signal = new AbortController().signal) =>
  resolveMedia(
    { iso: { source, sha256: sum } },
    { mediaDir: join(folder, 'cache'), signal, progress: () => {}, download: true },
  );

test('a path and a file URL are found, and their size and digest known', async () => {
  const found = { path: iso, sha256, size: text.length };
  expect((await find(iso)).iso).toEqual({ source: iso, ...found });
  const url = pathToFileURL(iso).href;
  expect((await find(url, sha256.toUpperCase())).iso).toEqual({ source: url, ...found });
});

test('the digest is kept until the file changes', async () => {
  const cache = join(folder, 'cache/hashes.json');
  await find(iso);
  const stored = await readFile(cache, 'utf8');
  await writeFile(cache, stored.replace(sha256, 'f'.repeat(64)));
  expect((await find(iso)).iso?.sha256).toBe('f'.repeat(64));
  await utimes(iso, 1e9, 1e9 + 1);
  expect((await find(iso)).iso?.sha256).toBe(sha256);
  await writeFile(cache, '{"damaged');
  expect((await find(iso)).iso?.sha256).toBe(sha256);
});

test('a file that was just written is not trusted to stay', async () => {
  const fresh = join(folder, 'fresh.iso');
  await writeFile(fresh, text);
  await find(fresh);
  expect((await readFile(join(folder, 'cache/hashes.json'), 'utf8').catch(() => '')).includes(fresh)).toBe(false);
});

test('many builds store their digests side by side', async () => {
  const files = Array.from({ length: 12 }, (_, i) => join(folder, `${i}.iso`));
  for (const file of files) await writeFile(file, file).then(() => utimes(file, 1e9, 1e9));
  await Promise.all(files.map((file) => find(file)));
  const stored = JSON.parse(await readFile(join(folder, 'cache/hashes.json'), 'utf8')) as object;
  expect(Object.keys(stored).toSorted()).toEqual(files.toSorted());
});

test('a missing medium comes with what is there instead', async () => {
  await expect(find(join(folder, 'rhel-7-9.iso'))).rejects.toMatchObject({
    code: 'MEDIA_MISSING',
    hint: `in ${folder} there is rhel-7.9.iso`,
  });
  await expect(find(join(folder, 'none/here.iso'))).rejects.toMatchObject({ hint: expect.stringContaining(folder) });
  await expect(find('~/x.iso')).rejects.toMatchObject({ hint: expect.stringContaining('~ is not expanded') });
});

test('a folder, an empty file, a broken link and a strange address are not media', async () => {
  const empty = join(folder, 'empty.iso');
  const link = join(folder, 'link.iso');
  await writeFile(empty, '');
  await symlink(join(folder, 'gone'), link);
  await mkdir(join(folder, 'dir'));
  for (const source of [empty, link, join(folder, 'dir'), '/dev/null', 'ftp://host/x.iso', 'https://u:geheim@/x']) {
    const run = find(source);
    await expect(run).rejects.toMatchObject({ code: 'MEDIA_MISSING' });
    await expect(run).rejects.not.toThrow('geheim');
  }
});

test('a checksum file is understood, and a mismatch names both digests', async () => {
  const sums = join(folder, 'CHECKSUM');
  await writeFile(sums, `SHA256 (rhel-7.9.iso) = ${sha256}\nSHA256 (rhel-7.8.iso) = ${'1'.repeat(64)}\n`);
  expect((await find(iso, sums)).iso?.sha256).toBe(sha256);
  await writeFile(sums, `SHA256 (rhel-7.9.iso) = ${'2'.repeat(64)}\nSHA256 (rhel-7.8.iso) = ${sha256}\n`);
  await expect(find(iso, sums)).rejects.toMatchObject({
    code: 'MEDIA_CHECKSUM',
    message: expect.stringMatching(`${sha256}.*${'2'.repeat(64)}`),
    hint: expect.stringContaining('rhel-7.8.iso'),
  });
  expect((await stat(iso)).size).toBe(text.length);
  await writeFile(sums, Buffer.alloc(5 * 2 ** 20));
  await expect(find(iso, sums)).rejects.toThrow('too large for a checksum file');
});

test('an abort ends the reading', async () => {
  const controller = new AbortController();
  const run = find(iso, undefined, controller.signal);
  controller.abort();
  await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
