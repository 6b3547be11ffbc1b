import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { missingFromIso, readWindowsMedium } from '../../src/media/iso.ts';
import { readWimXml } from '../../src/media/wim.ts';
import { exec } from '../../src/tools/exec.ts';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-iso-'));

// Made with `genisoimage -udf -J`: sources/install.wim (of a header and XML alone) and NetKVM/2k22/amd64/netkvm.inf.
const udf = join(folder, 'udf.iso');
writeFileSync(udf, gunzipSync(readFileSync(new URL('../fixtures/windows-udf.iso.gz', import.meta.url))));

const nothing = {
  index: 0,
  name: '',
  displayName: '',
  description: '',
  edition: '',
  build: 0,
  architecture: undefined,
  languages: [],
};

const image = {
  ...nothing,
  index: 1,
  name: 'Windows Server 2022 SERVERSTANDARD',
  edition: 'ServerStandardEval',
  build: 20348,
  languages: ['en-US'],
};

const windowsImages = async (path: string) => (await readWindowsMedium(path, [])).images;

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

/** A WIM of a header and its XML alone, with one image of these elements for each. */
function wim(images: readonly Record<string, string>[]): Buffer {
  const elements = images.map(({ ARCH = '9', EDITIONID, BUILD = '20348', LANGUAGE = 'en-US', ...names }, index) => {
    const named = Object.entries(names).map(([name, text]) => `<${name}>${text}</${name}>`);
    const windows = `<ARCH>${ARCH}</ARCH><EDITIONID>${EDITIONID}</EDITIONID><LANGUAGES><LANGUAGE>${LANGUAGE}</LANGUAGE></LANGUAGES><VERSION><BUILD>${BUILD}</BUILD></VERSION>`;
    return `<IMAGE INDEX="${index + 1}">${named.join('')}<WINDOWS>${windows}</WINDOWS></IMAGE>`;
  });
  const xml = Buffer.from(`\ufeff<WIM>${elements.join('')}</WIM>`, 'utf16le');
  const header = Buffer.alloc(208);
  header.write('MSWIM\0\0\0', 'latin1');
  header.writeBigUInt64LE(BigInt(xml.length), 72);
  header.writeBigUInt64LE(208n, 80);
  return Buffer.concat([header, xml]);
}

