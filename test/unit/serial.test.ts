import fc from 'fast-check';
import { chosenIds, uuidOf } from '../../src/targets/glance/chosen-id.ts';
import { expect, test } from 'vitest';
import {
  checkClock,
  hintForOlder,
  isSerial,
  noSerial,
  serialAfter,
  serialAt,
  serialNow,
  serialOfBuild,
} from '../../src/targets/serial.ts';

/** Milliseconds since 1970. */
const moment = fc.double({ min: 0, max: Date.UTC(2200, 0, 1), noNaN: true });

test('serials are in the order of their moments, and the next one is the least above', () => {
  const tick = 1000 / 0x10000;
  fc.assert(
    fc.property(moment, moment, (one, other) => {
      const [first, second] = [serialAt(one), serialAt(other)];
      expect(isSerial(first)).toBe(true);
      if (one + tick < other) expect(first < second).toBe(true);
      const next = serialAfter(first);
      expect(next > first && next > noSerial).toBe(true);
      expect(second <= first || second >= next).toBe(true);
    }),
  );
});

test('a build has the serial of its id; what is published now is above all before', () => {
  expect(serialAt(Date.UTC(2026, 10, 28, 8, 25, 58, 500))).toBe('20261128-082558-8000');
  expect(serialOfBuild('rhel-7.9-20261128-082558-ab12')).toBe('20261128-082558-ab12');
  expect(serialOfBuild('b1')).toBe(noSerial);
  const all = Array.from({ length: 100 }, serialNow);
  expect(all).toEqual([...new Set(all)].toSorted());
});

test('a serial ahead of the clock of its place is refused from ten minutes on, and told as such when it is there', () => {
  const now = Date.UTC(2026, 0, 1);
  const ahead = (minutes: number) => serialAt(now + minutes * 60_000);
  expect(() => checkClock(ahead(9.9), now, 'c')).not.toThrow();
  expect(() => checkClock(ahead(10.1), now, 'c')).toThrow(/10m 06s after what is now the time of c/);
  expect(() => checkClock(ahead(99), undefined, 'c')).not.toThrow();
  expect(hintForOlder(ahead(5), now, 'remove it')).toContain('--rollback');
  expect(hintForOlder(ahead(11), now, 'remove it')).toContain('remove it');
});

test('the ids of a publication are UUIDs of RFC 9562, and no two are alike', () => {
  // Of its appendix A.4.
  expect(uuidOf('www.example.com', '6ba7b810-9dad-11d1-80b4-00c04fd430c8')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
  const [serial, other] = [serialAt(0), serialAt(1)];
  const all = [
    { project: 'p', name: 'x', serial },
    { project: 'p', name: 'x', serial: other },
    { project: 'p', name: 'y', serial },
    { project: 'q', name: 'x', serial },
  ].flatMap((each) => [...chosenIds(each)]);
  expect(new Set(all).size).toBe(all.length);
});
