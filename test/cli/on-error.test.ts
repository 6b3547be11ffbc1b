import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

const failing = { FAKE_FAIL: 'guest.sh', FAKE_SAYS: 'it was told to fail' };
const socket = join(mkdtempSync(join(tmpdir(), 'tmux-')), 's');
const tmux = (...words: string[]) =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8' });
afterAll(() => tmux('kill-server'));

const workOf = (host: { folder: string }) => readdirSync(join(host.folder, 'home/cache/work'));

test('a failure names the commands to look at what it kept, or the option that keeps it', async () => {
  const host = fakeHost();
  const run = (...words: string[]) =>
    vmkiln(['build', host.recipe('a'), '--ui', 'plain', ...words], { env: { ...host.env, ...failing } });
  expect((await run()).stderr).toMatch(/\n {2}look: nothing is kept: --on-error keep leaves the disk, .*\n$/);
  expect(workOf(host)).toEqual([]);
  const kept = await run('--on-error', 'keep');
  const [work = ''] = workOf(host);
  expect(kept.stderr.endsWith(`\n  shell: vmkiln shell ${work}\n  remove: vmkiln clean\n`)).toBe(true);
  const old = await run('--keep-on-failure');
  expect(old.stderr).toMatch(/^vmkiln: --keep-on-failure is --on-error keep now\n/);
  expect(workOf(host)).toHaveLength(2);
  expect(await run('--on-error', 'ask')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('there is no terminal to ask at'),
  });
});

test('--on-error ask shows what is kept, builds again from the stage that failed, and cleans up in the end', async () => {
  const host = fakeHost();
  const end = join(host.folder, 'end');
  const variables = Object.entries({ ...host.env, ...failing }).map(([name, value]) => `${name}='${value}'`);
  const program = `${process.execPath} ${resolve('dist/cli.js')}`;
  writeFileSync(
    join(host.folder, 'run.sh'),
    `export ${variables.join(' ')}\n${program} build ${host.recipe('a')} --on-error ask\necho $? > ${end}\nsleep 600\n`,
  );
  tmux(
    '-u',
    'new-session',
    '-d',
    '-s',
    'ask',
    '-x',
    '100',
    '-y',
    '50',
    `env -u CI bash ${join(host.folder, 'run.sh')}`,
  );
  const screen = () => tmux('capture-pane', '-p', '-S', '-', '-t', 'ask');
  const asked = async (times: number) => {
    await expect.poll(() => screen().split('What now?').length - 1, { timeout: 30_000 }).toBe(times);
  };
  const answer = (letter: string) => tmux('send-keys', '-t', 'ask', letter, 'Enter');
  await asked(1);
  expect(screen()).toContain('a failed in sysprep');
  const [first] = workOf(host);
  answer('c');
  await asked(2);
  expect(screen()).toContain(`vmkiln shell ${first}`);
  answer('r');
  await asked(3);
  // The first is gone, and what was installed is used again.
  expect(workOf(host)).toHaveLength(1);
  expect(workOf(host)).not.toContain(first);
  expect(host.runs('virt-install').count).toBe(1);
  expect(host.runs('virt-sysprep').count).toBe(2);
  answer('g');
  await expect.poll(() => existsSync(end) && readFileSync(end, 'utf8'), { timeout: 30_000 }).toBe('1\n');
  expect(workOf(host)).toEqual([]);
});
