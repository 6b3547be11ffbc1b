import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { render } from '../../src/commands/render.ts';
import { validate } from '../../src/pipeline/validate.ts';
import { loadRecipe } from '../../src/families/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-commands-'));

test('validate tells the problems of each recipe, those of templates too', async () => {
  writeFileSync(join(folder, 'bad.ks'), '{{typo}}\n');
  writeFileSync(join(folder, 'a.yaml'), 'name: x\n');
  writeFileSync(
    join(folder, 'b.yaml'),
    'name: x\nfamily: rhel\nrelease: "7.9"\nsource: { iso: x }\ninstall: { kickstart: bad.ks }\n',
  );
  const found = await validate(
    [join(folder, 'a.yaml'), join(folder, 'b.yaml'), 'recipes/rhel7.yaml'],
    {},
    { cwd: process.cwd() },
  );
  expect(found.map(({ problems }) => problems.length > 0)).toEqual([true, true, false]);
  expect(found[0]?.problems).toEqual([
    expect.stringContaining(`${folder}/a.yaml:1:1 family: is missing: it is one of`),
  ]);
  expect(found[1]?.problems[0]).toBe(`${folder}/bad.ks:1: there is no "typo"`);
  expect(found[1]?.hint).toContain('a template may use');
});

test('render writes the files with the names of secrets, and needs no media', async () => {
  process.env['RHSM_PASSWORD'] = 'hunter2';
  const { recipe } = await loadRecipe('recipes/rhel7.yaml', {});
  const out = join(folder, 'a/b');
  const paths = await render(recipe, out);
  delete process.env['RHSM_PASSWORD'];
  expect(paths.map((path) => path.slice(out.length + 1)).toSorted()).toEqual(readdirSync(out).toSorted());
  const texts = paths.map((path) => readFileSync(path, 'utf8')).join('');
  expect(texts).toContain('--password=⟨secret RHSM_PASSWORD⟩');
  expect(texts).not.toContain('hunter2');
  await expect(render(recipe, join(folder, 'a.yaml'))).rejects.toThrow(/cannot be written/);
});
