import { describe, expect, test } from 'vitest';
import { detect } from '../../src/images/detect.ts';
import { bufferSource, type ByteSource } from '../../src/images/header.ts';
import { capturedBytes, le64, patched } from '../support/captured-images.ts';

const window = 20 * 512;
const plain =
  capturedBytes('mono.vmdk')
    .subarray(512, 512 + window)
    .toString()
    .split('\0')[0] ?? '';
/** A sparse VMDK with this descriptor, and other changes. */
const sparse = (text: string, ...patches: [number, Buffer][]) =>
  patched('mono.vmdk', [512, Buffer.from(text.padEnd(window, '\0')).subarray(0, window)], ...patches);
const names = (source: ByteSource) => detect(source).references.map(({ kind, name }) => `${kind}: ${name}`);
const errors = (source: ByteSource) =>
  detect(source).findings.flatMap(({ level, message }) => (level === 'error' ? [message] : []));

describe('QEMU finds a parent wherever the text says so', () => {
  test.each<[string, ByteSource]>([
    ['in a comment', sparse(plain.replace('#DDB', '# parentFileNameHint="/secret"'))],
    ['in a value of the disk database', sparse(`${plain}ddb.comment = "parentFileNameHint==/secret"\n`)],
    ['in the name of an extent', sparse(plain.replace('mono.vmdk', 'parentFileNameHint==/secret'))],
    ['without a line of its own', sparse(`${plain}x=1 parentFileNameHint="/secret"`)],
    ['behind other comments', sparse(`${'# x\n'.repeat(2000)}# parentFileNameHint="/secret"\n${plain}`)],
    // One sector without a NUL: QEMU reads on.
    [
      'behind the end that the header gives',
      sparse(`${plain.padEnd(511, '#')}\nparentFileNameHint="/secret"`, [36, le64(1n)]),
    ],
    [
      'where the header does not look',
      sparse(`${plain}parentFileNameHint="/secret"\n`, [60 * 512, Buffer.from(plain)], [28, le64(60n)]),
    ],
  ])('%s', (_what, source) => {
    expect(names(source)).toContain('parent: /secret');
  });

  test('a parentCID says that there is one; an empty hint is none', () => {
    expect(names(sparse(plain.replace('ffffffff', '1a2b3c4d')))).toEqual(['parent: ']);
    expect(names(sparse(`${plain}parentFileNameHint=""\n`))).toEqual([]);
  });
});

describe('a descriptor that its readers would not agree on is refused', () => {
  test.each<[string, ByteSource, string]>([
    ['elsewhere', sparse(plain, [60 * 512, Buffer.from(plain)], [28, le64(60n)]), 'QEMU reads it at 512'],
    [
      'a second createType, in a comment',
      sparse(plain.replace('#DDB', '# createType="monolithicFlat"')),
      'more than once',
    ],
    ['a second parentCID, in a comment', sparse(plain.replace('#DDB', '# parentCID=1a2b3c4d')), 'more than once'],
    ['a second parentCID, in capitals', sparse(`${plain}PARENTCID=1a2b3c4d\n`), 'says PARENTCID twice'],
    ['keys in capitals, which QEMU does not find', sparse(plain.replace('parentCID', 'PARENTCID')), 'no parentCID'],
    ['a parentCID that QEMU does not read', sparse(plain.replace('parentCID=', 'parentCID = ')), 'no number'],
    ['text behind a NUL', sparse(`${plain}\0RW 1 FLAT "/etc/passwd" 0\n`), 'goes on behind its end'],
    ['more behind the name of an extent', sparse(plain.replace(/(SPARSE .*)/, '$1 /etc/passwd')), 'belongs to none'],
    [
      'zeros that crowd out the extent behind them',
      bufferSource(Buffer.from(`${plain.replace(/RW.*/, 'RW 1 ZERO\n'.repeat(70))}RW 1 FLAT "/etc/passwd" 0\n`)),
      'without a disk',
    ],
  ])('%s', (_what, source, message) => {
    expect(errors(source).join('\n')).toContain(message);
  });
});

test.each([
  ['after 80 comment lines', `${'# x\n'.repeat(80)}version=1\nRW 1 FLAT "/secret" 0\n`],
  ['after 64 KiB of them', `${'# x\n'.repeat(16_384)}version=1\nRW 1 FLAT "/secret" 0\n`],
  ['after blank lines', '\n \r\n\nversion=1\nRW 1 FLAT "/secret" 0\n'],
  ['without a version, for those who are told', 'createType="monolithicFlat"\nRW 1 FLAT "/secret" 0\n'],
])('a text VMDK %s is one', (_what, text) => {
  const source = bufferSource(Buffer.from(text));
  expect(detect(source).format).toBe('vmdk');
  expect(names(source)).toEqual(['extent: /secret']);
});

test('the probe of QEMU passes over a NUL in a comment', () => {
  const source = bufferSource(Buffer.from('# \0 x\nversion=1\n'));
  expect(detect(source).format).toBe('vmdk');
  expect(errors(source)).not.toEqual([]);
});

test.each([
  ['a name beyond ASCII, as convert writes it', plain.replace('mono.vmdk', 'Größe-日本\u0085.vmdk'), ['descriptor']],
  ['keys of the disk database with colons and blanks', `${plain}ddb.encryption:x = "1"\nddb.sidecar-0 = "a/b"\n`, []],
  ['the line ends of Windows', plain.replaceAll('\n', '\r\n'), []],
])('%s: a good image', (_what, text, warnings) => {
  const { references, findings } = detect(sparse(text));
  expect({ references, codes: findings.map(({ code }) => code) }).toEqual({ references: [], codes: warnings });
  expect(errors(sparse(text))).toEqual([]);
});
