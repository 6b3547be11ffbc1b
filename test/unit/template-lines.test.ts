import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { templateLines } from '../../src/answers/lines.ts';
import { renderTemplate, type View } from '../../src/answers/templates.ts';

const file = join(mkdtempSync(join(tmpdir(), 'vmkiln-lines-')), 'x.hbs');

/** The rendered lines of a template, each behind the line that it comes from. */
function traced(source: string, view: View): string[] | undefined {
  writeFileSync(file, source);
  const { text } = renderTemplate(file, 'x', 'text', view);
  const lines = templateLines(file, 'text', view, text);
  return lines && text.split('\n').map((line, index) => `${lines[index]} ${line}`);
}

test('each line of a rendered text is traced to its line of the template', () => {
  const source =
    'a\n{{#each list}}\n  b {{this}}\n  c\n{{/each}}\n{{#if no}}\nd\n{{else}}\n{{! e }}\nf{{#if no}}g{{/if}}\n{{/if}}\nh\n';
  const expected = ['1 a', '3   b x', '4   c', '3   b y', '4   c', '10 f', '12 h', '13 '];
  expect(traced(source, { list: ['x', 'y'], no: false })).toEqual(expected);
});

test('where nobody can tell, there are no lines', () => {
  expect(traced('a\n{{#each\n list}}b{{/each}}\n', { list: ['x'] })).toBeUndefined();
  writeFileSync(file, 'a\n');
  expect(templateLines(file, 'text', {}, 'b\n')).toBeUndefined();
});

test('of a text without tags each line is its own', () => {
  const line = fc.string().filter((text) => !/[{}\\\r\n\0\ue000\ue001]/.test(text) && !text.startsWith('\ufeff'));
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      expect(traced(lines.join('\n'), {})).toEqual(lines.map((text, index) => `${index + 1} ${text}`));
    }),
    { numRuns: 50 },
  );
});
