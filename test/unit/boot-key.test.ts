import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StageContext } from '../../src/stages/stage.ts';
import { watchInstaller } from '../../src/stages/install-watch.ts';

test.each([
  ['begins', 'Setup has started'],
  ['fails', 'FAILED'],
])('the key that the media want pressed is not pressed any more when the installer %s', async (_, line) => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'));
  const console = join(folder, 'console.log');
  writeFileSync(console, 'Press any key to boot from CD or DVD\n');
  let pressed = 0;
  const control = ({ args }: { args: readonly unknown[] }) => {
    if (args.includes('send-key')) pressed += 1;
    return Promise.resolve({ stdout: '', stderr: '', exitCode: 1 });
  };
  const context = {
    work: (name: string) => join(folder, name),
    control,
    emit: () => undefined,
    signal: new AbortController().signal,
    host: { connect: 'qemu:///system' },
    domain: 'x',
  } as unknown as StageContext;
  const log = { phases: [{ match: 'has started', phase: 'x', fraction: 0.1 }], fatal: ['FAILED'] };
  const bootKey = { key: 'KEY_SPACE', every: 0, during: 60 };
  const ended = new AbortController();
  const watching = watchInstaller({ log, timeout: 60, stallTimeout: 60, bootKey }, context, ended.signal);
  await expect.poll(() => pressed).toBeGreaterThan(1);
  appendFileSync(console, `${line}\n`);
  // The line may come in the middle of a round.
  const most = pressed + 1;
  setTimeout(() => ended.abort(), 1400);
  await watching;
  expect(pressed).toBeLessThanOrEqual(most);
});
