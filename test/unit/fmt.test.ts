import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { fmt, formatRecipe } from '../../src/commands/fmt.ts';
import { commandContext } from '../support/command-context.ts';

test('a recipe keeps its comments, the order of its keys and its quotes, and gets one layout', () => {
  const text = `# head

name:   a    # the name


source: {iso:   "\${iso}", sha256: 'x'}
packages: [ a,b,   { x: 1 } ]
# steps
customize:
- run: echo a   # first
# between
- upload: {from: f,
    to: /etc/f}
notes: ${'word '.repeat(40).trim()}
script: |
    a
      b
`;
  const formatted = `# head

name: a # the name

source: { iso: "\${iso}", sha256: 'x' }
packages: [a, b, { x: 1 }]
# steps
customize:
  - run: echo a # first
  # between
  - upload: { from: f, to: /etc/f }
notes: ${'word '.repeat(40).trim()}
script: |
  a
    b
`;
  expect(formatRecipe(text, 'a.yaml')).toBe(formatted);
});

test('the shipped recipes are in that layout', () => {
  for (const name of readdirSync('recipes')) {
    const text = readFileSync(join('recipes', name), 'utf8');
    expect(formatRecipe(text, name)).toBe(text);
  }
});

test('whatever a document says, it says afterwards, and to format it again changes nothing', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('any')),
      fc.dictionary(fc.string(), tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1 }), value),
      fc.constantFrom('any', 'flow', 'block'),
      (given, collectionStyle) => {
        const text = stringify(given, { collectionStyle: collectionStyle as 'any' });
        const once = formatRecipe(text, 'a.yaml');
        expect(parse(once)).toEqual(parse(text));
        expect(formatRecipe(once, 'a.yaml')).toBe(once);
      },
    ),
  );
});

test('what is no YAML is told with its place', () => {
  expect(() => formatRecipe('a: [1\nb: 2\n', 'a.yaml')).toThrow(/^a\.yaml:2:1 /);
});

test('what cannot be written anew without a loss is refused, and stays', async () => {
  expect(() => formatRecipe('[a, b]: c\n', 'a.yaml')).toThrow(/^a\.yaml: would mean something else in this layout/);
  const nested = 'a: &a [x]\n'.concat(
    ...'bcdefghi'.split('').map((c, at) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(', ')}]\n`),
  );
  expect(() => formatRecipe(nested, 'a.yaml')).toThrow(/^a\.yaml: has too many YAML aliases/);
  // What is no UTF-8 would come back as U+FFFD.
  const path = join(mkdtempSync(join(tmpdir(), 'vmkiln-fmt-')), 'a.yaml');
  const bytes = Buffer.from('name: x\ndescription:   Gr\u00fcn\n', 'latin1');
  writeFileSync(path, bytes);
  await expect(fmt([path], {}, commandContext())).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  expect(readFileSync(path)).toEqual(bytes);
});
