import { expect, test } from 'vitest';
import { anaconda } from '../../src/families/rhel/anaconda.ts';
import { windowsSetup } from '../../src/families/windows/setup-log.ts';
import { practiceLog } from '../../src/rehearsal/log.ts';
import { compileLog, seeLine, startWatch } from '../../src/stages/watch.ts';

const installers = { rhel: anaconda, windows: windowsSetup };

const watchOf = (family: keyof typeof installers, rehearsal: boolean, line: string) => {
  const installer = installers[family];
  return seeLine(startWatch(0), line, compileLog(rehearsal ? practiceLog(installer, family) : installer), 1);
};

test.each(['rhel', 'windows'] as const)(
  '%s: what was not rehearsed is told of a rehearsal, and of no other build',
  (family) => {
    const line = '04:11:20,514 WARNING anaconda: not rehearsed: firewall --enabled';
    expect(watchOf(family, true, line).remarks).toEqual(['firewall --enabled']);
    expect(watchOf(family, false, line).remarks).toEqual([]);
  },
);

test.each([
  'Windows Setup: error: the partition 3 is not there',
  '[    2.1] Kernel panic - not syncing: Attempted to kill init!',
])('%s is fatal for practice Windows alone', (line) => {
  expect(watchOf('windows', true, line).fatal?.lines).toEqual([line]);
  expect(watchOf('windows', false, line).fatal).toBeUndefined();
});

test.each(['practice Sysprep: System halted', '[  812.104233] reboot: Power down'])(
  '%s is the end of practice Windows; the real one says nothing',
  (line) => {
    expect(watchOf('windows', true, line).finished).toBe(true);
    expect(watchOf('windows', false, line).finished).toBe(false);
  },
);

test('a step that failed is fatal in both', () => {
  const line = 'vmkiln: FAILED installing Cloudbase-Init: status 1603';
  for (const rehearsal of [true, false]) expect(watchOf('windows', rehearsal, line).fatal?.lines).toEqual([line]);
});
