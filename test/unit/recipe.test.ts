import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import { loadRecipe } from '../../src/families/index.ts';
import { parseDuration, parseSize } from '../../src/recipe/units.ts';
import { asRhel } from '../support/rhel.ts';

/** The recipe of a file, of the family that these tests are about. */
async function rhelRecipe(path: string) {
  return asRhel((await loadRecipe(path, {})).recipe);
}

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-recipe-'));
const releases = 'a release of RHEL in quotes (6.0 to 6.10, 7.0 to 7.9, 8.0 to 8.10, 9.0 to 9.8, 10.0 to 10.10)';
const base = 'name: x\nfamily: rhel\nrelease: "7.9"\nsource: { iso: /x.iso }\n';

function put(text: string | Uint8Array, name = 'x.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The message of the error that a recipe gives, with its folder left out. */
async function problems(text: string | Uint8Array, variables: Record<string, string> = {}): Promise<string> {
  const error: unknown = await loadRecipe(put(text), variables).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(VmkilnError);
  return (error as VmkilnError).message.replaceAll(`${folder}/`, '');
}

test('a small recipe gets every default, sizes in bytes and durations in seconds', async () => {
  const recipe = await rhelRecipe(put(base));
  expect(recipe).toMatchObject({
    disk: {},
    machine: { memory: 2 * 1024 ** 3, vcpus: 2, firmware: 'bios' },
    install: { timeout: 3600, stallTimeout: 900 },
    cloudInit: { rootLogin: 'none' },
    output: { format: 'qcow2', compression: 'zlib' },
    upload: [{ directory: { path: './images' } }],
    packages: [],
    repositories: [],
    customize: [],
  });
  expect(recipe.update).toBeUndefined();
});

test('the shipped recipe is valid as it is, and with its variables', async () => {
  const recipe = await rhelRecipe('recipes/rhel7.yaml');
  expect(recipe.subscription).toMatchObject({ attach: 'none', password: { env: 'RHSM_PASSWORD' } });
  expect(recipe.source.sha256).toBeUndefined();
  const given = { iso: '/media/rhel.iso', iso_sha256: 'A'.repeat(64), pool: '8a85f98c60c4825a0160' };
  const { recipe: other } = await loadRecipe('recipes/rhel7.yaml', given);
  expect(other).toMatchObject({
    source: { iso: '/media/rhel.iso', sha256: 'a'.repeat(64) },
    subscription: { attach: given.pool },
  });
});

test('all problems are told at once, each at its place, with the nearest key', async () => {
  const text = `${base}disk:\n  sizee: 8G\nmachine: { memory: 2GB, vcpus: two, firmware: efi, proxy: {} }\nfamly: rhel\n`;
  expect((await problems(text)).split('\n')).toEqual([
    'x.yaml:6:3 disk: unrecognised key "sizee", did you mean "size"?',
    'x.yaml:7:20 machine.memory: expected a size like 8G (units: K, M, G, T or KiB, MiB, GiB, TiB), got "2GB": write memory: 2G',
    'x.yaml:7:32 machine.vcpus: expected a number, got "two"',
    'x.yaml:7:47 machine.firmware: expected bios or uefi, got "efi": write firmware: uefi',
    'x.yaml:7:52 machine: unrecognised key "proxy", it belongs at the top level of the recipe',
    'x.yaml:8:1 unrecognised key "famly", did you mean "family"?',
  ]);
});

test.each([
  ['', 'x.yaml:1:1 the recipe is empty: vmkiln init writes a first one'],
  ['# nothing\n', 'x.yaml:1:1 the recipe is empty: vmkiln init writes a first one'],
  ['- a\n', 'x.yaml:1:1 expected a map of keys, got a list: take away the "- " before the keys'],
  ['just text', 'x.yaml:1:1 expected a map of keys: KEY: VALUE, with a space after the colon'],
  [`${base}name: y\n`, 'x.yaml:5:1 this key is already set on line 1: keep one of them'],
  [
    `${base}---\n${base}`,
    'x.yaml:5:1 a recipe is one YAML document, and a second one begins here: put it into a file of its own',
  ],
  [`${base}disk: { size: 8 }\n`, 'x.yaml:5:15 disk.size: expected a size like 8G, got 8: write size: 8G'],
  [`${base}machine: { vcpus: 0 }\n`, 'x.yaml:5:19 machine.vcpus: expected at least 1, got 0'],
  [
    `${base}? [a, b]\n: x\n`,
    'x.yaml:5:3 a map or a list is no key: put quotes around the whole of a text with { or [ in it',
  ],
  [
    `${base}repositories: [{ id: a, baseurl: "http://x/" }, { id: a, baseurl: "http://y/" }]\n`,
    'x.yaml:5:55 repositories.1.id: the ID a is already used above',
  ],
  [`${base}disk: 8G\n`, 'x.yaml:5:7 disk: expected a map of keys, got "8G": write disk: { size: 8G }'],
  [`${base}disk: { size: 1M }\n`, 'x.yaml:5:15 disk.size: expected at least 2G, got "1M"'],
  [`${base}disk: { size: 100000T }\n`, 'x.yaml:5:15 disk.size: expected at most 64T, got "100000T"'],
  [
    `${base}install: { timeout: 1w }\n`,
    'x.yaml:5:21 install.timeout: expected a duration like 60m (units: s, m, h, d), got "1w": write timeout: 7d',
  ],
  [
    `${base}packages: [a, 5]\n`,
    'x.yaml:5:15 packages.1: expected a package, a "@group", or the URL or path of an RPM, got 5: write "5"',
  ],
  [
    `${base}packages: ["-y"]\n`,
    'x.yaml:5:12 packages.0: expected a package to install: remove one with a step `run: dnf -y remove …` of customize',
  ],
  [
    `${base}customize: [{ run: a, mkdir: /b }]\n`,
    'x.yaml:5:13 customize.0: expected exactly one of run, upload, write, mkdir, delete, chmod, link',
  ],
  [
    `${base}customize: [{ write: { path: /a, content: x, mode: 0644 } }]\n`,
    'x.yaml:5:52 customize.0.write.mode: expected an octal mode in quotes, like "0644", got 0644: write mode: "0644"',
  ],
  [
    `${base}customize: [{ upload: { from: nowhere, to: /etc/motd } }]\n`,
    'x.yaml:5:31 customize.0.upload.from: there is no file nowhere',
  ],
  [
    `${base}customize: [{ run: { script: nowhere.sh } }]\n`,
    'x.yaml:5:30 customize.0.run.script: there is no file nowhere.sh',
  ],
  [
    `${base}caCertificates: [x.yaml]\n`,
    'x.yaml:5:18 caCertificates.0: there is no certificate in PEM in x.yaml: convert it with openssl x509 -inform der',
  ],
  [
    `${base}install: { kickstart: nowhere.ks }\n`,
    'x.yaml:5:23 install.kickstart: there is no file nowhere.ks, and vmkiln ships none of that name',
  ],
  [
    `${base}subscription: { repositories: [a] }\n`,
    'x.yaml:5:15 subscription: expected either username and password, or organization and activationKey',
  ],
  ['name: a/b\n'.concat(base.slice(8)), /^x\.yaml:1:7 name: expected a name of letters, digits/],
  ['name: .a\n'.concat(base.slice(8)), /^x\.yaml:1:7 name: expected a name/],
  [`name: ${'a'.repeat(65)}\n`.concat(base.slice(8)), /^x\.yaml:1:7 name: expected a name/],
  [
    'family: rhel\n',
    /^x\.yaml:1:1 name: is missing: Name of the image\nx\.yaml:1:1 release: is missing: Release in quotes\nx\.yaml:1:1 source: is missing: /,
  ],
  [
    base.replace('"7.9"', '7.9'),
    'x.yaml:3:10 release: expected a release in quotes like "7.9", got 7.9: write release: "7.9"',
  ],
  [base.replace('"7.9"', '"7.10"'), `x.yaml:3:10 release: expected ${releases}, got "7.10"`],
  [base.replace('"7.9"', '"08.1"'), `x.yaml:3:10 release: expected ${releases}, got "08.1"`],
  [base.replace('rhel', 'rhle'), 'x.yaml:2:9 family: expected rhel, debian or windows, got "rhle": write family: rhel'],
  [`${base}disk:\n\tsize: 8G\n`, /^x\.yaml:6:1 .*tab/i],
  [`${base}machine: *nowhere\n`, /^x\.yaml:5:10 .*alias/],
  [
    new Uint8Array([0x6e, 0x3a, 0xff]),
    'x.yaml: is not UTF-8 text, from line 1 on: convert it with iconv -f latin1 -t utf8',
  ],
  [' '.repeat(1024 ** 2 + 1), 'x.yaml: is larger than 1 MiB, which no recipe is'],
  ['['.repeat(100_000), /^x\.yaml:1:\d+ is nested too deeply$/],
])('%j is refused', async (text, expected) => {
  const message = await problems(text);
  if (typeof expected === 'string') expect(message).toBe(expected);
  else expect(message).toMatch(expected);
});

test('a YAML bomb is refused', async () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  expect(await problems(`${base}${lines.join('\n')}\n`)).toMatch(/too many YAML aliases/);
  expect(await problems(`${base}a: &a [*a]\n`)).toMatch(/aliases|unrecognised/);
});

