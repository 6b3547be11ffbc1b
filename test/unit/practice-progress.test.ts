import { appendFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { followMmdebstrap } from '../../src/rehearsal/mmdebstrap.ts';

test('a practice DVD tells how far its packages are, by what dpkg has logged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mmdebstrap-'));
  const [archives, log] = [join(folder, 'var/cache/apt/archives'), join(folder, 'var/log/dpkg.log')];
  for (const each of [archives, join(folder, 'var/log')]) mkdirSync(each, { recursive: true });
  for (const name of ['a.deb', 'b.deb', 'lock']) writeFileSync(join(archives, name), '');
  writeFileSync(log, '2026-11-29 11:00:00 install base-files:amd64 <none> 12\n');
  const told: [string, number][] = [];
  const { onLine, close } = followMmdebstrap((...progress) => told.push(progress));
  onLine(`I: using ${folder} as tempdir`);
  onLine('I: extracting archives...');
  onLine('I: installing remaining packages inside the chroot...');
  expect(told).toEqual([
    ['unpacking the base system', 0.03],
    ['installing packages', 0.21],
  ]);
  // What was there before does not count; a half of what is to come is installing, the other configuring.
  await expect.poll(() => told.length).toBe(3);
  appendFileSync(log, '2026-11-29 11:00:01 install a:amd64 <none> 1\n2026-11-29 11:00:02 status unpacked a:amd64 1\n');
  await expect.poll(() => told.at(-1)?.[1]).toBeCloseTo(0.21 + 0.62 / 4);
  for (const [action, name] of [
    ['configure', 'a'],
    ['install', 'b'],
    ['configure', 'b'],
  ])
    appendFileSync(log, `2026-11-29 11:00:03 ${action} ${name}:amd64 1 <none>\n`);
  await expect.poll(() => told.at(-1)?.[1]).toBeCloseTo(0.83);
  onLine('I: creating tarball...');
  close();
  expect(told.at(-1)).toEqual(['packing the system', 0.86]);
});
