import type { Worker } from 'bullmq';
import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { watchLease } from '../../src/factory/lease.ts';

afterEach(() => vi.useRealTimers());

/** A lease of 8 s whose renewal was answered at these moments, in seconds: whether it is lost at the last of `at`. */
function isLost(answered: readonly number[], at: number): boolean {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const worker = new EventEmitter();
  const { signal, end } = watchLease(worker as unknown as Worker, 'j', 8, () => undefined);
  let now = 0;
  const until = (then: number) => {
    vi.advanceTimersByTime((then - now) * 1000);
    now = then;
  };
  for (const moment of answered) {
    until(moment);
    worker.emit('locksRenewed', { jobIds: ['j'] });
  }
  until(at);
  end();
  return signal.aborted;
}

test('a lease that is renewed is kept, and one whose renewals are not answered is lost before another worker can have it', () => {
  expect(isLost([1, 2, 3, 4, 5, 6, 7, 8, 9], 14)).toBe(false);
  expect(isLost([1], 8)).toBe(true);
});

test('a late answer renews a lease from the moment at which it was asked for', () => {
  expect(isLost([1, 6.5], 8)).toBe(false);
  expect(isLost([1, 6.5], 9.5)).toBe(true);
});
