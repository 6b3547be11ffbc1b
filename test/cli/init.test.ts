import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { vmkiln } from '../support/vmkiln.ts';

const cwd = mkdtempSync(join(tmpdir(), 'vmkiln-init-'));
const names = readdirSync('recipes').map((file) => file.replace(/\.yaml$/, ''));

test.each(names)('init --from %s writes a recipe that is valid where it lies', async (from) => {
  const wanted = ['--name', 'own', '--disk', '40G', '--iso', '/srv/own'];
  const made = await vmkiln(['init', `${from}-own.yaml`, '--from', from, ...wanted], { cwd });
  expect(made.status, made.stderr).toBe(0);
  expect(made.stdout).toBe(`${from}-own.yaml\n`);
  const text = readFileSync(join(cwd, `${from}-own.yaml`), 'utf8');
  expect(text).toMatch(/^name: own$/m);
  expect(text).toContain('size: 40G');
  expect(text).toMatch(/^ {2}(iso|image): \/srv\/own$/m);
  expect(text).toContain(`$schema=${resolve('recipe.schema.json')}`);
  expect((await vmkiln(['validate', `${from}-own.yaml`], { cwd })).status).toBe(0);
});

test('init takes registration and repositories, and writes nothing that is wrong or would replace a file', async () => {
  const key = await vmkiln(['init', 'key.yaml', '--from', 'rhel7', '--registration', 'key'], { cwd });
  expect(key.stderr).toContain('set RHSM_ORG and RHSM_ACTIVATION_KEY');
  const none = ['--registration', 'none', '--repository', 'http://mirror/rhel7'];
  expect((await vmkiln(['init', 'none.yaml', '--from', 'rhel7', ...none], { cwd })).status).toBe(0);
  const text = readFileSync(join(cwd, 'none.yaml'), 'utf8');
  expect(text).not.toContain('subscription');
  expect(text).toContain('baseurl: http://mirror/rhel7');
  const before = readdirSync(cwd);
  const wrong = await vmkiln(['init', 'wrong.yaml', '--from', 'rhel7', '--name', 'a/b'], { cwd });
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toMatch(/wrong\.yaml:\d+:\d+ name: expected/);
  expect((await vmkiln(['init', 'none.yaml', '--from', 'rhel7'], { cwd })).stderr).toContain('--force');
  expect((await vmkiln(['init', 'x.yaml', '--from', 'rhel77'], { cwd })).stderr).toContain('did you mean');
  expect(readdirSync(cwd)).toEqual(before);
});

test('init refuses an answer to a question that the recipe does not raise, and writes nothing', async () => {
  const wrong = await vmkiln(['init', 'w.yaml', '--from', 'windows-2022', '--repository', 'http://mirror/x'], { cwd });
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain('--repository is not for a recipe from windows-2022');
  expect(readdirSync(cwd)).not.toContain('w.yaml');
});

test('init asks nothing about a registration for a recipe that needs none', async () => {
  const repository = ['--repository', 'http://mirror/rocky9'];
  expect((await vmkiln(['init', 'own.yaml', '--from', 'rocky9', ...repository], { cwd })).status).toBe(0);
  expect(readFileSync(join(cwd, 'own.yaml'), 'utf8')).toContain('baseurl: http://mirror/rocky9');
  const wrong = await vmkiln(['init', 'w.yaml', '--from', 'rocky9', '--registration', 'key'], { cwd });
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain('--registration is not for a recipe from rocky9');
});
