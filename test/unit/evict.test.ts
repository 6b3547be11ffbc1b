import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { evict, type Stored } from '../../src/store/evict.ts';

/** A store of a few files on top of each other, with equal ages and sizes among them, and some of them in use. */
const world = fc
  .array(
    fc.record({
      below: fc.array(fc.nat(), { maxLength: 2 }),
      bytes: fc.integer({ min: 0, max: 5 }),
      used: fc.integer({ min: 0, max: 4 }),
      inUse: fc.integer({ min: 0, max: 3 }).map((dice) => dice === 0),
    }),
    { maxLength: 9 },
  )
  .map((drafts) => ({
    files: drafts.map(({ below, bytes, used }, index): Stored => ({
      id: `f${index}`,
      // Files further down, and some that are not there.
      below: below.map((pick) => (index === 0 ? 'gone' : `f${pick % index}`)),
      bytes,
      used,
    })),
    inUse: new Set(drafts.flatMap(({ inUse }, index) => (inUse ? [`f${index}`] : []))),
  }));

const size = (files: readonly Stored[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Whether `upper` stands on `lower`, at any distance; a file stands on itself. */
function standsOn(files: readonly Stored[], upper: Stored, lower: Stored): boolean {
  return (
    upper === lower || upper.below.some((id) => files.some((file) => file.id === id && standsOn(files, file, lower)))
  );
}

test('what stays fits or is in use; nothing in use goes, nor what anything kept stands on; the oldest go first', () => {
  fc.assert(
    fc.property(world, fc.integer({ min: 0, max: 30 }), ({ files, inUse }, keep) => {
      const removed = evict(files, inUse, keep);
      const kept = files.filter((file) => !removed.includes(file));
      const pinned = (file: Stored) => files.some((user) => inUse.has(user.id) && standsOn(files, user, file));
      const used = (file: Stored) =>
        Math.max(...files.filter((user) => standsOn(files, user, file)).map((user) => user.used));
      const free = kept.filter((file) => !pinned(file));
      expect(keep > 0 ? size(kept) <= keep || free.length === 0 : free.length === 0).toBe(true);
      for (const [index, file] of removed.entries()) {
        expect(pinned(file)).toBe(false);
        // Leaves first, so that a removal that is cut short leaves no overlay without what is below it.
        const left = [...kept, ...removed.slice(index + 1)];
        expect(left.some((user) => standsOn(files, user, file))).toBe(false);
        expect(free.some((other) => used(other) < used(file))).toBe(false);
        // No more than was needed.
        if (keep > 0) expect(size(left) + file.bytes).toBeGreaterThan(keep);
      }
    }),
  );
});

test('records that name each other in a circle do not hang it', () => {
  const circle = ['a', 'b'].map((id) => ({ id, below: [id === 'a' ? 'b' : 'a'], bytes: 1, used: 1 }));
  expect(evict(circle, new Set(), 0)).toHaveLength(2);
  expect(evict(circle, new Set(['a']), 0)).toEqual([]);
});
