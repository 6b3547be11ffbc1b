import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memAvailable } from '../../src/host/room.ts';
import type { Weight } from '../../src/model.ts';
import { admit, type Pool, poolOf as openPool, withWeight } from '../../src/pipeline/pool.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { planInput } from '../support/plan-input.ts';
import { rhelRecipe } from '../support/rhel.ts';

const gib = 1024 ** 3;
const names = ['memory', 'cores', 'disk'] as const;
const none: Weight = { memory: 0, cores: 0, disk: 0 };

function weight(memory: number, cores = 0, disk = 0): Weight {
  return { memory, cores, disk };
}

/** A pool of a host on which nothing else happens. */
function poolOf({ memory, cores, disk }: Weight): Pool {
  return openPool(cores, () => ({ memory, disk }));
}

/** Something in the pool that ends when it is told to. */
function stage(pool: Pool, asked: Weight, signal = new AbortController().signal) {
  const said: string[] = [];
  let end = () => {};
  let isInside = false;
  const body = () => {
    isInside = true;
    return new Promise<void>((resolve) => (end = resolve));
  };
  const done = withWeight(pool, asked, { what: 'install', signal, waiting: (message) => said.push(message) }, body);
  done.catch(() => undefined);
  return {
    done,
    said,
    inside: () => isInside,
    end: async () => {
      end();
      await done;
      await settled();
    },
  };
}

/** Lets everybody begin who was let in. */
function settled(): Promise<void> {
  return delay(0);
}

const amount = fc.integer({ min: 0, max: 12 });
const anyWeight = fc.record({ memory: amount, cores: amount, disk: amount });

test('everyone is served, and never more is given than there is, except to one alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyWeight, { maxLength: 12 }), anyWeight, async (asked, room) => {
      const pool = poolOf(room);
      const inside = new Set<Weight>();
      const served = asked.map((each) =>
        withWeight(
          pool,
          each,
          { what: 'x', signal: new AbortController().signal, waiting: () => undefined },
          async () => {
            inside.add(each);
            for (const name of names) {
              const users = [...inside].filter((other) => other[name] > 0);
              const sum = users.reduce((total, other) => total + other[name], 0);
              if (sum > room[name] && users.length > 1) throw new Error(`${sum} of ${room[name]} ${name}`);
            }
            await delay(0);
            inside.delete(each);
            return each;
          },
        ),
      );
      expect(await Promise.all(served)).toEqual(asked);
      expect(pool.held).toEqual(none);
      expect(pool.waiting).toEqual([]);
    }),
  );
});

test('who comes later takes nothing that one before waits for', () => {
  fc.assert(
    fc.property(fc.array(anyWeight, { maxLength: 8 }), anyWeight, anyWeight, (asks, held, free) => {
      const all = admit(asks, held, free);
      // The verdict on each is the same without those behind it, and with all those before it inside already.
      for (const [index, ask] of asks.entries()) {
        expect(admit(asks.slice(0, index + 1), held, free)[index]).toEqual(all[index]);
        const before = asks.slice(0, index);
        const sum = (name: keyof Weight) => before.reduce((total, other) => total + other[name], 0);
        const claimed = { memory: sum('memory'), cores: sum('cores'), disk: sum('disk') };
        const left = Object.fromEntries(names.map((name) => [name, free[name] - claimed[name]])) as Weight;
        const taken = Object.fromEntries(names.map((name) => [name, held[name] + claimed[name]])) as Weight;
        expect(admit([ask], taken, left)[0]).toEqual(all[index]);
      }
    }),
  );
});

test('the first that asked is the first to begin, though a later one would fit', async () => {
  const pool = poolOf(weight(4, 4, 10));
  const [first, large, small, upload] = [weight(3, 1), weight(3, 1), weight(1, 1), weight(0, 0, 5)].map((each) =>
    stage(pool, each),
  );
  await settled();
  expect([first, large, small, upload].map((each) => each?.inside())).toEqual([true, false, false, true]);
  await first?.end();
  expect([large?.inside(), small?.inside()]).toEqual([true, true]);
});

