import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeBeside } from '../../src/store/beside.ts';
import { ownIdentity } from '../../src/store/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-beside-'));

test('what a killed process of this host left goes; that of a living one and of another host stay', async () => {
  const { pid, startTime } = ownIdentity();
  const dead = `.vmkiln-${hostname()}-${pid}-${Number(startTime) + 1}-abcDEF`;
  const stay = [
    `.vmkiln-${hostname()}-${pid}-${startTime}-abcDEF`,
    `.vmkiln-x${hostname()}-1-1-abcDEF`,
    '.vmkiln-other',
  ];
  for (const name of [dead, ...stay]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'half'), '');
  }
  await makeBeside([join(folder, 'image')], false, async (temporary) => {
    expect(readdirSync(folder)).toHaveLength(stay.length + 1);
    writeFileSync(join(temporary, 'image'), 'whole');
  });
  expect(readdirSync(folder).toSorted()).toEqual([...stay, 'image'].toSorted());
});
