import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { propertiesFrom, refuseOwnFields, visibilityOf } from '../../src/commands/image-fields.ts';
import { withStdin } from '../../src/commands/stdin.ts';
import { targetsOf } from '../../src/commands/upload-targets.ts';
import { imageAt } from '../../src/pipeline/upload-image.ts';
import { glanceSchema } from '../../src/targets/glance/recipe.ts';

test.each([
  ['name', '--name'],
  ['owner', '--project'],
  ['visibility', '--visibility'],
  ['os_hidden', '--hidden'],
  ['tags', '--tag'],
  ['min_disk', '--min-disk'],
  ['checksum', 'leave it out'],
  ['os_glance_importing_to_stores', 'leave it out'],
])('--property %s is no property: what says it is told', (name, hint) => {
  const refused = expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining(hint) });
  expect(() => propertiesFrom({ property: ['x=y', `${name}=foo`] })).toThrow(refused);
  expect(() => refuseOwnFields([name], '--remove-property')).toThrow(refused);
  expect(glanceSchema.safeParse({ properties: { [name]: 'foo' } }).success).toBe(false);
});

test('two answers to who sees an image are refused, one said twice is not', () => {
  expect(visibilityOf({ public: true, visibility: 'public' })).toBe('public');
  expect(() => visibilityOf({ public: true, visibility: 'private' })).toThrow('--public and --visibility private');
  expect(() => visibilityOf({ public: true, shared: true })).toThrow('--public and --shared');
  expect(propertiesFrom({ osName: 'rhel7.9', osVersion: '7.8' })).toMatchObject({
    os_distro: 'rhel',
    os_version: '7.8',
  });
});

test('an upload without a target goes to the cloud of the environment', () => {
  expect(targetsOf(undefined, {})).toMatchObject([{ glance: {} }]);
  expect(targetsOf(undefined, {})[0]).not.toHaveProperty('glance.cloud');
  expect(targetsOf(undefined, { osCloud: 'a' })).toMatchObject([{ glance: { cloud: ['a'] } }]);
  expect(targetsOf(undefined, { to: ['./x'] })).toEqual([{ directory: { path: './x' } }]);
  expect(targetsOf(undefined, { to: ['./x', 'b'], osCloud: 'a' })).toMatchObject([
    { directory: { path: './x' } },
    { glance: { cloud: ['b', 'a'] } },
  ]);
});

test('a URL gives name and format, or is asked for them', () => {
  const at = (url: string, options = {}) => imageAt(url, options).found;
  expect(at('https://x.example/a/rhel%207.QCOW2?sig=1')).toMatchObject({ name: 'rhel 7', format: 'qcow2' });
  expect(at('https://x.example/cd.iso')).toMatchObject({ name: 'cd', format: 'iso' });
  expect(at('https://x.example/', { name: 'n', diskFormat: 'raw' })).toMatchObject({ name: 'n', format: 'raw' });
  const refused = (url: string, options: object, message: string, hint: string) =>
    expect(() => at(url, options)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  refused('http://127.0.0.1:15998/', {}, 'ends with no file name', '--name');
  refused('http://x.example/images/', { diskFormat: 'raw' }, 'ends with no file name', '--name');
  refused('http://x.example/', { name: 'x' }, 'it has no suffix', '--disk-format');
  refused('http://u:secret@x.example/a.img?key=secret', {}, 'http://x.example/a.img?***', '--disk-format');
  refused('http://x.example/a.qcow2.xz', {}, '.xz is none', '--disk-format');
  refused('http://[x/a.raw', {}, 'is not a URL', 'correct');
});

test('standard input is kept in a file as long as it is used, and no longer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-spool-'));
  const spool = <T>(
    input: Readable,
    use: (path: string) => Promise<T>,
    TMPDIR = folder,
    signal = new AbortController().signal,
  ) => withStdin(input, { signal, world: { env: { TMPDIR }, cwd: '/' }, progress: () => undefined }, use);
  let kept = '';
  const data = Buffer.alloc(300_000, 7);
  const read = async (path: string) => readFileSync((kept = path));
  const spooled = await spool(Readable.from([data.subarray(0, 5), data.subarray(5)]), read);
  expect(spooled.equals(data)).toBe(true);
  expect(existsSync(kept)).toBe(false);
  const fails = (path: string) => Promise.reject(new Error((kept = path)));
  await expect(spool(Readable.from([data]), fails)).rejects.toThrow(folder);
  expect(existsSync(kept)).toBe(false);
  await expect(spool(Readable.from([data]), read, join(folder, 'none'))).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('TMPDIR'),
  });
  const controller = new AbortController();
  const endless = new Readable({ read: () => undefined });
  const interrupted = spool(endless, read, folder, controller.signal);
  controller.abort();
  await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
