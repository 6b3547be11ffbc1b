import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, expect, test } from 'vitest';
import { type Terms, withFitImage } from '../../src/images/gate.ts';
import { capturedBytes } from '../support/captured-images.ts';
import { tarOf } from '../support/tar.ts';

const { signal } = new AbortController();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmkiln-gate-'));
});

const run = (program: string, args: string[]) => execFileSync(program, args, { cwd: folder });
const qemuImg = (...args: string[]) => run('qemu-img', args);
const page = '<!DOCTYPE html>\n<html><title>Anmelden – bitte</title>'.padEnd(1024, '\n ');
const disk = capturedBytes('gpt.raw');
const written = (content: string | Buffer) => (path: string) => writeFileSync(path, content);
const overlay = (path: string) =>
  void qemuImg('create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', path, '1M');
const cutShort = (path: string) => {
  qemuImg('create', '-q', '-f', 'qcow2', path, '64M');
  truncateSync(path, 4096);
};
const program = Buffer.concat([Buffer.from('7f454c4602', 'hex'), Buffer.alloc(4096)]);
const subclusters = (path: string) => void qemuImg('create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on', path, '1M');
/** With method 1 in its header: to make one of LUKS takes time that depends on the machine. */
const encrypted = (path: string) => {
  qcow2(path);
  const bytes = readFileSync(path);
  bytes.writeUInt32BE(1, 32);
  writeFileSync(path, bytes);
};
const qcow2 = (path: string) => void qemuImg('create', '-q', '-f', 'qcow2', path, '1M');

async function verdict(name: string, make: (path: string) => void, terms: Terms): Promise<string> {
  const path = join(folder, name);
  make(path);
  return withFitImage(path, terms, { signal }, async () => 'fit').catch((error) => {
    expect(error).toMatchObject({ code: 'IMAGE_UNFIT' });
    return `${error.message}; ${error.hint}`.replaceAll(path, name);
  });
}

test.each<[string, (path: string) => void, Terms, RegExp]>([
  ['a.img', written(''), {}, /is empty/],
  ['a.qcow2', written(''), {}, /is empty/],
  ['a.qcow2', written(page), {}, /it is text, and no disk/],
  ['a.img', written(page), {}, /it is text, and no disk/],
  ['a.img', written(gzipSync(disk)), {}, /is packed with gzip.*--disk-format aki/],
  ['a.qcow2.gz', written(gzipSync(disk)), { wanted: ['qcow2'] }, /is packed/],
  ['a.img', written(gzipSync(disk)), { wanted: ['aki', undefined] }, /is packed/],
  ['a.qcow2', cutShort, {}, /end of the file/],
  ['a.qcow2', written(disk), {}, /its name says qcow2, and its contents are raw/],
  ['a.RAW', qcow2, {}, /its name says raw, and its contents are qcow2/],
  ['a.vmdk', qcow2, { wanted: ['qcow2'] }, /its name says vmdk/],
  ['a.img', written(disk), { is: 'qcow2' }, /is not qcow2, but raw/],
  ['a.raw', written(tarOf(['a.ovf', ''], ['a.vmdk', ''])), { is: 'raw' }, /it is an OVA, .* disk a.vmdk out of it/],
  ['a.img', written(program), {}, /it is a program/],
  ['a.aki', written(capturedBytes('t.qed')), {}, /it is a QED/],
  ['a.qcow2', subclusters, { wanted: ['qcow2'] }, /which the Image service refuses/],
  ['a.img', written(disk), { wanted: [undefined, 'iso'] }, /is raw, and cannot become iso/],
  ['a.img', qcow2, { wanted: ['ami'] }, /is qcow2, and cannot become ami/],
  ['a.qcow2', overlay, {}, /needs other files: backing file "\/etc\/passwd".*convert a.qcow2 .*--allow-external/],
  ['a.qcow2', overlay, { wanted: ['raw'], allowUnfit: false }, /needs other files/],
  ['a.qcow2', encrypted, { wanted: ['raw'], remade: true }, /is encrypted: nothing can be made of it/],
  // To send a file as it is, is one thing; to read those that it names another.
  ['a.qcow2', overlay, { allowUnfit: true, allowExternal: false }, /needs other files.*add --allow-external/],
])('%s is refused', async (name, make, terms, expected) => {
  expect(await verdict(name, make, terms)).toMatch(expected);
});

test.each<[string, (path: string) => void, Terms]>([
  ['a', written(disk), {}],
  ['a.img', qcow2, { wanted: ['raw', 'vmdk', undefined] }],
  ['a-flat.vmdk', written(disk), {}],
  ['a.raw', written(capturedBytes('ext4.raw')), {}],
  ['a.iso', written(capturedBytes('t.iso')), { wanted: ['iso', 'raw'] }],
  ['a.iso', written(capturedBytes('t.iso')), { wanted: ['ami', 'aki', 'ari'] }],
  ['vmlinuz', written(gzipSync(disk)), { wanted: ['aki'] }],
  ['initrd.ari', written(gzipSync(disk)), {}],
  ['vmlinuz', written(Buffer.alloc(1001, 1)), { wanted: ['aki'] }],
  ['vmlinux', written(program), { is: 'aki' }],
  ['a.qcow2', subclusters, { wanted: ['qcow2'], remade: true }],
  ['a.qcow2', encrypted, { wanted: ['qcow2'] }],
  ['a.qcow2', written(disk), { is: 'raw', anyName: true }],
  ['a.qcow2', overlay, { allowUnfit: true }],
  ['a.qcow2', overlay, { allowExternal: true }],
  ['a.qcow2', written(page), { allowUnfit: true }],
  ['a.qcow2', cutShort, { allowUnfit: true, allowExternal: false }],
])('%s is taken', async (name, make, terms) => {
  expect(await verdict(name, make, terms)).toBe('fit');
});

test('the option that takes it all the same is named where there is one', async () => {
  expect(await verdict('a.img', written(''), { allowUnfit: false })).toContain('; --allow-unfit takes it all the same');
  expect(await verdict('a.img', written(''), {})).not.toContain('--allow-unfit');
});

test('what takes the place of an inspected file is not read, and is told', async () => {
  const path = join(folder, 'a.img');
  writeFileSync(path, disk);
  overlay(join(folder, 'evil'));
  let read: Buffer | undefined;
  const taken = withFitImage(path, {}, { signal }, async (file) => {
    renameSync(join(folder, 'evil'), path);
    read = readFileSync(file.open);
  });
  await expect(taken).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
  expect(read?.equals(disk)).toBe(true);
  // Back in its place with its old time, in time for a second look.
  const back = join(folder, 'b.img');
  await withFitImage(path, { allowUnfit: true }, { signal }, async (file) => {
    renameSync(path, back);
    writeFileSync(path, disk);
    expect(readFileSync(file.open).equals(readFileSync(back))).toBe(true);
    renameSync(back, path);
  });
});
