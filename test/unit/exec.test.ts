import { readFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';

const signal = new AbortController().signal;

test('lines, log and result are the output, and a secret is in none of them', async () => {
  const log = join(await mkdtemp(join(tmpdir(), 'vmkiln-exec-')), 'out.log');
  const lines: string[] = [];
  const result = await exec({
    program: 'sh',
    args: ['-c', 'echo one; printf "pass hun"; sleep 0.1; echo ter22; echo err >&2'],
    timeout: 10,
    signal,
    log,
    redact: ['hunter22'],
    onLine: (line) => lines.push(line),
  });
  expect(result.stdout).toBe('one\npass ***\n');
  expect(result.stderr).toBe('err\n');
  expect(lines.toSorted()).toEqual(['err', 'one', 'pass ***']);
  expect((await readFile(log, 'utf8')).split('\n').toSorted()).toEqual(['', 'err', 'one', 'pass ***']);
});

test('output without line ends is passed on in pieces, and a secret in it is found wherever it lies', async () => {
  const secret = 'geheimnis'.repeat(300);
  // Over the first piece's end, in the middle, and at the end of all.
  const program = `const s = '${secret}'; const w = (n) => process.stdout.write('x'.repeat(n) + s);
    w(2 ** 20 - 20_000); w(100); w(30_000_000);`;
  const lines: string[] = [];
  const call = { program: process.execPath, args: ['-e', program], timeout: 60, redact: [secret], signal };
  const { stdout } = await exec({ ...call, onLine: (line) => lines.push(line) });
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.join('')).toBe(stdout);
  expect(stdout.replaceAll('x', '')).toBe('*********');
});

test('a failure carries the exit status and the last words', async () => {
  const run = exec({ program: 'sh', args: ['-c', 'echo no such disk >&2; exit 3'], timeout: 10, signal });
  await expect(run).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    message: expect.stringMatching(/status 3.*no such disk/),
    exitCode: 3,
  });
});

test('the last words are not the advice that libguestfs has for other tools', async () => {
  const advice = [
    '',
    'If using guestfish ‘-i’ option, remove this option.',
    '',
    'If using guestmount:',
    'one',
    'two',
    'three',
  ];
  const said = ['guestfish: no operating system was found on this disk', ...advice].join('\n');
  const run = exec({ program: 'sh', args: ['-c', 'echo "$0" >&2; exit 1', said], timeout: 10, signal });
  await expect(run).rejects.toMatchObject({
    message: 'sh exited with status 1: guestfish: no operating system was found on this disk',
  });
});

test.each(['/dev/full', '/no/such/folder/x.log'])('a log that cannot be written (%s) harms nobody', async (log) => {
  const args = ['-c', 'for i in 1 2 3; do echo $i; sleep 0.05; done'];
  expect((await exec({ program: 'sh', args, timeout: 10, signal, log })).stdout).toBe('1\n2\n3\n');
});

test('a full disk and a missing program have names of their own', async () => {
  const full = exec({ program: 'dd', args: ['if=/dev/zero', 'of=/dev/full', 'bs=1', 'count=1'], timeout: 10, signal });
  await expect(full).rejects.toMatchObject({ code: 'DISK_FULL' });
  const missing = exec({ program: 'vmkiln-no-such-program', args: [], timeout: 10, signal });
  await expect(missing).rejects.toMatchObject({ code: 'TOOL_MISSING' });
});

test('a program that cannot be started says why', async () => {
  const run = exec({ program: 'true', args: ['x'.repeat(200_000)], timeout: 10, signal });
  await expect(run).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    message: expect.stringContaining('could not be started'),
    hint: expect.stringContaining('too long'),
  });
});

test.each([
  ['abort', 60, 'INTERRUPTED'],
  ['timeout', 0.3, 'COMMAND_TIMEOUT'],
])('on %s the children of the program die too', async (how, timeout, code) => {
  const controller = new AbortController();
  let child = 0;
  const run = exec({
    program: 'sh',
    args: ['-c', 'sleep 97 & echo $!; wait'],
    timeout,
    signal: controller.signal,
    onLine: (line) => {
      child = Number(line);
      if (how === 'abort') controller.abort();
    },
  });
  await expect(run).rejects.toMatchObject({ code });
  await expect.poll(() => isAlive(child)).toBe(false);
});

test('a program that has to clean up is not killed before its time', async () => {
  const controller = new AbortController();
  const lines: string[] = [];
  const run = exec({
    program: 'sh',
    args: ['-c', `trap 'sleep 2.5; echo cleaned; exit' TERM; echo ready; while :; do sleep 0.1; done`],
    ...{ timeout: 60, grace: 30, signal: controller.signal },
    onLine: (line) => {
      lines.push(line);
      if (line === 'ready') controller.abort();
    },
  });
  await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(lines).toContain('cleaned');
});

test('a confined program has its limits, and is told from one that is missing', async () => {
  const confined = { addressSpace: 2 ** 30, processorTime: 1 };
  const shell = (script: string) => exec({ program: 'sh', args: ['-c', script, 'a b'], timeout: 30, signal, confined });
  expect((await shell('ulimit -v; echo "$0"')).stdout).toBe(`${2 ** 20}\na b\n`);
  await expect(shell('while :; do :; done')).rejects.toMatchObject({
    code: 'COMMAND_TIMEOUT',
    message: 'sh took more than 1s of processor time',
  });
  await expect(shell('exit 3')).rejects.toMatchObject({ code: 'COMMAND_FAILED', exitCode: 3 });
  const missing = exec({ program: 'vmkiln-no-such-program', args: [], timeout: 10, signal, confined: {} });
  await expect(missing).rejects.toMatchObject({ code: 'TOOL_MISSING' });
});

/** A zombie does not count: it runs nothing, and not every machine has an init that buries it. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
