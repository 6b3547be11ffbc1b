import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillHoles, readSecret } from '../../src/answers/holes.ts';
import { renderTemplate, renderText, type View } from '../../src/answers/templates.ts';
import { shellQuote } from '../../src/text.ts';

const text = (source: string, view: View) => renderText(source, 'x.hbs', 'text', view).text;
const printable = fc.string({ unit: 'grapheme-composite' }).filter((value) => !/[\p{Cc}\u2028\u2029]/u.test(value));

/** What a shell makes of a word. */
const shell = (word: string) => execFileSync('sh', ['-c', `printf %s ${word}`], { encoding: 'utf8' });

test('text stays as it is, XML is escaped', () => {
  const hash = "$6$a=b'c<&";
  expect(text('{{a}}', { a: hash })).toBe(hash);
  expect(renderText('{{a}}', 'x.hbs', 'xml', { a: hash }).text).toBe('$6$a&#x3D;b&#x27;c&lt;&amp;');
});

test('a shell reads a quoted value back as it was', () => {
  fc.assert(
    fc.property(printable, (value) => shell(shellQuote(value)) === value),
    { numRuns: 50, examples: [[''], ["'"], ['a\'b"c$d`e\\'], ['-n'], ['*'], ['~'], ['a b'], ['#']] },
  );
});

test('no value begins a line of its own', () => {
  for (const end of ['\n', '\r', '\0', '\u000b', '\u0085', '\u2028', '\u2029']) {
    expect(() => text('{{sh a}}', { a: `x${end}%post` })).toThrow(
      'x.hbs: a must not hold a line break or control character',
    );
    expect(() => text('{{#each a}}{{b}}{{/each}}', { a: [{ b: `x${end}` }] })).toThrow(/a\.0\.b must not hold/);
  }
});

test.each([
  ['ok\n{{typo}}', 'x.hbs:2: there is no "typo"'],
  ['ok\n\n{{#if typo}}{{/if}}', 'x.hbs:3: there is no "typo"'],
  ['{{#unless a.typo}}{{/unless}}', 'x.hbs:1: there is no "a.typo"'],
  ['{{#each typo}}{{/each}}', 'x.hbs:1: there is no "typo"'],
  ['{{#each list}}\n{{this.typo}}{{/each}}', 'x.hbs:2: there is no "this.typo"'],
  ['{{#each list}}{{../typo}}{{/each}}', 'x.hbs:1: there is no "../typo"'],
  ['{{sh typo}}', 'x.hbs:1: there is no "typo"'],
  ['{{typo a}}', 'x.hbs:1: there is no helper "typo"; there are sh, secret'],
  ['{{#with a}}{{/with}}', 'x.hbs:1: there is no block "with"; there are if, unless, each'],
  ['{{> partial}}', 'x.hbs:1: PartialStatement is not used in answer files'],
  ['{{a.constructor}}', 'x.hbs:1: there is no "a.constructor"'],
  ['\n{{password}}', 'x.hbs:2: "password" is a secret: write {{secret password}}'],
  ['{{secret a.b}}', 'x.hbs:1: "a.b" is no secret: write {{a.b}}'],
  ['{{list}}', 'x.hbs:1: "list" is a list: write {{#each list}}'],
  ['{{sh list}}', 'x.hbs:1: "list" is a list: write {{#each list}}'],
  ['{{a}}', 'x.hbs:1: "a" is a map: write one of its values, {{a.KEY}}'],
  ['{{#each list}}{{this}}{{/each}}', 'x.hbs:1: "this" is a map: '],
])('%j is refused with its line', (source, message) => {
  expect(() => text(source, { a: { b: 'x' }, list: [{ c: 'x' }], password: { env: 'P' } })).toThrow(message);
});

test('what is in a branch that is not taken may be of another kind', () => {
  const either = '{{#if isSecret}}{{secret key}}{{else}}{{key}}{{/if}}{{#unless isSecret}}{{key}}{{/unless}}';
  expect(text(either, { isSecret: false, key: 'x' })).toBe('xx');
  expect(text(either, { isSecret: true, key: { env: 'K' } })).toBe('⟨secret K⟩');
});

