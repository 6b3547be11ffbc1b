import { expect, test } from 'vitest';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

// Recipes of Windows as newcomers guess them, and what they are told.

/** What is wrong with a recipe, without the name of its file. */
async function told(more: string, release?: string): Promise<string> {
  const found = await windowsRecipe(more, release).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  return found.replaceAll(`${windowsFolder()}/x.yaml:`, '');
}

test.each([
  ['scripts: []', ': write install: { commands: […] }'],
  ['features: []', ': a command does that: write install: { commands: […] }; docs/windows.md has examples'],
  ['registry: []', ': a command does that: write install: { commands: […] }; docs/windows.md has examples'],
  [
    'joinDomain: a',
    ': an instance joins a domain, an image is of none: write customize: [{ firstboot: { script: FILE } }]',
  ],
  ['sysprep: true', ': each build ends with Sysprep: leave it out'],
  ['wsus: a', ': write install: { updates: { server: … } }'],
  [
    'install: { commands: [{ run: a }] }',
    ': the command itself is the entry: write - COMMAND, or - powershell -Command "…"',
  ],
  ['install: { updates: { select: all, include: [] } }', ', expected select, server, except, before or maxAge'],
  ['cloudbaseInit: { plugins: [] }', ': the file is yours to write: config: FILE, a template of cloudbase-init.conf'],
])('%s', async (more, expected) => {
  const message = await told(`${more}\n`);
  expect(message.replace(/^.* unrecognised key "\w+"/, '')).toBe(expected);
});

test.each(['24H2', '2012R2', '2023', 'ltsc2021'])('no other release is offered for %s', async (release) => {
  expect(await told('', release)).toMatch(/^5:10 release: expected 10, 11, 2016, 2019, 2022 or 2025, got "[^"]*"$/);
});
