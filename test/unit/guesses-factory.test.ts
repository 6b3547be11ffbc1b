import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { factoryForm } from '../../src/factory/form.ts';
import { loadFactory } from '../../src/factory/load.ts';
import { factoryGuesses } from '../../src/recipe/guesses-factory.ts';
import { textOf } from '../../src/recipe/keys.ts';
import { formsOf, places, schemaOf } from '../../src/recipe/schema.ts';

// Factories as newcomers guess them, and what they are told.

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-guesses-'));
mkdirSync(join(folder, 'recipes'));

/** What is wrong with a factory, one line for each problem, without the name of its file, and the remedy below them. */
async function told(text: string): Promise<string[]> {
  writeFileSync(
    join(folder, 'factory.yaml'),
    `name: f\n${text.includes('recipes:') ? '' : 'recipes: [a.yaml]\n'}${text}\n`,
  );
  const found = await loadFactory('factory.yaml', { values: {}, shared: new Set() }, folder).then(
    () => [],
    (error: Error & { hint?: string }) => [
      ...error.message.split('\n'),
      ...(error.hint === undefined ? [] : [error.hint]),
    ],
  );
  return found.map((line) => line.replaceAll(`${folder}/`, '').replace(/^factory\.yaml:\d+:\d+ /, ''));
}

test.each<[string, string | RegExp]>([
  ['cron: "0 2 * * *"', ': write schedule'],
  ['jobs: 2', ': write limits: { jobs: … }'],
  ['timezone: UTC', ': write schedule: { timezone: … }'],
  ['limits: { parallel: 2 }', ': write jobs'],
  ['limits: { timeout: 4h }', ': write build'],
  ['retention: { days: 30 }', ': write builds: { days: … }'],
  ['retention: { images: 5 }', ': the targets of the recipes retire images: leave it out'],
  ['queue: redis://x', ': each host runs vmkiln factory worker --queue URL: leave it out'],
  ['upload: []', /: the recipes say where their images go: .*out: FOLDER/],
  ['source: { iso: x }', ': a recipe is a file of its own: write recipes: [PATH]'],
  ['notify: [{ webhook: https://x }]', /: write run: webhook\.mjs, with VMKILN_WEBHOOK_URL/],
  ['notify: [{ run: webhook.mjs, on: failure }]', ': write when'],
  ['recipes: [{ path: a.yaml }]', ': write recipe'],
  ['recipes: [{ recipe: a.yaml, set: { a: b } }]', ': write vars: { … }'],
  ['recipes: [{ recipe: a.yaml, name: a }]', /: an entry is called by the name of its image, .*: leave it out/],
  ['recipes: [{ recipe: a.yaml, needs: [b] }]', /: an image comes after the one that .*: leave it out/],
  ['recipes: [{ recipe: a.yaml, enabled: false }]', ': every entry is built: put a # before its lines'],
])('a key that a factory has not: %s', async (text, remedy) => {
  const [first = '', ...others] = await told(text);
  expect(others).toEqual([]);
  const words = first.replace(/^([\w.]+: )?unrecognised key "\w+"/, '');
  if (typeof remedy === 'string') expect(words).toBe(remedy);
  else expect(words).toMatch(remedy);
});

test.each<[string, string]>([
  ['schedule: "@daily"', 'got "@daily": write schedule: 0 2 * * *'],
  ['schedule: "03:30"', 'got "03:30": write schedule: 30 3 * * *'],
  ['schedule: "0 2 30 2 *"', 'expected a schedule that has a next time, got "0 2 30 2 *"'],
  ['rebuildAfter: 30', 'got 30: write rebuildAfter: 30d'],
  ['rebuildAfter: 2 months', 'got "2 months": write rebuildAfter: 60d'],
  ['limits: { build: 90 }', 'got 90: write build: 90m'],
  ['recipes: [recipes]', 'recipes is a folder: write recipes/*.yaml'],
  ['channel: "${name}-prod"', 'in a channel the name of the image is written {name}'],
])('a value that a factory cannot have: %s', async (text, end) => {
  expect((await told(text)).at(-1)).toMatch(new RegExp(`${end.replaceAll(/[*{}"$.]/g, '\\$&')}$`));
});

test('what other tools call otherwise is something that a factory has', () => {
  const known = new Set(places(formsOf(schemaOf(factoryForm), undefined)).map(textOf));
  expect(Object.keys(factoryGuesses.elsewhere).filter((place) => !known.has(place))).toEqual([]);
});
