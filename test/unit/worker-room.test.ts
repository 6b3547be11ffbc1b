import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { LoadedFactory } from '../../src/factory/load.ts';
import { roomOf, roomPause } from '../../src/factory/worker-room.ts';
import type { Paths } from '../../src/store/paths.ts';
import { freshFolder } from '../support/vmkiln.ts';

test('a host without room leaves builds to others, and puts off what nobody takes', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const cache = freshFolder('room');
  mkdirSync(join(cache, 'work'));
  const loaded = (room: number) => ({ factory: { limits: { room } } }) as LoadedFactory;
  let paused = 0;
  const room = roomOf({ cache, work: join(cache, 'work') } as Paths, () => (paused += 1));
  const queue = (active: number) => ({ getActiveCount: async () => active });
  const lacks = (bytes: number) => room.lacks(loaded(bytes), async () => undefined);
  expect(await lacks(2 ** 60)).toMatch(/^no room in .*, limits\.room is /);
  expect([await room.isHopeful(queue(1)), paused]).toEqual([true, 1]);
  vi.advanceTimersByTime(roomPause);
  await lacks(2 ** 60);
  // Another one builds, and may take it afterwards.
  expect([await room.isHopeful(queue(2)), paused]).toEqual([true, 2]);
  expect([await room.isHopeful(queue(1)), paused]).toEqual([false, 2]);
  expect(await lacks(1)).toBeUndefined();
  await lacks(2 ** 60);
  expect(await room.isHopeful(queue(1))).toBe(true);
  vi.useRealTimers();
});
