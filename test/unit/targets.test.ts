import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cleanTarget, localOnly, occupied, openTarget, plannedTargets, targets } from '../../src/targets/index.ts';
import type { UploadEntry } from '../../src/recipe/recipe.ts';
import { publishAll } from '../../src/targets/publish.ts';
import { resolveUpload, uploadKey } from '../../src/targets/recipe.ts';
import type { TargetContext } from '../../src/targets/target.ts';
import { exec } from '../../src/tools/exec.ts';

const { signal } = new AbortController();

function uploadOf(...entries: unknown[]): UploadEntry[] {
  return uploadKey.parse(entries);
}

test('an entry of the list has exactly one of the targets that there are', () => {
  expect(uploadKey.parse(undefined)).toEqual([{ directory: { path: './images' } }]);
  const expected = `expected one target in each entry of the list: ${Object.keys(targets).join(' or ')}`;
  for (const entry of [{}, { directory: { path: 'x' }, glance: {} }]) {
    expect(uploadKey.safeParse([entry]).error?.issues).toMatchObject([{ path: [0], message: expected }]);
  }
});

test('places are plain data: one for each cloud, and what a plan keeps of them opens again', () => {
  const planned = plannedTargets(
    uploadOf({ directory: { path: 'a' } }, { glance: { cloud: ['x', 'y/R'] } }, { glance: {} }),
  );
  expect(planned.map(({ target, name, local }) => [target, name, local])).toEqual([
    ['directory', 'a', true],
    ['glance', 'x', false],
    ['glance', 'y/R', false],
    ['glance', 'the cloud', false],
  ]);
  const kept = JSON.parse(JSON.stringify(planned)) as typeof planned;
  expect(kept).toEqual(planned);
  expect(kept.map((each) => openTarget(each).name)).toEqual(['a', 'x', 'y/R', 'the cloud']);
  const unknown = { target: 'floppy', name: 'a', local: true, spec: {} };
  expect(() => openTarget(unknown)).toThrow('this version of vmkiln has no target floppy');
});

test('what a rehearsal makes goes to local targets, or to a folder when there is none', () => {
  const [folder, cloud] = [{ directory: { path: '/a' } }, { glance: { cloud: 'x' } }];
  expect(localOnly(uploadOf(folder, cloud), '/here/images')).toEqual([folder]);
  expect(localOnly(uploadOf(cloud), '/here/images')).toEqual([{ directory: { path: '/here/images' } }]);
});

test('two publications in one place are told by the file, from wherever its folder is named', () => {
  const planned = plannedTargets(
    uploadOf({ directory: { path: 'a' } }, { directory: { path: '/w/a/' } }, { glance: {} }),
  );
  expect(occupied(planned, { name: 'x', format: 'raw' }, '/w')).toEqual(['/w/a/x.raw']);
});

test('the files of a signature belong to the recipe, and one that is not there is told with its place in it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-targets-'));
  writeFileSync(join(folder, 'key.pem'), '');
  const id = '5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11';
  const sign = { key: 'key.pem', certificate: id, passphrase: { file: 'words' } };
  const told: string[] = [];
  const resolveIn = (upload: UploadEntry[]) =>
    resolveUpload(upload, folder, (path, message) => told.push(`${path.join('.')}: ${message}`));
  const [, found] = resolveIn(uploadOf({ directory: { path: 'a' } }, { glance: { sign } }));
  const resolved = { key: join(folder, 'key.pem'), certificate: id, passphrase: { file: join(folder, 'words') } };
  expect(found).toMatchObject({ glance: { sign: resolved } });
  expect(told).toEqual([]);
  resolveIn(uploadOf({ glance: { sign: { ...sign, certificate: 'none.pem' } } }));
  expect(told).toEqual([`upload.0.glance.sign.certificate: there is no file ${folder}/none.pem`]);
});