test('a missing file and a folder are told apart', async () => {
  await expect(loadRecipe(join(folder, 'none.yaml'), {})).rejects.toThrow(/there is no such file$/);
  await expect(loadRecipe(folder, {})).rejects.toThrow(/is a folder/);
});

test('a secret in the clear is refused and never repeated', async () => {
  const secrets = ['hunter2', '12345678', '"two\\nlines"', '[hunter2]'];
  for (const secret of secrets) {
    const message = await problems(
      `${base}rootPassword: ${secret}\nsubscription: { username: me, password: ${secret} }\n`,
    );
    expect(message).toContain('x.yaml:5:15 rootPassword: ');
    for (const word of ['hunter2', '12345678', 'lines']) expect(message).not.toContain(word);
  }
  expect(await problems(`${base}rootPassword: hunter2\n`)).toBe(
    'x.yaml:5:15 rootPassword: expected a reference to a secret, { env: NAME } or { file: PATH }; a secret itself never belongs in a recipe',
  );
  expect(await problems(`${base}rootPassword: { env: A, file: b }\n`)).toContain('expected a reference to a secret');
  // YAML that cannot be parsed must not quote its lines either.
  expect(await problems(`${base}rootPassword: "hunter2\n`)).not.toContain('hunter2');
  expect(await problems(`${base}repositories: [{ id: a, baseurl: "http://u:hunter2@host/" }]\n`)).not.toContain(
    'hunter2',
  );
});

