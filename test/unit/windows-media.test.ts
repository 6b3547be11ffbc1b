import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { missingFromIso, windowsImages } from '../../src/media/iso.ts';
import { readWimXml } from '../../src/media/wim.ts';
import { exec } from '../../src/tools/exec.ts';
import { windowsRecipe } from '../support/windows.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-iso-'));

// Made with `genisoimage -udf -J`: sources/install.wim (of a header and XML alone) and NetKVM/2k22/amd64/netkvm.inf.
const udf = join(folder, 'udf.iso');
writeFileSync(udf, gunzipSync(readFileSync(new URL('../fixtures/windows-udf.iso.gz', import.meta.url))));

const image = {
  index: 1,
  name: 'Windows Server 2022 SERVERSTANDARD',
  edition: 'ServerStandardEval',
  build: 20348,
  languages: ['en-US'],
};

const nothing = { index: 0, name: '', edition: '', build: 0, languages: [] };

test('a UDF volume, as on Microsoft’s ISOs: the images of its install.wim, and what it lacks', async () => {
  expect(await windowsImages(udf)).toEqual([image]);
  expect(await missingFromIso(udf, ['netkvm/2K22/amd64', 'viostor/2k22/amd64'])).toEqual(['viostor/2k22/amd64']);
});

test.each([
  ['Joliet', ['-J']],
  ['plain ISO 9660', []],
])('%s names', async (_, options) => {
  const iso = join(folder, 'x.iso');
  const file = join(folder, 'driver.inf');
  writeFileSync(file, 'x');
  const graft = ['-graft-points', `viostor/2k22/amd64/viostor.inf=${file}`];
  const args = ['-as', 'mkisofs', '-quiet', ...options, '-o', iso, ...graft];
  await exec({ program: 'xorriso', args, timeout: 60, signal: new AbortController().signal });
  expect(await missingFromIso(iso, ['VIOSTOR/2K22/AMD64/viostor.inf', 'vioscsi'])).toEqual(['vioscsi']);
  expect(await windowsImages(iso)).toBeUndefined();
});

test('an ISO that is damaged, or cut short, says so', async () => {
  const path = join(folder, 'damaged.iso');
  const bytes = readFileSync(udf);
  bytes.write(' ', bytes.indexOf('</WIM>', 0, 'utf16le') + 10, 'utf16le');
  writeFileSync(path, bytes);
  await expect(windowsImages(path)).rejects.toThrow(`${path} is damaged: `);
  const codes = new Set<unknown>();
  for (let end = 256 * 2048 + 20; end < bytes.length; end += 2048) {
    writeFileSync(path, bytes.subarray(0, end));
    await missingFromIso(path, ['netkvm/2k22/amd64']).catch((error: { code: unknown }) => codes.add(error.code));
  }
  expect([...codes]).toEqual(['MEDIA_UNFIT']);
});

test.each([
  ['text', '<WIM>text</WIM>', []],
  ['an image that is text', '<WIM><IMAGE>x</IMAGE></WIM>', [{ ...nothing }]],
  ['an image without anything', '<WIM><IMAGE/></WIM>', [{ ...nothing }]],
  [
    'attributes where none are expected',
    '<WIM><IMAGE INDEX="1"><NAME x="1">Srv</NAME><WINDOWS>text</WINDOWS></IMAGE></WIM>',
    [{ ...nothing, index: 1, name: 'Srv' }],
  ],
  [
    'a language with attributes',
    '<WIM><IMAGE INDEX="2"><WINDOWS><LANGUAGES><LANGUAGE a="b">en</LANGUAGE></LANGUAGES></WINDOWS></IMAGE></WIM>',
    [{ ...nothing, index: 2, languages: ['en'] }],
  ],
])('the XML of a WIM: %s', (_, xml, expected) => {
  expect(readWimXml(Buffer.from(`\ufeff${xml}`, 'utf16le'))).toEqual(expected);
});

test('what is no ISO has nothing', async () => {
  const path = join(folder, 'no.iso');
  writeFileSync(path, Buffer.alloc(600_000, 0x41));
  expect(await missingFromIso(path, ['x'])).toEqual(['x']);
  expect(await windowsImages(path)).toBeUndefined();
});

test('before anything starts: the image, its release, its language, its key and the drivers', async () => {
  const file = (path: string) => ({ source: path, path, sha256: 'a'.repeat(64), size: 1 });
  // The published key of Windows Server 2019 Standard.
  const key = 'N69G4-B89J2-4G8F4-WWYCC-J464C';
  const check = async (more: string, release?: string) => {
    const recipe = await windowsRecipe(more, release);
    return (await familyOf(recipe).check?.(recipe, { iso: file(udf) }, () => key))?.join('\n');
  };
  expect(await check('')).toBe('');
  expect(await check('install: { image: Windows Server 2022 SERVERSTANDRAD }\n')).toMatch(
    /has no image .*, did you mean "Windows Server 2022 SERVERSTANDARD"/,
  );
  expect(await check('install: { image: Windows Server 2022 SERVERSTANDARD }\n', '2019')).toContain(
    'is build 20348, which is not Windows 2019',
  );
  expect(await check('language: de-DE\n')).toContain('not the language de-DE');
  expect(await check('productKey: generic\n')).toContain('evaluation media take no product key');
  const wrongKey = await check('productKey: { env: KEY }\n');
  expect(wrongKey).toContain('the product key is for ServerStandard of Windows 2019');
  expect(wrongKey).not.toContain(key);
  const recipe = await windowsRecipe();
  const drivers = await familyOf(recipe).check?.(recipe, { virtioIso: file(udf) }, () => key);
  expect(drivers).toContain('the virtio ISO has no viostor/2k22/amd64, which Windows 2022 needs');
  expect(drivers?.join()).not.toContain('NetKVM');
});
