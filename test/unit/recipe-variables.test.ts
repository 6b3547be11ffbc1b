import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadRecipe } from '../../src/families/index.ts';
import { readVariables, substitute } from '../../src/recipe/variables.ts';
import { asRhel } from '../support/rhel.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-variables-'));

function put(text: string, name = 'x.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const recipe = (more: string) => put(`name: x\nfamily: rhel\nrelease: "7.9"\nsource: { iso: /x.iso }\n${more}`);

test('names, defaults and literals', () => {
  const text = (input: string) => substitute(input, { a: 'A', empty: '' }).text;
  expect(text('x-${a}-${b:-B}-$${a}-$a-${empty:-E}')).toBe('x-A-B-${a}-$a-E');
  expect(text('${b:-}')).toBe('');
  expect(substitute('${b} ${a}', { a: 'A' })).toMatchObject({ unknown: ['b'], used: ['b', 'a'], whole: false });
  expect(substitute('${constructor}', {}).unknown).toEqual(['constructor']);
  for (const wrong of ['${a b}', '${a', '${a:-${b}}']) expect(substitute(wrong, { a: '', b: '' }).malformed).toBe(true);
  expect(substitute('$${a', {})).toMatchObject({ text: '${a', malformed: false });
});

test('a variable never adds structure to the recipe', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme-composite', minLength: 1 }), async (value) => {
      const { recipe: loaded } = await loadRecipe(recipe('customize:\n  - write: { path: /a, content: "<${v}>" }\n'), {
        v: value,
      });
      expect(asRhel(loaded).customize).toEqual([{ write: { path: '/a', content: `<${value}>`, mode: '0644' } }]);
    }),
    { numRuns: 50 },
  );
});

test('a whole variable becomes a number or a boolean only where one is wanted', async () => {
  const text = 'machine: { vcpus: "${cpus}" }\nupdate: ${update}\npackages: [ "${package}" ]\n';
  const { recipe: loaded } = await loadRecipe(recipe(text), { cpus: '4', update: 'false', package: '389' });
  expect(loaded).toMatchObject({ machine: { vcpus: 4 }, update: false, packages: ['389'] });
  await expect(loadRecipe(recipe('machine: { vcpus: "${cpus}" }'), { cpus: '[4]' })).rejects.toThrow(
    /x\.yaml:5:19 machine\.vcpus: expected a number, got "\[4\]"$/,
  );
  const { recipe: release } = await loadRecipe(
    put('name: x\nfamily: rhel\nrelease: ${release}\nsource: { iso: /x.iso }\n'),
    { release: '7.9' },
  );
  expect(release.release).toBe('7.9');
});

test('a key whose variable is empty counts as left out', async () => {
  const { recipe: loaded } = await loadRecipe(recipe('description: ${text:-}\npackages: ["${one:-}", two]\n'), {});
  expect(loaded.description).toBeUndefined();
  expect(asRhel(loaded).packages).toEqual(['two']);
});

test('an unknown variable is told with its place and the remedy', async () => {
  await expect(loadRecipe(recipe('timezone: ${zone}\n'), {})).rejects.toMatchObject({
    code: 'RECIPE_INVALID',
    message: expect.stringContaining(
      'x.yaml:5:11 the variable "zone" has no value: pass --set zone=…, or write $${zone} if it is meant for a shell',
    ),
  });
  await expect(loadRecipe(recipe('timezone: ${zone}\n'), { zones: 'x' })).rejects.toThrow(/did you mean "zones"\?$/);
  await expect(loadRecipe(recipe('timezone: ${my zone}\n'), {})).rejects.toThrow(/x\.yaml:5:11 a variable is written/);
});

test('a variable that the recipe does not have is an error', async () => {
  await expect(loadRecipe(recipe('timezone: ${zone:-UTC}\n'), { zoen: 'UTC' })).rejects.toMatchObject({
    code: 'VARIABLE_INVALID',
    message: 'the recipe has no variable "zoen", did you mean "zone"?',
  });
});