let made = 0;
/** An ISO with these files. */
async function isoOf(files: Record<string, string | Buffer>): Promise<string> {
  const tree = mkdtempSync(join(tmpdir(), 'tree-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(tree, name, '..'), { recursive: true });
    writeFileSync(join(tree, name), content);
  }
  const path = join(folder, `${(made += 1)}.iso`);
  const args = ['-as', 'mkisofs', '-quiet', '-J', '-r', '-o', path, tree];
  await exec({ program: 'xorriso', args, timeout: 60, signal: new AbortController().signal });
  return path;
}

const standard = { NAME: 'Windows Server 2022 SERVERSTANDARD', EDITIONID: 'ServerStandard' };
const shown = { ...standard, DISPLAYNAME: 'Windows Server 2022 Standard (Desktop Experience)' };
const evaluation = { ...standard, EDITIONID: 'ServerStandardEval' };
const ltsc = { NAME: 'Windows 10 Enterprise LTSC', EDITIONID: 'EnterpriseS', BUILD: '17763' };
const ltscImage = `install: { image: ${ltsc.NAME} }\n`;
const uefi = 'machine: { firmware: uefi }\n';
const eleven = { recipe: uefi, release: '11' };
const consumer = [
  { NAME: 'Windows 11 Home', EDITIONID: 'Core', BUILD: '26100' },
  { NAME: 'Windows 11 Pro', EDITIONID: 'Professional', BUILD: '26100' },
];
const own = 'install: { answerFile: own.hbs }\n';
/** The published key of Windows Server 2019 Standard. */
const key = 'N69G4-B89J2-4G8F4-WWYCC-J464C';

const path = (file: string) => ({ source: file, path: file, sha256: 'a'.repeat(64), size: 1 });

/** What is said of media with these images and files. */
async function problems(
  images: readonly Record<string, string>[],
  {
    recipe: more = '',
    release = '2022',
    files = {},
    as = 'install.wim',
  }: { recipe?: string; release?: string; files?: Record<string, string>; as?: string } = {},
): Promise<string> {
  const shipped = { 'sources/boot.wim': 'x', 'efi/boot/bootx64.efi': 'x', [`sources/${as}`]: wim(images) };
  const medium = await isoOf(
    Object.fromEntries(Object.entries({ ...shipped, ...files }).filter(([, content]) => content !== '')),
  );
  const recipe = await windowsRecipe(more, release);
  return ((await familyOf(recipe).check?.(recipe, { iso: path(medium) }, () => key)) ?? []).join('\n');
}

test('before anything starts: media that fit have nothing said of them', async () => {
  expect(await problems([standard])).toBe('');
  expect(await problems([standard], { as: 'install.swm' })).toBe('');
  expect(await problems([shown], { recipe: `install: { image: ${shown.DISPLAYNAME} }\n` })).toBe('');
  expect(await problems([shown], { recipe: uefi })).toBe('');
  expect(await problems([evaluation])).toBe('');
  expect(await problems(consumer, { recipe: `${uefi}productKey: generic\n`, release: '11' })).toBe('');
  expect(await problems([ltsc], { recipe: `${ltscImage}productKey: generic\n`, release: '10' })).toBe('');
});

test.each<[string, Parameters<typeof problems>, RegExp]>([
  [
    'a misspelt image',
    [[standard], { recipe: 'install: { image: Windows Server 2022 SERVERSTANDRAD }\n' }],
    /has no image .*, did you mean "Windows Server 2022 SERVERSTANDARD"/,
  ],
  [
    'another release',
    [[{ ...standard, NAME: 'Windows Server 2019 SERVERSTANDARD' }], { release: '2019' }],
    /is build 20348, and Windows 2019 is 17763/,
  ],
  [
    'a release of Windows 10 whose key is another one',
    [[{ ...ltsc, BUILD: '14393' }], { recipe: `${ltscImage}productKey: generic\n`, release: '10' }],
    /is build 14393, and Windows 10 is 17763 to 19999/,
  ],
  ['another language', [[standard], { recipe: 'language: de-DE\n' }], /has en-US, not the language de-DE/],
  ['another architecture', [[{ ...standard, ARCH: '0' }]], /is of x86, and the machine of amd64/],
  ['an older architecture', [[{ ...standard, ARCH: '6' }]], /is of ia64, and the machine of amd64/],
  ['no image at all', [[]], /a file of images without an image in it/],
  [
    'media of two halves',
    [[standard], { files: { 'sources/install.wim': '', 'x64/sources/install.wim': 'x' } }],
    /media for two architectures/,
  ],
  ['two of one name', [[standard, standard]], /"Windows Server 2022 SERVERSTANDARD" 2 times, as 1 and 2/],
  [
    'a name for people alone',
    [[{ ...standard, NAME: 'Windows 10 Pro', DISPLAYNAME: 'Windows 11 Pro' }], { recipe: uefi, release: '11' }],
    /NAME "Windows 11 Pro", by which Setup goes: that one is "Windows 10 Pro"/,
  ],
  ['no boot.wim', [[standard], { files: { 'sources/boot.wim': '' } }], /no sources\/boot.wim/],
  ['no loader', [[standard], { recipe: uefi, files: { 'efi/boot/bootx64.efi': '' } }], /UEFI firmware cannot start it/],
  ['an answer file of another name', [[standard], { files: { 'unattend.xml': 'x' } }], /an Unattend.xml of its own/],
  ['an answer file on the ISO', [[standard], { files: { 'autounattend.xml': 'x' } }], /an Autounattend.xml of its own/],
  [
    'no key for evaluation media',
    [[evaluation], { recipe: 'productKey: generic\n' }],
    /evaluation media take no product key/,
  ],
  ['no key at all', [[evaluation], { recipe: 'productKey: { env: KEY }\n' }], /evaluation media take no product key/],
  [
    'a key of another release',
    [[standard], { recipe: 'productKey: { env: KEY }\n' }],
    /the product key is for ServerStandard of Windows 2019(?!.*N69G4)/,
  ],
  ['media for consumers', [consumer, eleven], /media for consumers, which ask for a product key/],
  [
    'files for a key, which Setup ignores beside an answer file',
    [consumer, { ...eleven, files: { 'sources/PID.txt': 'x', 'sources/ei.cfg': 'x' } }],
    /media for consumers, which ask for a product key/,
  ],
])('before anything starts: %s', async (_, given, expected) => {
  expect(await problems(...given)).toMatch(expected);
});

test('a file of images that is none is named', async () => {
  await expect(problems([standard], { files: { 'sources/install.wim': '<html>' } })).rejects.toThrow(
    /is damaged: its sources\/install\.wim is no file of images/,
  );
});

test.each([
  [
    'an image that it names',
    /(<Value>){{image}}/,
    '$1Windows Server 2019 SERVERDATACENTER',
    /no image "Windows Server 2019 SERVERDATACENTER"/,
  ],
  [
    'a number that it names',
    /IMAGE\/NAME<([^]*?<Value>){{image}}/,
    'IMAGE/INDEX<$19',
    /no image 9; it has 1: Windows Server 2022 SERVERSTANDARD/,
  ],
  [
    'a key of another edition',
    '<UserData>',
    '<UserData><ProductKey><Key>WX4NM-KYWYW-QJJR4-XV3QB-6VM33</Key></ProductKey>',
    /the product key of the answer file is for ServerDatacenter, and .* is ServerStandard/,
  ],
  [
    'an activation of another edition, with the image by its number',
    /IMAGE\/NAME<([^]*?<Value>){{image}}([^]*?)<ComputerName>/,
    'IMAGE/INDEX<$11$2<ProductKey>WX4NM-KYWYW-QJJR4-XV3QB-6VM33</ProductKey><ComputerName>',
    /the product key of the answer file is for ServerDatacenter, and .* is ServerStandard/,
  ],
  ['a language', /(<UILanguage>){{language}}/, '$1fr-FR', /not the language fr-FR/],
])('an answer file of the user’s against the medium: %s', async (_, from, to, expected) => {
  const template = readFileSync(new URL('../../templates/windows/autounattend.xml.hbs', import.meta.url), 'utf8');
  writeFileSync(join(windowsFolder(), 'own.hbs'), template.replace(from, to));
  expect(await problems([standard], { recipe: own })).toMatch(expected);
  writeFileSync(
    join(windowsFolder(), 'own.hbs'),
    template.replace(/IMAGE\/NAME<([^]*?<Value>){{image}}/, 'IMAGE/INDEX<$11'),
  );
  expect(await problems([standard], { recipe: own })).toBe('');
});

test('the drivers of the release are files, and the installer of Cloudbase-Init is an MSI', async () => {
  const recipe = await windowsRecipe();
  const drivers = await familyOf(recipe).check?.(recipe, { virtioIso: path(udf) }, () => key);
  expect(drivers).toContain('the virtio ISO has no viostor/2k22/amd64/*.inf, which Windows 2022 needs');
  expect(drivers?.join()).not.toContain('NetKVM');
  const empty = await isoOf({ 'NetKVM/2k22/amd64/readme.txt': 'x' });
  expect((await familyOf(recipe).check?.(recipe, { virtioIso: path(empty) }, () => key))?.join()).toContain('NetKVM');
  const page = join(folder, 'error.msi');
  for (const content of ['<html>404</html>', '']) {
    writeFileSync(page, content);
    expect(await familyOf(recipe).check?.(recipe, { cloudbaseInitMsi: path(page) }, () => key)).toEqual([
      `${page} is no MSI, but something else under its name`,
    ]);
  }
  writeFileSync(page, Buffer.from('d0cf11e0a1b11ae1', 'hex'));
  expect(await familyOf(recipe).check?.(recipe, { cloudbaseInitMsi: path(page) }, () => key)).toEqual([]);
});
