import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { withFileLock } from '../../src/store/file-lock.ts';
import { directory } from '../../src/targets/directory/directory.ts';
import { serialNow } from '../../src/targets/serial.ts';
import type { ImageToPublish, TargetContext } from '../../src/targets/target.ts';
import { exec } from '../../src/tools/exec.ts';

const signal = new AbortController().signal;
let folder: string;
let out: string;
let copies: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmkiln-dir-'));
  out = join(folder, `it's "my" images`);
  copies = 0;
});

const context: TargetContext = {
  signal,
  env: {},
  cwd: '/',
  progress: () => {},
  note: () => {},
  work: (file) => file,
  exec: (command) => {
    copies++;
    return exec({ ...command, signal });
  },
};

async function image(text: string, changes: Partial<ImageToPublish> = {}): Promise<ImageToPublish> {
  const path = join(folder, `build-${text}`);
  await writeFile(path, text, { mode: 0o600 });
  const sha256 = createHash('sha256').update(text).digest('hex');
  const content = { path, name: 'rhel7', format: 'qcow2' as const, sha256, size: text.length };
  return { ...content, build: 'b1', serial: serialNow(), rehearsal: false, ...changes };
}

const index = async () => JSON.parse(await readFile(join(out, 'index.json'), 'utf8')) as { images: { file: string }[] };

test('the image, its checksum and the index appear, and nothing else', async () => {
  const one = await image('one');
  const path = join(out, 'rhel7.qcow2');
  expect(await directory.changes(one, { path: out }, context)).toEqual([`create the folder ${out}`, `add ${path}`]);
  const published = await directory.publish(one, { path: out }, context);
  expect(published).toEqual({ target: 'directory', location: path, sha256: one.sha256, size: 3, unchanged: false });
  expect((await readdir(out)).toSorted()).toEqual(['index.json', 'rhel7.qcow2', 'rhel7.qcow2.sha256']);
  expect(execFileSync('sha256sum', ['-c', 'rhel7.qcow2.sha256'], { cwd: out, encoding: 'utf8' })).toContain('OK');
  const { name, format, size, sha256, build, rehearsal, serial } = one;
  const createdAt = (await stat(path)).mtime.toISOString();
  expect(await index()).toEqual({
    version: 1,
    images: [{ name, file: 'rhel7.qcow2', format, size, sha256, build, rehearsal, serial, createdAt }],
  });
  const stats = await stat(path);
  expect({ links: stats.nlink, mode: (stats.mode & 0o777).toString(8) }).toEqual({ links: 1, mode: '644' });
});

test('the same image again is no copy; another one, or a file that was used, is', async () => {
  const one = await image('one');
  const path = join(out, 'rhel7.qcow2');
  await directory.publish(one, { path: out }, context);
  expect(await directory.publish({ ...one, build: 'b2' }, { path: out }, context)).toMatchObject({ unchanged: true });
  expect(await directory.changes(one, { path: out }, context)).toEqual([expect.stringContaining('same content')]);
  expect(copies).toBe(1);
  await directory.publish(await image('two', { build: 'b3' }), { path: out }, context);
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await directory.changes(await image('three'), { path: out }, context)).toEqual([
    `replace ${path}, of build b3`,
  ]);
  await utimes(path, 2e9, 2e9);
  expect(await directory.publish(await image('two'), { path: out }, context)).toMatchObject({ unchanged: false });
});

test('a kill between the renames is seen the next time', async () => {
  const one = await image('one');
  await directory.publish(one, { path: out }, context);
  await rm(join(out, 'rhel7.qcow2.sha256'));
  await directory.publish(one, { path: out }, context);
  expect(copies).toBe(2);
  expect(await readFile(join(out, 'rhel7.qcow2.sha256'), 'utf8')).toBe(`${one.sha256}  rhel7.qcow2\n`);
});

test('images published at once are all listed, and one that was deleted is not', async () => {
  const names = Array.from({ length: 8 }, (_, i) => `image-${i}`);
  await Promise.all(names.map(async (name) => directory.publish(await image(name, { name }), { path: out }, context)));
  expect((await index()).images.map(({ file }) => file)).toEqual(names.map((name) => `${name}.qcow2`));
  await rm(join(out, 'image-3.qcow2'));
  await directory.publish(await image('other', { name: 'other', format: 'raw' }), { path: out }, context);
  const files = (await index()).images.map(({ file }) => file);
  expect(files).toHaveLength(8);
  expect(files).not.toContain('image-3.qcow2');
  expect(files).toContain('other.raw');
});