test('a file of variables is for many recipes: one need not use them all, but a slip is told', async () => {
  const site = put('zone: UTC\niso: x.iso\n', 'site.yaml');
  const { values, shared } = await readVariables({ set: [], vars: site });
  const { recipe: loaded } = await loadRecipe(recipe('timezone: ${zone}\n'), values, { shared });
  expect(asRhel(loaded).timezone).toBe('UTC');
  const slip = { shared: new Set(['zoen']) };
  await expect(loadRecipe(recipe('timezone: ${zone:-UTC}\n'), { zoen: 'UTC' }, slip)).rejects.toThrow(
    'the recipe has no variable "zoen", did you mean "zone"?',
  );
  // What is typed for this very recipe has to be in it.
  const typed = await readVariables({ set: ['iso=y.iso'], vars: site });
  await expect(loadRecipe(recipe('timezone: ${zone}\n'), typed.values, { shared: typed.shared })).rejects.toThrow(
    'the recipe has no variable "iso"',
  );
});

test('a rehearsal does without the variables of the media', async () => {
  const text =
    'name: x\nfamily: rhel\nrelease: "7.9"\nsource: { iso: "${iso}", sha256: "${sum}" }\ntimezone: ${zone:-UTC}\n';
  await expect(loadRecipe(put(text), {})).rejects.toThrow(/"iso" has no value/);
  const { recipe: loaded } = await loadRecipe(put(text), {}, { rehearsal: true });
  expect(asRhel(loaded).timezone).toBe('UTC');
  await expect(loadRecipe(recipe('timezone: ${zone}\n'), {}, { rehearsal: true })).rejects.toThrow(
    /"zone" has no value/,
  );
});

test('--set wins over --vars, and both are checked without repeating values', async () => {
  const vars = put('a: 1.10\nb: two\n', 'vars.yaml');
  expect(await readVariables({ set: ['a=x=y', 'c='], vars })).toEqual({
    values: { a: 'x=y', b: 'two', c: '' },
    shared: new Set(['b']),
  });
  expect(await readVariables({ set: [], vars: put('{"a": "1", "b": 2.0}', 'vars.json') })).toMatchObject({
    values: { a: '1', b: '2.0' },
  });
  await expect(readVariables({ set: ['hunter2'] })).rejects.toThrow(/^--set needs KEY=VALUE(?!.*hunter2)/);
  await expect(readVariables({ set: ['1a=hunter2'] })).rejects.toThrow(/^--set 1a=…(?!.*hunter2)/);
  for (const text of ['- a', 'a: [b]', 'a: {b: c}', 'a b: c', '"', '']) {
    await expect(readVariables({ set: [], vars: put(text, 'vars.yaml') })).rejects.toMatchObject({
      code: 'VARIABLE_INVALID',
    });
  }
  await expect(readVariables({ set: [], vars: join(folder, 'none') })).rejects.toThrow(/there is no such file$/);
});

test.each([
  ['iso: "/z', /:1:6 this quote is not closed$/],
  ['iso: a: b', /:1:6 a text with ": " in it needs quotes/],
  ['iso: a\niso: b', /:2:1 this key is already set on line 1: keep one of them$/],
  ['\tiso: a', /:1:1 a tab indents this line/],
  ['iso: a\n---\niso: b', /:2:1 a file of variables is one YAML document/],
  [Buffer.from('iso: Gr\u00fcn', 'latin1'), /is not UTF-8 text, from line 1 on: convert it with iconv/],
  ['iso: [a]', /iso: expected text, got a list$/],
  ['', /is empty: expected a map of names to texts, NAME: VALUE$/],
  ['is-o: a', /"is-o" is not a name for a variable: it has letters/],
])('a file of variables with a mistake is refused: %j', async (text, message) => {
  const vars = join(folder, 'mistake.yaml');
  writeFileSync(vars, text);
  await expect(readVariables({ set: [], vars })).rejects.toThrow(message);
});
