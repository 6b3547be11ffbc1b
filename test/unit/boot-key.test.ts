import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StageContext } from '../../src/stages/stage.ts';
import { watchInstaller } from '../../src/stages/install-watch.ts';

const log = { phases: [{ match: 'has started', phase: 'x', fraction: 0.1 }], fatal: ['FAILED'] };

/** The context of a build whose guest takes a key when `takes` says so of their count; and its console. */
function watched(takes: (count: number) => boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'));
  const console = join(folder, 'console.log');
  writeFileSync(console, 'Press any key to boot from CD or DVD\n');
  const keys = { pressed: 0 };
  const control = ({ args }: { args: readonly unknown[] }) => {
    if (!args.includes('send-key')) return Promise.resolve({ stdout: '', stderr: '', exitCode: 1 });
    keys.pressed += 1;
    return Promise.resolve({ stdout: '', stderr: '', exitCode: takes(keys.pressed) ? 0 : 1 });
  };
  const context = {
    work: (name: string) => join(folder, name),
    control,
    emit: () => undefined,
    signal: new AbortController().signal,
    host: { connect: 'qemu:///system' },
    domain: 'x',
  } as unknown as StageContext;
  return { keys, console, context };
}

test('the time that keys are pressed for begins when the guest takes one', async () => {
  const { keys, context } = watched((count) => count === 4);
  const bootKey = { key: 'KEY_SPACE', every: 0, during: 0 };
  const ended = new AbortController();
  const watching = watchInstaller({ log, timeout: 60, stallTimeout: 60, bootKey }, context, ended.signal);
  await expect.poll(() => keys.pressed, { timeout: 10_000 }).toBe(4);
  setTimeout(() => ended.abort(), 1400);
  await watching;
  expect(keys.pressed).toBe(4);
});

test.each([
  ['begins', 'Setup has started'],
  ['fails', 'FAILED'],
])('the key that the media want pressed is not pressed any more when the installer %s', async (_, line) => {
  const { keys, console, context } = watched(() => false);
  const bootKey = { key: 'KEY_SPACE', every: 0, during: 60 };
  const ended = new AbortController();
  const watching = watchInstaller({ log, timeout: 60, stallTimeout: 60, bootKey }, context, ended.signal);
  await expect.poll(() => keys.pressed).toBeGreaterThan(1);
  appendFileSync(console, `${line}\n`);
  // The line may come in the middle of a round.
  const most = keys.pressed + 1;
  setTimeout(() => ended.abort(), 1400);
  await watching;
  expect(keys.pressed).toBeLessThanOrEqual(most);
});
