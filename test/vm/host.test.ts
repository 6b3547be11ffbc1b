import { expect, test } from 'vitest';
import { guestDone } from '../../src/host/kvm-guest.ts';
import { runGuest } from '../../src/host/kvm.ts';

const { signal } = new AbortController();
const run = (cpu: string) => runGuest('qemu-system-x86_64', ['-accel', 'tcg', '-cpu', cpu], signal);

test('the guest that tests KVM reaches its end on a CPU that works, and not on one without 64-bit mode', async () => {
  expect(await run('max')).toBe(guestDone);
  expect(await run('qemu32')).not.toBe(guestDone);
});
