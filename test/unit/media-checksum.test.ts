import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksumMismatch, parseChecksums, pickChecksum } from '../../src/media/checksum.ts';
import { lookAlikes } from '../../src/media/local.ts';
import { describeTransfer } from '../../src/media/progress.ts';

const a = 'a'.repeat(64);
const b = 'b'.repeat(64);

test('GNU, BSD and bare digests are read, and all else is passed over', () => {
  const text = [
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA256',
    '',
    '# Fedora-Cloud.qcow2: 123 bytes',
    `SHA256 (Fedora-Cloud.qcow2) = ${a}`,
    `MD5 (Fedora-Cloud.qcow2) = ${'c'.repeat(32)}`,
    `SHA512 (Fedora-Cloud.qcow2) = ${'d'.repeat(128)}`,
    `${b.toUpperCase()} *./isos/rhel 7.iso\r`,
    `${'e'.repeat(128)}  other.iso`,
    `\\${a}  back\\\\slash`,
    `SHA256(openssl.iso)= ${b}`,
    `- ${a}  dash.iso`,
    '-----BEGIN PGP SIGNATURE-----',
    'iQIzBAEBCAAdFiEE',
  ].join('\n');
  expect(parseChecksums(text)).toEqual([
    { name: 'Fedora-Cloud.qcow2', sha256: a },
    { name: 'rhel 7.iso', sha256: b },
    { name: 'back\\slash', sha256: a },
    { name: 'openssl.iso', sha256: b },
    { name: 'dash.iso', sha256: a },
  ]);
  expect(parseChecksums(`\uFEFF${a}\n`)).toEqual([{ name: undefined, sha256: a }]);
});

const written = [
  ['OpenSSL 3', `SHA2-256(x.iso)= ${a}`],
  ['cksum in base64', `SHA256 (x.iso) = ${Buffer.from(a, 'hex').toString('base64')}`],
  ['a prefix', `sha256:${a}  x.iso`],
  ['a prefix behind the name', `x.iso: sha256:${a.toUpperCase()}`],
  ['a binary mark', `# comment\r\n${a} *x.iso\r\n`],
  ['old ends of lines', `${a}  x.iso\r`],
  ['a path of Windows', `${a} *C:\\isos\\x.iso`],
  [
    'a table of PowerShell',
    `\r\nAlgorithm  Hash  Path\r\n---------  ----  ----\r\nSHA256     ${a}  C:\\isos\\x.iso\r\n`,
  ],
  ['a list of PowerShell', `Algorithm : SHA256\r\nHash      : ${a}\r\nPath      : C:\\isos\\x.iso\r\n`],
  ['CSV of PowerShell', `"Algorithm","Hash","Path"\r\n"SHA256","${a}","C:\\isos\\x.iso"\r\n`],
  [
    'several algorithms in lines',
    `SHA3-256 (x.iso) = ${b}\nBLAKE2b-256 (x.iso) = ${b}\nSHA256 (x.iso) = ${a}\nCRC32 (x.iso) = 0`,
  ],
  [
    'several algorithms in parts',
    `MD5:\n${'c'.repeat(32)}  x.iso\n\n# SHA3-256 sums\n${b}  x.iso\n\n== SHA-256 ==\n${a}  x.iso\n`,
  ],
] as const;

test.each(written)('%s is read, in UTF-8 and in UTF-16 with and without a mark', (_, text) => {
  const wide = Buffer.from(text, 'utf16le');
  const forms = [
    text,
    Buffer.from(`\uFEFF${text}`),
    Buffer.from(`\uFEFF${text}`, 'utf16le'),
    wide,
    Buffer.from(wide).swap16(),
  ];
  for (const form of forms) expect(parseChecksums(form)).toEqual([{ name: 'x.iso', sha256: a }]);
});

test.each([
  ['SHA256', `SHA256: ${a}`],
  ['a heading and a digest', `SHA256 checksum = ${a}`],
  ['certutil', `SHA256 hash of file x.iso:\r\n${a}\r\nCertUtil: -hashfile command completed successfully.\r\n`],
  ['certutil of Windows 7', `SHA256 hash of file x.iso:\r\n${'aa '.repeat(32).trim()}\r\n`],
  ['a digest with a prefix', `sha256:${a}\n`],
])('%s gives a digest without a name', (_, text) => {
  expect(parseChecksums(text)).toEqual([{ name: undefined, sha256: a }]);
});

test('what sha256sum writes is read back', () => {
  const names = fc.stringMatching(/^[^/\s\\*()][^/\n\r\\]{0,30}$/).filter((text) => text === text.trimEnd());
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
  fc.assert(
    fc.property(names, digest, fc.boolean(), (name, sha256, bsd) => {
      const line = bsd ? `SHA256 (${name}) = ${sha256}` : `${sha256}  ${name}`;
      expect(parseChecksums(`${line}\n`)).toEqual([{ name, sha256 }]);
    }),
  );
});

test('the digest is the one of that name', () => {
  const list = [
    { name: 'x.iso', sha256: a },
    { name: 'y.iso', sha256: b },
  ];
  expect(pickChecksum(list, 'y.iso', 'SUMS')).toBe(b);
  expect(pickChecksum(list.slice(0, 1), 'renamed.iso', 'SUMS')).toBe(a);
  expect(() => pickChecksum(list, 'z.iso', 'SUMS')).toThrow(expect.objectContaining({ hint: 'it lists x.iso, y.iso' }));
  expect(() => pickChecksum([], 'z.iso', 'SUMS')).toThrow(expect.objectContaining({ code: 'MEDIA_CHECKSUM' }));
  expect(() => pickChecksum([...list, { name: 'x.iso', sha256: b }], 'x.iso', 'SUMS')).toThrow('more than one');
});

test('a mismatch names both digests and the likely cause', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'vmkiln-sum-')), 'dvd.iso');
  const iso = Buffer.alloc(17 * 2048);
  iso.write('\u0001CD001', 16 * 2048, 'latin1');
  iso.writeUInt32LE(600, 16 * 2048 + 80);
  iso.writeUInt16LE(2048, 16 * 2048 + 128);
  await writeFile(path, iso);
  const file = { path, name: 'dvd.iso', size: iso.length, sha256: a };
  const error = await checksumMismatch(file, b, []);
  expect(error.message).toContain(a);
  expect(error.message).toContain(b);
  expect(error.hint).toContain('cut short by 1.1 MiB');
  expect((await checksumMismatch(file, b, [{ name: 'boot.iso', sha256: a }])).hint).toContain('that of boot.iso');
});

test('names that look alike come first, others not at all', () => {
  const names = ['notes.txt', 'rhel-server-7.9-x86_64-dvd.iso', 'rhel-server-7.8-x86_64-dvd.iso', 'win2022.iso'];
  expect(lookAlikes('RHEL-server-7.9-x86-64-dvd.iso', names)).toEqual([names[1], names[2]]);
});

test('a transfer is told with rate and time left', () => {
  expect(describeTransfer(3 * 2 ** 20, 9 * 2 ** 20, 2 ** 20, 1)).toBe('3 MiB of 9 MiB, 1 MiB/s, 6s left');
  expect(describeTransfer(500, undefined, 500, 0)).toBe('500 B');
});
