import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import { startAlone } from '../../src/stages/start-alone.ts';
import type { ExecResult } from '../../src/tools/exec.ts';

const done: ExecResult = { stdout: '', stderr: '', exitCode: 0, seconds: 0 };

/** A build with a work folder of its own, and what it says. */
function build(name: string) {
  const folder = mkdtempSync(join(tmpdir(), 'alone-'));
  const said: string[] = [];
  const context = {
    build: name,
    signal: new AbortController().signal,
    work: (file: string) => join(folder, file),
    emit: (event: object) => void ('message' in event && said.push(String(event.message))),
  };
  return { context, said, starts: () => writeFileSync(join(folder, 'console.log'), '') };
}

/** A libvirt that nobody else speaks to. */
const connect = (name: string) => `test:///${process.pid}-${name}`;

test('one that has to wait for another says for which, and starts when the guest of that runs', async () => {
  const [one, other] = [build('rhel9-20260102-030405-abcd'), build('other')];
  const order: string[] = [];
  const runs = (name: string) => () => {
    order.push(name);
    return new Promise<ExecResult>(() => undefined);
  };
  const first = startAlone(connect('waits'), one.context, runs('one'));
  await expect.poll(() => order).toEqual(['one']);
  const second = startAlone(connect('waits'), other.context, runs('other'));
  await expect
    .poll(() => other.said)
    .toContain('waiting until the build rhel9-20260102-030405-abcd has started its guest');
  expect(order).toEqual(['one']);
  one.starts();
  await first;
  await expect.poll(() => order).toEqual(['one', 'other']);
  other.starts();
  await second;
  expect(one.said).toEqual([]);
});

test('a guest that does not start is told, its virt-install is stopped, and the next one may start', async () => {
  const [stuck, next] = [build('stuck'), build('next')];
  const hangs = (stop: AbortSignal) =>
    new Promise<ExecResult>((_, reject) => {
      stop.addEventListener('abort', () => reject(new VmkilnError('INTERRUPTED', 'stopped')));
    });
  await expect(startAlone(connect('hangs'), stuck.context, hangs, 0.1)).rejects.toMatchObject({
    code: 'COMMAND_TIMEOUT',
    hint: expect.stringContaining('virsh --connect test:///'),
  });
  next.starts();
  const { running } = await startAlone(connect('hangs'), next.context, async () => done);
  expect(await running).toBe(done);
});

test('virt-install that fails before its guest starts is no wait', async () => {
  const { context } = build('fails');
  const fails = () => Promise.reject(new VmkilnError('COMMAND_FAILED', 'virt-install exited with status 1'));
  const { running } = await startAlone(connect('fails'), context, fails);
  await expect(running).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
});
