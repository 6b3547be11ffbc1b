import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { calendarEvents } from '../../src/factory/calendar.ts';
import { isDue } from '../../src/factory/schedule.ts';
import { templateUnits, unitsOf } from '../../src/factory/units.ts';

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;

const schedules: [cron: string, timezone: string, events: string[]][] = [
  ['0 2 * * *', 'Europe/Berlin', ['*-*-* 02:00:00 Europe/Berlin']],
  ['*/20 1-3 * * *', 'UTC', ['*-*-* 01,02,03:00,20,40:00 UTC']],
  ['30 4 1,15 * *', 'UTC', ['*-*-01,15 04:30:00 UTC']],
  ['5 0 * feb-apr/2 MON-FRI', 'UTC', ['Mon,Tue,Wed,Thu,Fri *-02,04-* 00:05:00 UTC']],
  ['0 0 * * 7', 'UTC', ['Sun *-*-* 00:00:00 UTC']],
  ['0 12 1 * 1', 'UTC', ['*-*-01 12:00:00 UTC', 'Mon *-*-* 12:00:00 UTC']],
];

test.each(schedules)('%s in %s as calendar events', (cron, timezone, events) => {
  expect(calendarEvents({ cron, timezone })).toEqual(events);
});

test.skipIf(!analyze).each(schedules)('%s in %s means the same to systemd', (cron, timezone, events) => {
  const base = Date.parse('2026-02-27T10:00:00Z');
  const next = events.map((event) => {
    const args = ['calendar', '--base-time=2026-02-27 10:00:00 UTC', '--iterations=4', event];
    const printed = execFileSync('systemd-analyze', args, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
    const times = [
      ...printed.matchAll(/(?:Next elapse|Iter\S* #\d+): \S+ (\S+ \S+) UTC/g),
      ...printed.matchAll(/\(in UTC\): \S+ (\S+ \S+) UTC/g),
    ];
    return times.map(([, time = '']) => Date.parse(`${time.replace(' ', 'T')}Z`));
  });
  const times = [...new Set(next.flat())].toSorted((a, b) => a - b).slice(0, 4);
  expect(times.length).toBeGreaterThan(2);
  let since = base;
  for (const time of times) {
    expect(isDue({ cron, timezone }, since, time - 1000)).toBe(false);
    expect(isDue({ cron, timezone }, since, time)).toBe(true);
    since = time;
  }
});

const units = unitsOf({
  ...{ name: 'nightly', schedule: { cron: '0 2 * * *', timezone: 'Europe/Berlin' }, file: '/etc/vm kiln/100%.yaml' },
  ...{ command: ['/bin/sh', '/opt/$x/cli.js'], words: ['--set', 'a=b "c"'] },
  ...{ user: undefined, envFile: '/etc/vmkiln/secrets', home: '/srv/vmkiln' },
});

const templates = templateUnits('/bin/sh');

test('the units', async () => {
  const text = Object.entries(units).map(([name, unit]) => `# ${name}\n${unit}`);
  await expect(text.join('\n')).toMatchFileSnapshot('golden/factory-units');
});

test('the templates of the packages', async () => {
  const text = Object.entries(templates).map(([name, unit]) => `# ${name}\n${unit}`);
  await expect(text.join('\n')).toMatchFileSnapshot('golden/template-units');
});

test.skipIf(!analyze)('systemd has nothing to say against them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  const all = { ...units, ...templates };
  for (const [name, unit] of Object.entries(all)) writeFileSync(join(folder, name), unit);
  const files = Object.keys(all).map((name) => join(folder, name));
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' });
  // What other units of this machine lack is not ours.
  expect(stderr.split('\n').filter((line) => line.includes(folder) || line.includes('vmkiln-'))).toEqual([]);
  expect(status).toBe(0);
});
