import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inTerminal } from '../support/terminal.ts';
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
  // Where it lies matters to nobody who gets it.
  expect(text).toMatch(/^# yaml-language-server: \$schema=https:\/\/\S+\/recipe\.schema\.json\n/);
  expect(text).toContain(`#   vmkiln build ${from}-own.yaml`);
  expect(text).not.toContain(' --set iso=');
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

const cli = join(process.cwd(), 'dist/cli.js');
const enter = '\r';
const down = '\u001b[B';

/** A question that is asked again for what its answer lacks. While it is checked, a character of Braille turns before it. */
const refused = (question: string, message: string) =>
  new RegExp(String.raw`\? ${question}[^\u2800-\u28ff]*> [^\u2800-\u28ff]*${message}`);

/** `vmkiln init` for a person who types. */
const asked = (args: readonly string[], steps: Parameters<typeof inTerminal>[2], env = {}) =>
  inTerminal(process.execPath, [cli, 'init', ...args], steps, { cwd, env });

test('init asks on a terminal, and checks an answer when it is given', async () => {
  const home = join(cwd, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'rhel.iso'), '');
  writeFileSync(join(cwd, 'taken.yaml'), '');
  const { status, screen } = await asked(
    ['--from', 'rhel9'],
    [
      ['Name of the image', `a/b${enter}`],
      [refused('Name of the image', 'write name: a-b'), `\u0015taken${enter}`],
      [refused('Name of the image', 'taken.yaml is already there'), `\u0015typed${enter}`],
      ['Installation DVD', `~/nothing.iso${enter}`],
      [refused('Installation DVD', 'there is no file'), `\u0015~/rhel.iso${enter}`],
      ['Size of the disk', `20${enter}`],
      [refused('Size of the disk', 'write size: 20G'), `\u001520G${enter}`],
      ['Where packages come from', down + down + enter],
      ['URL of a repository', `http://mirror/rhel9${enter}`],
    ],
    { HOME: home },
  );
  expect(status, screen).toBe(0);
  const text = readFileSync(join(cwd, 'typed.yaml'), 'utf8');
  for (const line of [
    'name: typed',
    `  iso: ${home}/rhel.iso`,
    'disk: { size: 20G }',
    '    baseurl: http://mirror/rhel9',
  ])
    expect(text.split('\n')).toContain(line);
  expect(text).not.toContain('subscription');
  expect(text).not.toContain('RHSM_');
  expect(readdirSync(cwd).filter((file) => file.includes('checked'))).toEqual([]);
});

test.each([
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
])('%s ends the questions quietly, with 130', async (_, key) => {
  for (const from of [['--from', 'rhel9'], []]) {
    const { status, screen } = await asked(
      ['left.yaml', ...from],
      [[from.length > 0 ? 'Name of the image' : 'Operating system', key]],
    );
    expect(status).toBe(130);
    expect(screen).not.toMatch(/vmkiln: |Error|stopped|unsettled/);
    expect(existsSync(join(cwd, 'left.yaml'))).toBe(false);
  }
});
