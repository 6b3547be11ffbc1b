import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { validateAnswers } from '../../src/tools/ksvalidator.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-ksvalidator-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is made of a validator that says `words` and exits with `status`, as pykickstart's does. */
async function found(status: number, words: string): Promise<string[]> {
  const program = join(folder, `status-${status}`);
  writeFileSync(program, `#!/bin/sh\ncat <<'END'\n${words}\nEND\nexit ${status}\n`, { mode: 0o755 });
  const file = { file: 'ks.cfg', program, args: [], text: 'reboot\n' };
  return (await validateAnswers(file, new AbortController().signal)).map((line) => line.replace(`${program}: `, ''));
}

test('each mistake is told, however many make the status', async () => {
  expect(await found(0, '')).toEqual([]);
  expect(await found(1, 'Unknown command: a')).toEqual(['Unknown command: a']);
  expect(await found(2, 'Unknown command: a\nUnknown command: b')).toEqual([
    'Unknown command: a',
    'Unknown command: b',
  ]);
});

test('a release that the validator is too old for is no mistake', async () => {
  expect(await found(1, 'The version RHEL10 is not supported by pykickstart')).toEqual([]);
});