test('what is published has the name of its place, and a folder counts from the current one', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'vmkiln-targets-'));
  const path = join(cwd, 'disk');
  writeFileSync(path, Buffer.alloc(512));
  const context: TargetContext = {
    ...{ signal, env: {}, cwd, progress: () => undefined, note: () => undefined, work: (file) => join(cwd, file) },
    exec: (command) => exec({ ...command, signal }),
  };
  const content = { path, name: 'x', format: 'raw' as const, sha256: 'ab', size: 512 };
  const image = { ...content, build: 'b1', serial: '20260501-000000-0000', rehearsal: false };
  const planned = plannedTargets(uploadOf({ directory: { path: 'out' } }));
  const published = await publishAll(planned, image, context, () => undefined);
  expect(published).toMatchObject([{ target: 'directory', name: 'out', location: join(cwd, 'out/x.raw') }]);
});

test('what a build has made is looked at before it goes anywhere, and what changes meanwhile goes nowhere', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'vmkiln-targets-'));
  // The store has one ending for all of its files.
  const path = join(cwd, 'layer.qcow2');
  const [place] = plannedTargets(uploadOf({ directory: { path: 'out' } })).map(openTarget);
  const publish = (format: 'raw' | 'qcow2', content: string | Buffer, change?: () => void) => {
    writeFileSync(path, content);
    const { length: size } = readFileSync(path);
    const image = {
      path,
      name: 'x',
      format,
      sha256: 'ab',
      size,
      build: 'b1',
      serial: '20260501-000000-0000',
      rehearsal: false,
    };
    const copies: TargetContext['exec'] = async () => {
      copyFileSync(path, join(cwd, 'out/.x.b1.partial'));
      change?.();
      return { stdout: '' };
    };
    const none = () => undefined;
    return place?.publish(image, {
      signal,
      env: {},
      cwd,
      progress: none,
      note: none,
      work: (file) => file,
      exec: copies,
    });
  };
  await expect(publish('qcow2', '<html>')).rejects.toMatchObject({ code: 'IMAGE_UNFIT' });
  await expect(publish('qcow2', Buffer.alloc(1024))).rejects.toMatchObject({ code: 'IMAGE_UNFIT' });
  const swapped = publish('raw', Buffer.alloc(1024), () => writeFileSync(path, Buffer.alloc(1024, 1)));
  await expect(swapped).rejects.toMatchObject({ code: 'TARGET_FAILED', message: expect.stringContaining('changed') });
  expect(readdirSync(join(cwd, 'out'))).toEqual([]);
  expect(await publish('raw', Buffer.alloc(1024))).toMatchObject({ location: join(cwd, 'out/x.raw') });
});

test('what a killed publication left is found by the record of this version and of 0.1.0', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'vmkiln-targets-'));
  const partial = join(cwd, '.x.b1.partial');
  for (const recorded of [cwd, { target: 'directory', spec: { path: '.' } }]) {
    writeFileSync(partial, '');
    await cleanTarget(recorded, 'b1', cwd);
    expect(existsSync(partial)).toBe(false);
  }
  await cleanTarget({ target: 'glance', spec: { cloud: 'x' } }, 'b1', cwd);
});

/** The files that one loads before anything in it is called. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, clause = '', path = ''] of text.matchAll(/^(?:import|export) ([^;]*?) from '(\.[^']*)';/gms)) {
    const isTypes = /^type\b/.test(clause) || /^\{(\s*type [^,}]+,?)+\s*\}$/.test(clause);
    if (!isTypes) loadedBy(resolve(dirname(file), path), seen);
  }
  return seen;
}

test('reading a recipe loads no client of OpenStack and no work of a target', () => {
  const loaded = [...loadedBy(resolve('src/pipeline/validate.ts'))].map((file) =>
    file.slice(resolve('src').length + 1),
  );
  expect(loaded).toContain('targets/glance/recipe.ts');
  expect(loaded.filter((file) => /^openstack\/(?!own-fields)|^targets\/.*publish\.ts$/.test(file))).toEqual([]);
});
