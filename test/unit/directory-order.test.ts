import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { imageIn } from '../../src/pipeline/upload-image.ts';
import { directory } from '../../src/targets/directory/directory.ts';
import { serialAt } from '../../src/targets/serial.ts';
import type { ImageToPublish, TargetCall, TargetContext } from '../../src/targets/target.ts';
import { exec } from '../../src/tools/exec.ts';

const signal = new AbortController().signal;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmkiln-order-'));
});

const world = { signal, env: {}, cwd: '/', progress: () => undefined, note: () => undefined };
const context: TargetContext = { ...world, work: (file) => file, exec: (call) => exec({ ...call, signal }) };

function image(text: string, age: number, changes: Partial<ImageToPublish> = {}): ImageToPublish {
  const path = join(folder, `of-${text}`);
  writeFileSync(path, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const serial = serialAt(Date.UTC(2026, 0, 1, 0, 0, age));
  const about = { path, name: 'x', format: 'raw' as const, sha256, size: text.length, serial };
  return { ...about, build: `b${age}`, rehearsal: false, ...changes };
}

const publish = (what: ImageToPublish, there = context) =>
  directory.publish(what, { path: join(folder, 'out') }, there);
const content = () => readFile(join(folder, 'out/x.raw'), 'utf8');
const listed = async () => {
  const index = JSON.parse(await readFile(join(folder, 'out/index.json'), 'utf8')) as { images: { serial?: string }[] };
  return index.images[0]?.serial;
};

test('an older image is refused before it is copied, unless it is to go back to it; newer ones follow again', async () => {
  await publish(image('new', 5));
  const none = { ...context, exec: () => Promise.reject(new Error('copied')) };
  const refused = { code: 'TARGET_FAILED', hint: expect.stringContaining('--rollback') };
  await expect(publish(image('old', 3), none)).rejects.toMatchObject(refused);
  await expect(directory.changes(image('old', 3), { path: join(folder, 'out') }, context)).rejects.toThrow('newer');
  await publish(image('old', 3, { rollback: true }));
  expect(await content()).toBe('old');
  await expect(publish(image('new', 5), none)).rejects.toMatchObject(refused);
  await publish(image('newer', 6));
  expect([await content(), await listed()]).toEqual(['newer', image('newer', 6).serial]);
});

test('the same bytes only raise the serial', async () => {
  await publish(image('same', 3));
  const none = { ...context, exec: () => Promise.reject(new Error('copied')) };
  expect(await publish(image('same', 7), none)).toMatchObject({ unchanged: true });
  expect(await publish(image('same', 5), none)).toMatchObject({ unchanged: true });
  expect(await listed()).toBe(image('same', 7).serial);
  await expect(publish(image('other', 6), none)).rejects.toThrow(/newer x.raw of build b3/);
});

test('a publication that is repeated with other bytes leaves the first, as long as that is whole', async () => {
  const first = image('first', 3, { build: 'one' });
  await publish(first);
  const notes: string[] = [];
  const there = { ...context, note: (text: string) => void notes.push(text) };
  const none = { ...there, exec: () => Promise.reject(new Error('copied')) };
  const { sha256, size } = first;
  expect(await publish(image('again', 3, { build: 'two' }), none)).toMatchObject({
    ...{ unchanged: true, already: 'one', sha256, size },
  });
  expect([await content(), notes]).toEqual(['first', [expect.stringContaining('x.raw of build one is published')]]);
  // One that comes in while another copies.
  const slow = {
    ...there,
    exec: async (call: TargetCall) => {
      await publish(image('quick', 4, { build: 'quick' }));
      return exec({ ...call, signal });
    },
  };
  expect(await publish(image('slow', 4, { build: 'slow' }), slow)).toMatchObject({ already: 'quick' });
  expect(await content()).toBe('quick');
  await publish(image('back', 4, { rollback: true }));
  expect(await content()).toBe('back');
  writeFileSync(join(folder, 'out/x.raw'), 'written to');
  expect(await publish(image('whole', 5))).toMatchObject({ unchanged: false });
  writeFileSync(join(folder, 'out/x.raw'), 'written to');
  expect(await publish(image('again', 5))).toMatchObject({ unchanged: false });
  expect(await content()).toBe('again');
});

test('an index of version 0.1.0 has no serials: what it lists is the oldest', async () => {
  await publish(image('old', 9));
  const path = join(folder, 'out/index.json');
  const index = JSON.parse(await readFile(path, 'utf8')) as { images: Record<string, unknown>[] };
  const before = index.images.map((entry) => ({ ...entry, serial: undefined }));
  writeFileSync(path, JSON.stringify({ ...index, images: [...before, { ...before[0], file: 'y.raw' }] }));
  writeFileSync(join(folder, 'out/y.raw'), 'y');
  await publish(image('new', 1));
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
    version: 1,
    images: [
      { file: 'x.raw', serial: image('new', 1).serial, build: 'b1' },
      { file: 'y.raw', build: 'b9' },
    ],
  });
});

