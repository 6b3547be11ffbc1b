import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSize, readReadyImage } from '../../src/media/ready-image.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { loadRecipe } from '../../src/families/index.ts';
import { exec } from '../../src/tools/exec.ts';
import { planInput } from '../support/plan-input.ts';
import { words } from '../support/rhel.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-ready-'));
const signal = new AbortController().signal;
const at = (name: string) => join(folder, name);
const run = (program: string, args: string[], input?: string) =>
  exec({ program, args, cwd: folder, timeout: 60, signal, ...(input === undefined ? {} : { input }) });
const medium = (name: string) => ({ source: name, path: at(name), sha256: 'a'.repeat(64), size: 1 });
const gibibyte = 1024 ** 3;

/** A qcow2 with partitions as sfdisk reads them, and an xfs in the last one's first bytes. */
async function image(name: string, layout: string, start: number): Promise<void> {
  await run('truncate', ['-s', '64M', at('raw')]);
  await run('sfdisk', ['-q', at('raw')], layout);
  await run('sh', ['-c', `printf XFSB | dd of="$1" bs=512 seek=${start} conv=notrunc status=none`, 'sh', at('raw')]);
  await run('qemu-img', ['convert', '-O', 'qcow2', at('raw'), at(name)]);
  rmSync(at('raw'));
}

test.each([
  ['mbr', 'label: dos\nstart=2048, size=20480, type=83\nstart=22528, type=83\n', 22528, 2],
  ['gpt', 'label: gpt\nstart=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\nstart=4096\n', 4096, 2],
] as const)(
  'the last partition of a %s disk is found, and the image is only read',
  async (table, layout, start, number) => {
    await image(`${table}.qcow2`, layout, start);
    const path = at(`${table}.qcow2`);
    chmodSync(path, 0o444);
    const before = [statSync(path).mtimeMs, readFileSync(path).toString('latin1')];
    const ready = await readReadyImage(medium(`${table}.qcow2`), { workDir: folder, signal });
    expect(ready).toEqual({ virtualSize: 64 * 1024 ** 2, root: { table, number, filesystem: 'xfs' } });
    expect([statSync(path).mtimeMs, readFileSync(path).toString('latin1')]).toEqual(before);
  },
);

test.each([
  ['a backing file', ['-b', '/etc/passwd', '-F', 'raw', '-u'], /backing file/],
  ['a data file', ['-o', `data_file=${at('other.raw')}`], /needs other files: data file/],
])('an image with %s is refused', async (_, options, expected) => {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...options, 'bad.qcow2', '1M']);
  await expect(readReadyImage(medium('bad.qcow2'), { workDir: folder, signal })).rejects.toThrow(expected);
});

test('what is no qcow2, or is cut short, is refused; what has nothing to grow is not', async () => {
  const read = () => readReadyImage(medium('odd.qcow2'), { workDir: folder, signal });
  writeFileSync(at('odd.qcow2'), Buffer.alloc(104));
  await expect(read()).rejects.toThrow(/is not qcow2, but raw/);
  writeFileSync(at('odd.qcow2'), Buffer.alloc(3));
  await expect(read()).rejects.toMatchObject({ code: 'IMAGE_UNFIT' });
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', at('odd.qcow2'), '64M']);
  expect(await read()).toEqual({ virtualSize: 64 * 1024 ** 2 });
  truncateSync(at('odd.qcow2'), 4096);
  await expect(read()).rejects.toThrow(/beyond the end of the file/);
});

test('a disk that is too small, or that nothing would grow on, is refused', () => {
  const root = { table: 'mbr' as const, number: 1, filesystem: 'xfs' as const };
  expect(() => checkSize('x', { virtualSize: 10 * gibibyte, root }, 8 * gibibyte)).toThrow(/is a disk of 10G, larger/);
  expect(() => checkSize('x', { virtualSize: gibibyte }, 8 * gibibyte)).toThrow(/no xfs or ext file system/);
  expect(() => checkSize('x', { virtualSize: gibibyte }, undefined)).not.toThrow();
});

test('the plan: an overlay, grown on request, no installation, and a fingerprint of the content', async () => {
  const { recipe } = await loadRecipe('recipes/rhel7-kvm-guest.yaml', { image: '/x.qcow2', size: '20G' });
  const ready = { virtualSize: 10 * gibibyte, root: { table: 'gpt' as const, number: 3, filesystem: 'xfs' as const } };
  const plan = (sha256: string) =>
    makePlan(
      planInput(recipe, { media: { image: { source: '/x.qcow2', path: '/x.qcow2', sha256, size: 1, image: ready } } }),
    );
  const stage = (name: string, sha256 = 'a'.repeat(64)) => plan(sha256).stages.find((each) => each.stage === name);
  const [overlay, grow] = stage('disk')?.commands ?? [];
  expect(words(overlay?.args ?? [])).toEqual(
    expect.arrayContaining(['-b', '</x.qcow2>', '<install.qcow2>', String(20 * gibibyte)]),
  );
  expect(words(grow?.args ?? []).join(' ')).toContain(
    `part-expand-gpt /dev/sda : part-resize /dev/sda 3 ${(20 * gibibyte) / 512 - 2049} : mount /dev/sda3 / : xfs-growfs /`,
  );
  expect(stage('install')).toMatchObject({ forecast: 'skip', because: 'the source is a ready image', commands: [] });
  expect(stage('sparsify')?.fingerprint).not.toBe(stage('sparsify', 'b'.repeat(64))?.fingerprint);
});

test('root is let in by key only when the recipe says so', async () => {
  const { recipe } = await loadRecipe('recipes/rhel7-kvm-guest.yaml', { image: '/x.qcow2' });
  const text = (rootLogin: 'none' | 'keys' | 'password') =>
    planInput({ ...recipe, cloudInit: { user: 'cloud-user', rootLogin } } as typeof recipe).rendered.find(
      ({ name }) => name === '99_vmkiln.cfg',
    )?.text;
  expect(text('none')).toMatch(/disable_root: true\nssh_pwauth: false\n/);
  expect(text('keys')).toMatch(/disable_root: false\nssh_pwauth: false\n/);
  expect(text('password')).toMatch(/disable_root: false\nssh_pwauth: true\n/);
});
