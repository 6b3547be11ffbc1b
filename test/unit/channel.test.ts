import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterStep,
  checkChannel,
  currentOf,
  earlierOf,
  generationOf,
  type Goal,
  type Held,
  nextStep,
  reach,
  remembered,
  type Step,
} from '../../src/targets/channel.ts';
import { serialAt } from '../../src/targets/serial.ts';

const ids = ['a', 'b', 'c', 'd'];

/** Images that a channel has never had, each newer than the one before. */
const fresh = (names: readonly string[] = ids): Held[] =>
  names.map((id, age) => ({
    ...{ id, serial: serialAt(age * 1000), generation: undefined },
    ...{ shown: false, left: false, revoked: false, usable: true },
  }));

const go = (goal: Goal, images: readonly Held[]) => reach('prod', goal, images).images;
const promote = (id: string, images: readonly Held[]) => go({ do: 'promote', id, older: false }, images);
const rollback = (images: readonly Held[]) =>
  go({ do: 'roll back', from: { id: '', generation: 0, ...currentOf(images) } }, images);
const revoke = (names: readonly string[], images: readonly Held[]) => {
  const goal: Goal = { do: 'avoid', ids: new Set(names) };
  const marked = go(goal, images).map((each) => (names.includes(each.id) ? { ...each, revoked: true } : each));
  return go(goal, marked);
};
const state = (images: readonly Held[]) => [
  currentOf(images)?.id,
  earlierOf(images)
    .map(({ id }) => id)
    .join(''),
  generationOf(images),
];

test('a rollback leaves an image for good, with a higher generation and an older serial', () => {
  const three = promote('c', promote('b', promote('a', fresh())));
  expect(state(three)).toEqual(['c', 'ba', 3]);
  const back = rollback(three);
  expect(state(back)).toEqual(['b', 'a', 4]);
  expect(state(rollback(back))).toEqual(['a', '', 5]);
  expect(() => rollback(rollback(back))).toThrow('prod has no image that it could go back to from a');
  // It may be promoted again, and is newer than what is there.
  expect(state(promote('c', back))).toEqual(['c', 'ba', 5]);
});

test('an older image is promoted only if that is said, and one that is there changes nothing', () => {
  const two = promote('c', promote('b', fresh()));
  expect(() => promote('a', two)).toThrow('prod has a newer image, c');
  expect(state(go({ do: 'promote', id: 'a', older: true }, two))).toEqual(['a', 'cb', 3]);
  expect(reach('prod', { do: 'promote', id: 'c', older: false }, two)).toEqual({ images: two, end: 'unchanged' });
});

test('a channel whose image was signed takes no image without a signature', () => {
  const signed = go(
    { do: 'promote', id: 'a', older: false, signedBy: 'k' },
    fresh().map((each) => ({ ...each, ...(each.id === 'a' && { signedBy: 'k' }) })),
  );
  expect(() => promote('b', signed)).toThrow('the images of prod are signed');
  expect(currentOf(go({ do: 'promote', id: 'b', older: false, signedBy: 'other' }, signed))?.id).toBe('b');
});

test('revoked images are left for the last good one, or for none', () => {
  const three = promote('c', promote('b', promote('a', fresh())));
  expect(state(revoke(['c', 'b'], three))).toEqual(['a', '', 4]);
  expect(state(revoke(['b'], three))).toEqual(['c', 'a', 3]);
  const none = revoke(['a', 'b', 'c'], three);
  expect(state(none)).toEqual([undefined, '', 3]);
  expect(() => promote('c', none)).toThrow('c is revoked');
  expect(state(promote('d', none))).toEqual(['d', '', 4]);
});

test('a channel remembers so many images and no more', () => {
  const names = Array.from({ length: remembered + 3 }, (_, index) => String.fromCharCode(97 + index));
  let images: readonly Held[] = fresh(names);
  for (const id of names) images = promote(id, images);
  expect(earlierOf(images)).toHaveLength(remembered - 1);
});

test.each(['Prod', '', 'a_b', 'a b', '-a', 'a/b', 'x'.repeat(64)])('%j is no name of a channel', (name) => {
  expect(() => checkChannel(name)).toThrow('cannot be the name of a channel');
});

/** Somebody who wants something, decides by a look that may be old, and may be gone at any moment. */
const actor = fc.record({
  wants: fc.constantFrom('promote', 'roll back', 'revoke'),
  id: fc.constantFrom(...ids),
  dies: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(8) }),
});

/** A place that makes one step at a time, and refuses one of an image that is not what it was when that was decided. */
function place(images: readonly Held[]) {
  const seen = { images };
  return {
    ...{ seen },
    make: (step: Step, decidedBy: readonly Held[]) => {
      const [then, now] = [decidedBy, seen.images].map((all) => all.find(({ id }) => id === step.id));
      if (then?.generation !== now?.generation || then?.left !== now?.left) return false;
      seen.images = afterStep(seen.images, step);
      return true;
    },
  };
}

test('whoever asks, between any two steps of any who change it: exactly one good image, once there was one', () => {
  fc.assert(
    fc.property(
      fc.array(actor, { minLength: 2, maxLength: 5 }),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 200 }),
      (actors, turns) => {
        const { seen, make } = place(promote('b', promote('a', fresh())));
        const running = actors.map(function* ({ wants, id }) {
          const look = () => seen.images;
          const first = look();
          yield;
          const now = currentOf(first);
          const names = new Set([id]);
          const goals: (Goal | 'mark')[] =
            wants === 'promote'
              ? [{ do: 'promote', id, older: true }]
              : wants === 'roll back'
                ? [{ do: 'roll back', from: { id: now?.id ?? '', generation: now?.generation } }]
                : [{ do: 'avoid', ids: names }, 'mark', { do: 'avoid', ids: names }];
          for (const goal of goals) {
            if (goal === 'mark') {
              seen.images = seen.images.map((each) =>
                each.id === id ? { ...each, revoked: true, left: each.generation !== undefined } : each,
              );
              yield;
              continue;
            }
            let raised: Extract<Step, { do: 'raise' }> | undefined;
            for (let rounds = 0; ; rounds++) {
              expect(rounds, 'it never comes to an end').toBeLessThan(60);
              const images = look();
              yield;
              const next = nextStep('prod', goal, images, raised);
              if (!('step' in next)) break;
              if (make(next.step, images) && next.step.do === 'raise') raised = next.step;
              yield;
            }
          }
        });
        const asked = actors.map(() => 0);
        for (let turn = 0; ; turn++) {
          const able = running.flatMap((_, at) =>
            (asked[at] ?? 0) <= Math.min(actors[at]?.dies ?? 0, 1000) ? [at] : [],
          );
          const at = able[(turns[turn % turns.length] ?? 0) % able.length];
          if (at === undefined) break;
          asked[at] = (asked[at] ?? 0) + 1;
          if (running[at]?.next().done) asked[at] = Infinity;
          const good = seen.images.some(
            ({ generation, revoked, left }) => generation !== undefined && !revoked && !left,
          );
          if (good) expect(currentOf(seen.images), 'somebody finds none').toBeDefined();
          expect(currentOf(seen.images)?.revoked ?? false).toBe(false);
        }
        if (actors.every(({ dies }) => dies === Infinity)) {
          expect(seen.images.filter(({ shown }) => shown).length).toBeLessThanOrEqual(1);
          const some = earlierOf(seen.images).length > 0;
          if (some) expect(seen.images.filter(({ shown, revoked }) => shown && !revoked)).toHaveLength(1);
        }
      },
    ),
    { numRuns: Number(process.env['VMKILN_ORDERS'] ?? 1000) },
  );
});