test('an image of a folder that is uploaded elsewhere keeps its serial; another file is new', async () => {
  const built = '20260101-000009-0000';
  const entry = { name: 'x', file: 'x.raw', format: 'raw', size: 512, createdAt: '', rehearsal: false };
  const path = join(folder, 'x.raw');
  const taking = { name: undefined, targets: [], late: false, allowRehearsal: false, allowUnfit: false };
  const serialIn = async (more: object) => {
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ version: 1, images: [{ ...entry, ...more }] }));
    const there = { ...world, world: { env: { VMKILN_HOME: folder }, cwd: '/' } };
    return (await imageIn(path, taking, there)).found.serial;
  };
  writeFileSync(path, Buffer.alloc(512));
  const sha256 = createHash('sha256').update(Buffer.alloc(512)).digest('hex');
  const serial = '20260101-000007-0000';
  expect(await serialIn({ sha256, build: `x-${built}`, serial })).toBe(serial);
  expect(await serialIn({ sha256, build: `x-${built}` })).toBe(built);
  expect((await serialIn({ sha256, build: '' })) > serialAt(Date.now() - 60_000)).toBe(true);
  expect((await serialIn({ sha256: 'other', build: `x-${built}`, serial })) > built).toBe(true);
});

test('a serial from a clock that is wrong is refused, and one that is there says so', async () => {
  const later = serialAt(Date.now() + 3_600_000);
  await expect(publish(image('x', 1, { serial: later }))).rejects.toThrow(/began 1h 00m after/);
  await publish(image('x', 1));
  const path = join(folder, 'out/index.json');
  writeFileSync(path, (await readFile(path, 'utf8')).replace(image('x', 1).serial, later));
  const hint = expect.stringContaining('remove its serial');
  await expect(publish(image('y', 2))).rejects.toMatchObject({ hint });
});

test('whatever the order of several publications, and whichever of them is stopped: no older one is seen after', async () => {
  const ages = fc.uniqueArray(fc.nat(20), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(ages, fc.scheduler(), async (all, order) => {
      folder = mkdtempSync(join(tmpdir(), 'vmkiln-order-'));
      const seen: number[] = [];
      // It is stopped before and after its copy, for as long as the order says.
      const stops: TargetContext['exec'] = async (call) => {
        await order.schedule(Promise.resolve());
        await copyFile(call.args.at(-2) ?? '', call.args.at(-1) ?? '');
        await order.schedule(Promise.resolve());
        const now = await content().catch(() => '');
        seen.push(now === '' ? -1 : Number(now));
        return { stdout: '' };
      };
      const ends = all.map(async (age) => {
        await order.schedule(Promise.resolve());
        return publish(image(`${age}`, age), { ...context, exec: stops }).catch((error: Error) => error.message);
      });
      const results = await order.waitFor(Promise.all(ends));
      expect(await content()).toBe(`${Math.max(...all)}`);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      for (const result of results) {
        if (typeof result === 'string') expect(result).toContain('a newer x.raw');
      }
    }),
    { numRuns: 20 },
  );
});