test('partial copies of dead builds go, those of living ones stay', async () => {
  await mkdir(out);
  for (const build of ['dead', 'alive']) await writeFile(join(out, `.rhel7.${build}.partial`), '');
  await writeFile(join(out, '.vmkiln-1-0123456789abcdef.tmp'), '');
  await withFileLock(join(out, '.rhel7.alive.partial'), { signal }, async () => {
    await directory.publish(await image('one'), { path: out }, context);
  });
  expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual(['.rhel7.alive.partial']);
});

test('holes stay holes', async () => {
  const raw = await image('sparse', { format: 'raw', size: 64 * 2 ** 20 });
  await truncate(raw.path, raw.size);
  await directory.publish(raw, { path: out }, context);
  const stats = await stat(join(out, 'rhel7.raw'));
  expect(stats.size).toBe(raw.size);
  expect(stats.blocks * 512).toBeLessThan(2 ** 20);
});

test('what fails leaves the old image and nothing half-made', async () => {
  const one = await image('one');
  const two = await image('two');
  await directory.publish(one, { path: out }, context);
  const failing = (broken: TargetContext['exec']) =>
    directory.publish(two, { path: out }, { ...context, exec: broken });
  const half: TargetContext['exec'] = async ({ args }) => {
    await copyFile(join(folder, 'build-one'), args.at(-1) ?? '');
    return { stdout: '' };
  };
  await truncate(join(folder, 'build-one'), 2);
  await expect(failing(half)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    message: expect.stringContaining('2 bytes'),
  });
  const full = async () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
  await expect(failing(full)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(await directory.changes(one, { path: out }, context)).toEqual([expect.stringContaining('same content')]);
  expect((await readdir(out)).toSorted()).toEqual(['index.json', 'rhel7.qcow2', 'rhel7.qcow2.sha256']);
});

test('a place that cannot take images is named with a way out', async () => {
  const one = await image('one');
  await expect(directory.publish(one, { path: one.path }, context)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    hint: expect.stringContaining('there is a file of that name'),
  });
  await mkdir(out);
  await writeFile(join(out, 'index.json'), '["mine"]');
  await expect(directory.publish(one, { path: out }, context)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    hint: expect.stringContaining('move it away'),
  });
  expect(await readdir(out)).toEqual(['index.json']);
  await expect(directory.publish({ ...one, name: '../x' }, { path: out }, context)).rejects.toMatchObject({
    code: 'TARGET_FAILED',
  });
});

test('a folder that can never be written is refused before anything is built', async () => {
  await expect(directory.check({ path: '/dev/null/images' }, context)).rejects.toMatchObject({ code: 'TARGET_FAILED' });
  await expect(directory.check({ path: join(tmpdir(), 'not', 'there', 'yet') }, context)).resolves.toBeUndefined();
});

test('what is said of an image lies beside it, and goes with it', async () => {
  const document = (kind: string, text: string) => {
    return { kind, suffix: `.${kind}.json`, text, sha256: createHash('sha256').update(text).digest('hex') };
  };
  const [bill, list] = [document('sbom', 'bill'), document('inventory', 'list')];
  const one = await image('one', { documents: [bill, list] });
  await directory.publish(one, { path: out }, context);
  const entry = async () => (await index()).images[0] as { documents?: object };
  const sbom = { file: 'rhel7.qcow2.sbom.json', sha256: bill.sha256 };
  expect(await entry()).toMatchObject({ documents: { sbom, inventory: { file: 'rhel7.qcow2.inventory.json' } } });
  expect(await readFile(join(out, sbom.file), 'utf8')).toBe('bill');

  // The same image and documents change nothing; other documents replace those there, without the image being copied.
  const before = await stat(join(out, 'index.json'));
  expect((await directory.publish(one, { path: out }, context)).unchanged).toBe(true);
  expect((await stat(join(out, 'index.json'))).mtimeMs).toBe(before.mtimeMs);
  expect(
    (await directory.publish({ ...one, documents: [document('sbom', 'new')] }, { path: out }, context)).unchanged,
  ).toBe(true);
  expect(copies).toBe(1);
  expect(await readFile(join(out, sbom.file), 'utf8')).toBe('new');
  expect(await readdir(out)).not.toContain('rhel7.qcow2.inventory.json');

  // Nothing is known of the next one: what was said of the old one is not said of it.
  await directory.publish(await image('two'), { path: out }, context);
  expect((await readdir(out)).toSorted()).toEqual(['index.json', 'rhel7.qcow2', 'rhel7.qcow2.sha256']);
  expect(await entry()).not.toHaveProperty('documents');
});