test('one that is heavier than the host runs alone', async () => {
  const pool = poolOf(weight(4, 2, 10));
  const small = stage(pool, weight(1, 1));
  const giant = stage(pool, weight(64, 1));
  const later = stage(pool, weight(1, 1));
  await settled();
  expect([giant.inside(), later.inside()]).toEqual([false, false]);
  await small.end();
  expect([giant.inside(), later.inside()]).toEqual([true, false]);
  await giant.end();
  expect(later.inside()).toBe(true);
});

test('who waits is told once for what, with amounts', async () => {
  const pool = poolOf(weight(3 * gib, 2, 8 * gib));
  const first = stage(pool, weight(2 * gib, 1, 6 * gib));
  const second = stage(pool, weight(2 * gib, 1, gib));
  const third = stage(pool, weight(0, 2, 4 * gib));
  await settled();
  expect(first.said).toEqual([]);
  expect(second.said).toEqual(['waiting for 2 GiB of memory (1 GiB free)']);
  expect(third.said).toEqual([
    'waiting for 2 cores (1 of 2 free) and 4 GiB of disk space (2 GiB free), after one other build',
  ]);
  await first.end();
  expect([second.said.length, third.said.length]).toEqual([1, 1]);
});

test('a stage that fails gives back its room; one that is aborted while it waits gives up its claim', async () => {
  const pool = poolOf(weight(4, 4, 4));
  const controller = new AbortController();
  let fail = () => {};
  const failing = withWeight(
    pool,
    weight(3),
    { what: 'x', signal: controller.signal, waiting: () => undefined },
    () => new Promise<void>((_resolve, reject) => (fail = () => reject(new Error('no')))),
  );
  const waiting = stage(pool, weight(3), controller.signal);
  const behind = stage(pool, weight(2));
  await settled();
  expect([waiting.inside(), behind.inside()]).toEqual([false, false]);
  controller.abort();
  await expect(waiting.done).rejects.toMatchObject({ code: 'INTERRUPTED' });
  fail();
  await expect(failing).rejects.toThrow('no');
  await settled();
  expect(behind.inside()).toBe(true);
  await behind.end();
  expect(pool.held).toEqual(none);
  await expect(stage(pool, weight(1), controller.signal).done).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

test('memory that other programs take is not given, and what they give back is', async () => {
  let memory = 8;
  const pool = openPool(8, () => ({ memory, disk: 0 }));
  const first = stage(pool, weight(3, 1));
  memory = 2;
  const second = stage(pool, weight(3, 1));
  await settled();
  expect(second.inside()).toBe(false);
  memory = 9;
  const third = stage(pool, weight(3, 1));
  await settled();
  expect([second.inside(), third.inside()]).toEqual([true, true]);
  // Promised memory counts although the host does not show it as used yet.
  const fourth = stage(pool, weight(1, 1));
  await settled();
  expect(fourth.inside()).toBe(false);
  await first.end();
  expect(fourth.inside()).toBe(true);
});

test('MemAvailable is what can be had, in bytes', () => {
  expect(memAvailable('MemTotal:  2048 kB\nMemFree:   12 kB\nMemAvailable:    1024 kB\n')).toBe(1024 ** 2);
  expect(memAvailable('MemTotal:  2048 kB\n')).toBeUndefined();
});

test('an installation weighs its machine, a stage in an appliance the appliance, an upload only what it writes', async () => {
  const recipe = await rhelRecipe('machine: { memory: 2G, vcpus: 2 }\ndisk: { size: 8G }\npackages: [tmux]');
  const plan = makePlan(planInput(recipe));
  const weights = Object.fromEntries(plan.stages.map(({ stage: name, weight: takes }) => [name, takes]));
  expect(weights['disk']).toEqual(none);
  expect(weights['install']).toEqual({ memory: 2.5 * gib, cores: 1, disk: 2 * gib });
  expect(weights['customize']).toEqual({ memory: 1.75 * gib, cores: 1, disk: 2 * gib });
  expect(weights['upload']).toEqual({ memory: 0, cores: 0, disk: 2 * gib });
  const predicted = makePlan(planInput(recipe, { predictions: { install: { bytes: 7, seconds: 1 } } }));
  expect(predicted.stages[1]?.weight.disk).toBe(7);
});
