import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { guestDone } from '../../src/host/kvm-guest.ts';
import { runGuest } from '../../src/host/kvm.ts';
import { run } from '../support/image.ts';
import { freshFolder } from '../support/vmkiln.ts';

const { signal } = new AbortController();
const runOn = (cpu: string) => runGuest('qemu-system-x86_64', ['-accel', 'tcg', '-cpu', cpu], signal);

test('the guest that tests KVM reaches its end on a CPU that works, and not on one without 64-bit mode', async () => {
  expect(await runOn('max')).toBe(guestDone);
  expect(await runOn('qemu32')).not.toBe(guestDone);
});

/** What `vmkiln verify` does with a clone, which here finds nothing to boot from and stays. */
const clone = `
import { exec } from '${process.cwd()}/dist/tools/exec.js';
import { runClone } from '${process.cwd()}/dist/tools/qemu-clone.js';
const [disk, seed, console, answers] = ['disk', 'seed', 'console', 'answers'].map((name) => process.argv[1] + '/' + name);
const machine = { disk, seed, console, answers, memory: 64 * 1024 ** 2, mac: '52:54:00:76:6b:01', uuid: process.argv[2], port: 0, diskBus: 'virtio', network: false };
const { signal } = new AbortController();
await exec({ ...runClone('qemu-system-x86_64', machine, { accelerator: 'tcg' }, 600), signal });
`;

test('a clone ends with a vmkiln that is killed', async () => {
  const folder = freshFolder('clone');
  const uuid = crypto.randomUUID();
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'disk'), '1M']);
  await run('truncate', ['-s', '1M', join(folder, 'seed')]);
  const guests = () => run('sh', ['-c', `pgrep -f '^qemu-system-x86_64 .*${uuid}' || true`]);
  const until = async (isSo: (found: string) => boolean) => {
    for (let left = 100; left > 0 && !isSo(await guests()); left--) await sleep(200);
  };
  const parent = spawn(process.execPath, ['--input-type=module', '-e', clone, folder, uuid], { stdio: 'ignore' });
  await until((found) => found !== '');
  expect(await guests()).not.toBe('');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until((found) => found === '');
  expect(await guests()).toBe('');
});
