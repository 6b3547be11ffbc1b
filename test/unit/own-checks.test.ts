import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadChecks, type OwnCheck } from '../../src/recipe/verify.ts';
import { verify as stage } from '../../src/stages/verify.ts';
import { findGoss } from '../../src/verify/goss.ts';
import { runOwnChecks } from '../../src/verify/own-checks.ts';
import { planInput } from '../support/plan-input.ts';
import { rhelRecipe } from '../support/rhel.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-checks-'));
const home = join(folder, 'home');
mkdirSync(home);
const tests = join(folder, 'goss.yaml');
writeFileSync(tests, 'service: { sshd: { running: true } }\n');

/** A guest whose root is this user, and whose home is a folder. */
const guest = {
  root: async (command: string) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: home, encoding: 'utf8' });
    return { exitCode: status ?? 255, stdout, stderr, seconds: 0 };
  },
  send: async (from: string, name: string) => copyFileSync(from, join(home, name)),
};

/** A goss that prints that text, and notes how it was called. */
function gossThatPrints(text: string, status: number): string {
  const program = join(folder, 'goss');
  writeFileSync(join(folder, 'printed'), text);
  writeFileSync(program, `#!/bin/sh\necho "$@" > ${folder}/called\ncat ${folder}/printed\nexit ${status}\n`);
  chmodSync(program, 0o600);
  return program;
}

const run = (check: Partial<OwnCheck>, goss?: string) =>
  runOwnChecks(guest, [{ timeout: 60, ...check } as OwnCheck], goss).then(([result]) => result);

const result = (id: string, successful: boolean, more: object = {}) => ({
  ...{ successful, 'resource-type': 'Service', 'resource-id': id, property: 'running' },
  ...{ 'summary-line': `Service: ${id}: running:\nExpected\n    <bool>: false\nto equal\n    <bool>: true`, ...more },
});

test('a command has to end well, and to print what is expected', async () => {
  expect(await run({ run: 'echo fine' })).toMatchObject({ check: 'echo fine', outcome: 'passed' });
  expect(await run({ run: 'echo bad >&2; exit 3' })).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/status 3: bad/),
  });
  expect(await run({ run: 'echo fine', expect: 'good' })).toMatchObject({ outcome: 'failed' });
});

test('a file has to be there, and to hold what it should', async () => {
  writeFileSync(join(home, "it's"), 'authorized use only\n');
  expect(await run({ file: "it's", contains: 'use only' })).toMatchObject({ outcome: 'passed' });
  expect(await run({ file: "it's", contains: 'nobody' })).toMatchObject({ outcome: 'failed' });
  expect(await run({ file: 'nowhere' })).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/No such file/),
  });
});

test('each test of goss that failed becomes a line', async () => {
  const results = [
    result('sshd', true),
    result('chronyd', false),
    result('kdump', false, { 'summary-line-compact': 'Service: kdump: running: Expected false to equal true' }),
    result('old', true, { result: 2 }),
    result('new', true, { result: 2, skipped: true }),
  ];
  const found = await run({ goss: tests }, gossThatPrints(JSON.stringify({ results, summary: {} }), 1));
  expect(found).toEqual({
    check: 'goss goss.yaml',
    outcome: 'failed',
    message: [
      '1 passed, 2 failed, 2 skipped',
      'Service: chronyd: running: Expected <bool>: false to equal <bool>: true',
      'Service: kdump: running: Expected false to equal true',
    ].join('\n'),
  });
  const called = spawnSync('cat', [join(folder, 'called')], { encoding: 'utf8' }).stdout;
  expect(called).toBe('--gossfile ./vmkiln-goss.yaml validate --format json --no-color\n');
  const good = await run({ goss: tests }, gossThatPrints(JSON.stringify({ results: [result('sshd', true)] }), 0));
  expect(good).toMatchObject({ outcome: 'passed', message: '1 passed, 0 failed, 0 skipped' });
});

test.for([
  ['what is no result', 'Error: could not read json data', 78, /status 78: Error: could not read/],
  ['a result after all', JSON.stringify({ results: [result('a', true)] }), 3, /status 3/],
  ['no test at all', '{"results": null}', 0, /there is no test/],
] as const)('goss that says %s has failed', async ([, printed, status, message]) => {
  const found = await run({ goss: tests }, gossThatPrints(printed, status));
  expect(found).toMatchObject({ outcome: 'failed', message: expect.stringMatching(message) });
});

test('a file that cannot be sent is a check that failed', async () => {
  expect(await run({ goss: tests }, join(folder, 'gone'))).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/no such file or directory/),
  });
});

test('goss is looked for only where a check needs it, and before anything is made', async () => {
  const check = { timeout: 60, goss: tests };
  expect(await findGoss([{ timeout: 60, run: 'true' }], { PATH: '' })).toBeUndefined();
  await expect(findGoss([check], { PATH: home })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  chmodSync(gossThatPrints('', 0), 0o755);
  expect(await findGoss([check], { PATH: folder })).toBe(join(folder, 'goss'));
});

test('tests of goss count by their content, and have to be there', async () => {
  const recipe = await rhelRecipe(`verify: { checks: [{ goss: ${tests} }] }\n`);
  const counts = (digest: string) => stage.plan(planInput(recipe, { files: new Map([[tests, digest]]) })).counts;
  expect(counts('a')).not.toEqual(counts('b'));
  expect(JSON.stringify(counts('a'))).not.toContain(folder);
  await expect(rhelRecipe('verify: { checks: [{ goss: nowhere.yaml }] }\n')).rejects.toThrow(
    /:\d+:\d+ verify\.checks\.0\.goss: there is no file .*nowhere\.yaml/,
  );
  const list = join(folder, 'checks.yaml');
  writeFileSync(list, '- goss: goss.yaml\n');
  expect(await loadChecks(list)).toMatchObject([{ goss: tests }]);
  writeFileSync(list, '- goss: other.yaml\n- { run: a, goss: goss.yaml }\n');
  await expect(loadChecks(list)).rejects.toThrow(/expected one of run, file, goss or oscap/);
  writeFileSync(list, '- goss: other.yaml\n');
  await expect(loadChecks(list)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/:1:\d+ 0\.goss: there is no file/),
  });
});
