import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

/** Builds a recipe on a host whose tools only note how they are called. */
async function built(words: readonly string[] = [], env: Record<string, string> = {}, host = fakeHost()) {
  const recipe = host.recipe('a');
  const run = await vmkiln(['build', recipe, ...words], { env: { ...host.env, ...env } });
  return { ...run, host };
}

test('standard output has the images, a line each, for scripts', async () => {
  const { status, stdout, stderr, host } = await built();
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: `${host.folder}/images/a.qcow2\n` });
  expect(stderr).toMatch(/^\d\d:\d\d:\d\d install: \$ virt-install /m);
  expect(stderr).toMatch(/finished in .*\n {2}report: vmkiln report a-\d{8}-\d{6}-[0-9a-f]{4}\n$/);
});

test('--quiet tells of warnings and errors alone, and --verbose what the programs print', async () => {
  const quiet = await built(['--quiet']);
  expect(quiet.stdout).toBe(`${quiet.host.folder}/images/a.qcow2\n`);
  expect(quiet.stderr.split('\n').filter((line) => !/ warning: |^$/.test(line))).toEqual([]);
  const failing = { FAKE_FAIL: 'guest.sh', FAKE_SAYS: 'the guest said so' };
  const failed = await built(['-q'], failing);
  expect(failed).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('failed: sysprep: ') });
  const loud = await built(['-v'], failing);
  expect(loud.stderr).toContain('  | the guest said so\n');
  expect(loud.stdout).toBe('');
});

test('options come from the environment and from a configuration too: the command line wins, then the environment', async () => {
  const host = fakeHost();
  const config = join(host.folder, 'etc', 'config.yaml');
  mkdirSync(join(host.folder, 'etc'));
  writeFileSync(config, 'out: images-of-the-configuration\nui: json\n');
  const [env, out] = [{ VMKILN_CONFIG: config }, (name: string) => existsSync(join(host.folder, name, 'a.qcow2'))];
  // Paths count from the folder of the file.
  const first = await built([], env, host);
  expect(first.events.at(-1)?.type).toBe('build-finished');
  expect(out('etc/images-of-the-configuration')).toBe(true);
  await built([], { ...env, VMKILN_OUT: join(host.folder, 'images-of-the-environment') }, host);
  expect(out('images-of-the-environment')).toBe(true);
  const words = ['--out', join(host.folder, 'images-of-the-words'), '--ui', 'plain'];
  expect((await built(words, { ...env, VMKILN_OUT: '/none' }, host)).stdout).toBe(`${words[1]}/a.qcow2\n`);
});

test('a mistake in the configuration is told with its position, and nothing is built', async () => {
  const host = fakeHost();
  const config = join(host.folder, 'config.yaml');
  writeFileSync(config, 'jobs: 0\nuii: plain\nout: ~/images\n');
  const { status, stderr } = await built([], { VMKILN_CONFIG: config }, host);
  expect(status).toBe(2);
  expect(stderr).toBe(
    `vmkiln: ${config}:1:7 jobs: expected at least 1, got 0\n${config}:2:1 unrecognised key "uii", did you mean "ui"?\n${config}:3:6 out: expected a path, got "~/images": ~ stands for no folder here: write the whole path\n`,
  );
  expect(existsSync(join(host.folder, 'home'))).toBe(false);
  // With every line commented out it sets nothing.
  writeFileSync(config, '# jobs: 2\n');
  const commented = await vmkiln(['validate', host.recipe('good')], { env: { ...host.env, VMKILN_CONFIG: config } });
  expect(commented).toMatchObject({ status: 0, stderr: '' });
});

test('validate and clean tell machines what they found', async () => {
  const host = fakeHost();
  const [good, bad] = [host.recipe('good'), host.recipe('bad', 'packages: 1')];
  const found = await vmkiln(['validate', good, bad, '--json'], { env: host.env });
  expect(found).toMatchObject({ status: 2, stderr: '' });
  expect(JSON.parse(found.stdout)).toEqual([
    { path: good, valid: true, problems: [], warnings: [] },
    expect.objectContaining({
      path: bad,
      valid: false,
      problems: [expect.stringMatching(/bad\.yaml:\d+:\d+ packages: /)],
    }),
  ]);
  await built(['--out', join(host.folder, 'out')], {}, host);
  const clean = async (...words: string[]) =>
    JSON.parse((await vmkiln(['clean', '--builds', '--json', ...words], { env: host.env })).stdout) as unknown;
  const removed = (word: string) => [expect.stringMatching(new RegExp(`^${word} build a-`))];
  expect(await clean('--dry-run')).toMatchObject({ dryRun: true, kept: [], removed: removed('would remove') });
  expect(await clean()).toMatchObject({ dryRun: false, freedBytes: expect.any(Number), removed: removed('removed') });
});

test('a recipe comes from standard input too, with paths that count from the current folder', async () => {
  const host = fakeHost();
  const text = readFileSync(host.recipe('a', 'customize: [{ upload: { from: motd, to: /etc/motd } }]'), 'utf8');
  writeFileSync(join(host.folder, 'motd'), 'welcome');
  const from = (input: string, ...words: string[]) =>
    spawnSync(process.execPath, [resolve('dist/cli.js'), ...words], {
      ...{ input, cwd: host.folder, encoding: 'utf8', env: { ...process.env, ...host.env } },
    });
  expect(from(`${text}\npackages: 1\n`, 'validate', '-').stderr).toMatch(/^standard input:\d+:\d+ packages: /);
  expect(from('a:   1\n', 'fmt', '-').stdout).toBe('a: 1\n');
  const { status, stdout, stderr } = from(text, 'build', '-', '--ui', 'plain');
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: `${host.folder}/images/a.qcow2\n` });
});