test('paths belong to the folder of the recipe, the ISO to the current folder if it is only there', async () => {
  put('x', 'motd');
  put('x', 'own.ks');
  const text = `${base.replace('/x.iso', 'README.md')}install: { kickstart: own.ks }\nrootPassword: { file: secret }\ncustomize: [{ upload: { from: motd, to: /etc/motd } }]\n`;
  const recipe = await rhelRecipe(put(text));
  expect(recipe.install.kickstart).toBe(join(folder, 'own.ks'));
  expect(recipe.rootPassword).toEqual({ file: join(folder, 'secret') });
  expect(recipe.customize[0]?.upload?.from).toBe(join(folder, 'motd'));
  const { recipe: inCurrent } = await loadRecipe(put(base.replace('/x.iso', 'package.json')), {});
  expect(inCurrent.source.iso).toBe(join(process.cwd(), 'package.json'));
  put('x', 'package.json');
  const { recipe: beside } = await loadRecipe(put(base.replace('/x.iso', 'package.json')), {});
  expect(beside.source.iso).toBe(join(folder, 'package.json'));
});

test('a file whose path virt-customize would split is refused', async () => {
  put('x', 'a:b');
  const message = await problems(`${base}customize: [{ upload: { from: "a:b", to: /etc/motd } }]\n`);
  expect(message).toContain('virt-customize cannot upload a file with a colon in its path');
});

test('the age of updates: a duration, or just yes or no, also from a variable', async () => {
  const load = (update: string, variables = {}) =>
    loadRecipe(put(`${base}update: ${update}\n`), variables).then(({ recipe }) => asRhel(recipe).update);
  expect(await load('{ maxAge: 7d }')).toEqual({ maxAge: 604_800 });
  expect(await load('${u}', { u: 'false' })).toBe(false);
  await expect(load('often')).rejects.toThrow('update: expected true, false or { maxAge: 20h }');
});

test('sizes and durations', () => {
  expect([parseSize('8G'), parseSize('2GiB'), parseSize('512M'), parseSize('1.5G')]).toEqual([
    2 ** 33,
    2 ** 31,
    2 ** 29,
    1.5 * 2 ** 30,
  ]);
  expect(['8GB', '8', '-8G', '8g', ' 8G', '8G\n', ''].map(parseSize)).toEqual(Array(7).fill(undefined));
  expect([parseDuration('90s'), parseDuration('60m'), parseDuration('2h'), parseDuration('7d')]).toEqual([
    90, 3600, 7200, 604_800,
  ]);
  expect(parseDuration('1w')).toBeUndefined();
});

test('no text makes the loader fail in any other way than with a VmkilnError', async () => {
  const piece = fc.constantFrom(
    'name',
    ': ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    '&a ',
    '*a',
    '"',
    "'",
    '${x}',
    '${',
    '|\n',
    '__proto__',
    '<<',
    '? ',
    '!!x ',
    '%',
    '\u0000',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 25 }), async (pieces) => {
      const error: unknown = await loadRecipe(put(pieces.join('')), {}).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(VmkilnError);
    }),
    { numRuns: 200 },
  );
});