test('a template that cannot be parsed, or is not there, is told with file and line', () => {
  expect(() => text('a\n{{#if a}}\n', { a: 'x' })).toThrow(/^x\.hbs:\d: /);
  expect(() => text('a\n{{a', { a: 'x' })).toThrow(/^x\.hbs:2: /);
  expect(() => text('{{#if a}}{{/each}}', { a: 'x' })).toThrow(/^x\.hbs:1: if doesn't match each/);
  expect(() => renderTemplate('/nowhere.hbs', 'x', 'text', {})).toThrow(/cannot be read/);
});

test('a template written on Windows is read as it was meant, and one that is not UTF-8 is refused', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'vmkiln-template-')), 'ks.cfg');
  const read = (bytes: Buffer) => {
    writeFileSync(file, bytes);
    return renderTemplate(file, 'ks.cfg', 'text', { a: 'x' }).text;
  };
  expect(read(Buffer.from('\ufefftext\r\n{{a}} \ufeff\r\n'))).toBe('text\nx \ufeff\n');
  for (const bytes of [
    Buffer.from('\ufefftext\n', 'utf16le'),
    Buffer.from('text\n', 'utf16le'),
    Buffer.from('# M\xfcller\n', 'latin1'),
  ])
    expect(() => read(bytes)).toThrow(`${file} is not UTF-8`);
});

test('braces of the file itself are written with a backslash, which is no backslash before a value', () => {
  const view = { folder: 'x', p: { env: 'P' } };
  expect(text(String.raw`docker ps --format '\{{.Names}}' C:\\{{folder}}`, view)).toBe(
    String.raw`docker ps --format '{{.Names}}' C:\x`,
  );
  expect(() => text(`a\ndocker ps --format '{{.Names}}'`, view)).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^x\.hbs:2: /),
      hint: String.raw`where the file itself means {{, write \{{`,
    }),
  );
  for (const source of [String.raw`C:\{{folder}}`, String.raw`C:\{{ secret p}}`])
    expect(() => text(source, view)).toThrow(/^x\.hbs:1: "\\\{\{.*" keeps its braces/);
});

test('secrets leave holes, and only filling puts them in', () => {
  const password = { env: 'PASSWORD' };
  const file = { name: 'x', ...renderText('a {{sh p}} {{sh p}} {{sh u}}', 'x.hbs', 'text', { p: password, u: 'me' }) };
  expect(file.text).toBe('a ⟨secret PASSWORD⟩ ⟨secret PASSWORD⟩ me');
  expect(file.holes).toEqual([{ name: 'PASSWORD', secret: password, encoding: 'shell', inGuest: false }]);
  fc.assert(
    fc.property(printable.filter(Boolean), (value) => {
      const filled = fillHoles(file, () => value);
      return shell(filled.slice(2)).startsWith(value);
    }),
    { numRuns: 30, examples: [['$&'], ["$'"], ['⟨secret PASSWORD⟩'], ['-x']] },
  );
});

test('holes of XML files are escaped, and those of plain files are not', () => {
  const view = { p: { file: '/run/p.q+' } };
  const fill = (kind: 'text' | 'xml') =>
    fillHoles({ name: 'x', ...renderText('<{{secret p}}>', 'x', kind, view) }, () => `<&'"`);
  expect(fill('xml')).toBe('<&lt;&amp;&apos;&quot;>');
  expect(fill('text')).toBe(`<<&'">`);
});

test('a value cannot pass for a hole, nor a secret be written in two ways', () => {
  expect(() => text('{{a}}', { a: '⟨secret PASSWORD⟩' })).toThrow(/must not hold "⟨secret"/);
  expect(() => text('{{sh a}}{{secret a}}', { a: { env: 'A' } })).toThrow(/the secret A is needed in two encodings/);
});

test('a secret of several lines, an empty and a missing one are refused without being shown', () => {
  const file = { name: 'x', ...renderText('{{sh p}}', 'x', 'text', { p: { env: 'P' } }) };
  expect(() => fillHoles(file, () => 'hunter2\nx')).toThrow(/^the secret P has a line break(?!.*hunter2)/);
  expect(() => fillHoles(file, () => '')).toThrow('the secret P is empty');
  expect(() => readSecret({ env: 'P' }, {})).toThrow('the environment variable P is not set');
  expect(() => readSecret({ file: '/nowhere' }, {})).toThrow(/the file of a secret cannot be read/);
  const path = join(mkdtempSync(join(tmpdir(), 'vmkiln-secret-')), 'p');
  writeFileSync(path, 'hunter2\n');
  expect(readSecret({ file: path }, {})).toBe('hunter2');
});
