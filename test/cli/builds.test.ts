import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

// One build that comes to its end and two that do not, on a host whose tools do nothing.

const host = fakeHost();
const run = (args: readonly string[], env = {}) =>
  vmkiln([...args], { env: { ...host.env, ...env }, cwd: host.folder });
const build = (env: Readonly<Record<string, string>>, from = 'install') =>
  run(['build', host.recipe('web'), '--connect', 'qemu:///session', '--ui', 'plain', '--from', from], env);

const cause = 'no enabled repository has a package of that name: no-such-package';
let named = '';

beforeAll(async () => {
  expect(await build({})).toMatchObject({ status: 0 });
  const says = 'Error: Unable to find a match: no-such-package';
  const failed = await build({ FAKE_FAIL: '/customize.qcow2', FAKE_SAYS: says }, 'customize');
  expect(failed.status).toBe(1);
  named = failed.stderr;
  expect(await build({ FAKE_FAIL: '/sysprep.qcow2' }, 'sysprep')).toMatchObject({ status: 1 });
}, 120_000);

test('a failed build ends with the named cause, its evidence and what helps', () => {
  expect(named).toMatch(/why: no enabled repository .*no-such-package \(logs\/\d+-customize-virt-customize\.log:1\)\n/);
  expect(named).toMatch(/next: correct the name under `packages`.*; the whole output is in/);
});

test('builds lists them, the latest first, with the cause; filters count', async () => {
  const { stdout } = await run(['builds']);
  expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['OUTCOME', 'failed', 'failed', 'done', '']);
  expect(stdout).toContain(cause);
  const { stdout: json } = await run(['builds', '--failed', '--limit', '1', '--recipe', 'web', '--json']);
  expect(JSON.parse(json)).toMatchObject([{ name: 'web', outcome: 'failed', failure: { code: 'COMMAND_FAILED' } }]);
  expect(await run(['builds', '--recipe', 'db'])).toMatchObject({ stdout: 'no builds\n' });
});

test('builds shows one: stages, commands, images', async () => {
  const done = JSON.parse((await run(['builds', '--json'])).stdout)[2];
  const { stdout } = await run(['builds', done.build.slice(-4)]);
  expect(stdout).toContain(`recipe  ${join(host.folder, 'web.yaml')}`);
  expect(stdout).toMatch(/sysprep +done +\S+, .*\n +\$ qemu-img create/);
  expect(stdout).toMatch(/images\n {2}directory: .*web\.qcow2 \(/);
});

test('explain names the cause again, and says of a failure that it does not know which lines matter', async () => {
  const failed = JSON.parse((await run(['builds', '--failed', '--json'])).stdout);
  const known = await run(['explain', failed[1].build]);
  expect(known.stdout).toContain(`failed in customize: ${cause}\n  seen: ${failed[1].folder}/logs/`);
  const { stdout } = await run(['explain']);
  expect(stdout).toContain('not among those that vmkiln knows');
  expect(stdout).toMatch(/lines that matter most:\n {2}logs\/\d+-sysprep-virt-sysprep\.log:1: it was told to fail\n/);
  const { causes } = JSON.parse((await run(['explain', failed[1].build.slice(-4), '--json'])).stdout);
  expect(causes[0]).toMatchObject({ id: 'dnf.no-match', cause, line: 1 });
  const good = JSON.parse((await run(['builds', '--json'])).stdout)[2].build;
  expect(await run(['explain', good])).toMatchObject({ status: 2, stderr: expect.stringContaining('has not failed') });
});

test('logs prints what the plain display printed, and follows to the end of a build that is over', async () => {
  const latest = JSON.parse((await run(['builds', '--json'])).stdout)[0];
  const { stdout } = await run(['logs', 'web', '--follow']);
  // The date is in the first line, whatever that says: reading the medium is told before the build has its name when it takes long.
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (prepare: .*\n\d\d:\d\d:\d\d )*build web-/);
  expect(stdout).toMatch(/failed: sysprep: virt-sysprep exited with status 1: it was told to fail\n/);
  const { stdout: json } = await run(['logs', latest.build, '--json']);
  expect(json).toBe(readFileSync(join(latest.folder, 'events.ndjson'), 'utf8'));
});

test('clean keeps the latest, and first says what would go', async () => {
  const args = ['clean', '--builds', '--keep', '1'];
  const told = await run([...args, '--dry-run']);
  expect(told.stdout).toMatch(
    /^would remove build web-\S+\nwould remove build web-\S+, but for its manifest.*\n.* would be freed\n$/,
  );
  const done = await run(args);
  expect(done.stdout.split('\n').slice(0, 2).join('\n')).toBe(
    told.stdout.split('\n').slice(0, 2).join('\n').replaceAll('would remove', 'removed'),
  );
  const { stdout } = await run(['builds']);
  expect(stdout).toMatch(/^OUTCOME.*\nfailed .*\ndone /);
  expect(await run(['clean', '--keep', '1'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('needs --builds'),
  });
});
