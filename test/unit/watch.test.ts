import { appendFile, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { follow } from '../../src/stages/follow.ts';
import { compileLog, seeActivity, seeLine, startWatch, verdict } from '../../src/stages/watch.ts';

const installer = compileLog({
  phases: [
    { match: 'Creating', phase: 'partitioning', fraction: 0.1 },
    { match: 'Installing', phase: 'installing packages', fraction: 0.4 },
  ],
  fatal: ['The following problem occurred on line'],
  finished: 'Powering off',
  remark: 'not rehearsed: (.+)$',
});
const limits = { startedAt: 0, stallTimeout: 60, timeout: 600 };
const quiet = { cpu: 0, written: 0, received: 0 };

describe('watching an installation', () => {
  test('phases follow the log and never go back', () => {
    const lines = ['Creating xfs on /dev/vda2', 'Installing glibc', 'Creating a user'];
    const watch = lines.reduce((state, line) => seeLine(state, line, installer, 1), startWatch(0));
    expect(watch).toMatchObject({ phase: 'installing packages', fraction: 0.4 });
  });

  test('a fatal line ends it a moment later, with its explanation', () => {
    const lines = ['The following problem occurred on line 7 of the kickstart file:', '', 'Unknown command: foo'];
    const watch = lines.reduce((state, line) => seeLine(state, line, installer, 1000), startWatch(0));
    expect(verdict(watch, limits, 1100)).toBe('go on');
    expect(verdict(watch, limits, 3000)).toBe('fatal');
    expect(watch.fatal?.lines).toEqual([lines[0], lines[2]]);
  });

  test('what the log says after the end is not fatal', () => {
    const watch = ['Powering off.', lines7].reduce((state, line) => seeLine(state, line, installer, 1), startWatch(0));
    expect(watch.finished).toBe(true);
    expect(watch.fatal).toBeUndefined();
  });

  test('a guest that only computes is not stalled; one that waits is', () => {
    let watch = seeActivity(startWatch(0), quiet, 0);
    watch = seeActivity(watch, { ...quiet, cpu: 55e9 }, 59_000);
    expect(verdict(watch, limits, 61_000)).toBe('go on');
    watch = seeActivity(watch, { cpu: 55.2e9, written: 4096, received: 600 }, 119_500);
    expect(verdict(watch, limits, 119_500)).toBe('stalled');
  });

  test('a kernel that hangs while it boots computes and is silent; an installer may be', () => {
    const boot = { ...limits, stallTimeout: 900, timeout: 9000, bootSilence: 600 };
    expect(verdict(startWatch(0), boot, 700_000)).toBe('go on');
    expect(verdict(seeActivity(startWatch(0), quiet, 500_000), boot, 1_099_999)).toBe('go on');
    let watch = seeLine(seeActivity(startWatch(0), quiet, 2000), 'clocksource: acpi_pm', installer, 3000);
    watch = seeActivity(watch, { ...quiet, cpu: 1200e9 }, 604_000);
    expect(verdict(watch, boot, 602_000)).toBe('go on');
    expect(verdict(watch, boot, 603_000)).toBe('frozen');
    expect(verdict(watch, { ...boot, bootSilence: undefined }, 603_000)).toBe('go on');
    expect(verdict(seeActivity(watch, { ...quiet, cpu: 1200e9, written: 512 }, 604_000), boot, 605_000)).toBe('go on');
    expect(verdict(seeLine(watch, 'Installing x', installer, 3000), boot, 605_000)).toBe('go on');
  });

  test('the whole time is bounded even while everything moves', () => {
    const watch = seeLine(startWatch(0), 'Installing x', installer, 599_999);
    expect(verdict(watch, limits, 600_000)).toBe('timeout');
  });
});

const lines7 = 'The following problem occurred on line 7';

test('a followed log gives whole lines, survives rotation and loses terminal sequences', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'vmkiln-follow-')), 'console.log');
  const read = follow(path);
  expect(await read()).toEqual([]);
  await writeFile(path, 'one\r\ntw');
  expect(await read()).toEqual(['one']);
  await appendFile(path, 'o \u001b[1mbold\u001b[0m\n');
  expect(await read()).toEqual(['two bold']);
  await writeFile(path, 'new\n');
  expect(await read()).toEqual(['new']);
});
