import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import { expect, test } from 'vitest';
import { nightAnswer } from '../../src/dashboard/answers.ts';
import { isLoopback, parseListen, urlOf } from '../../src/dashboard/listen.ts';
import { metricsText } from '../../src/dashboard/metrics.ts';
import { nextLook } from '../../src/dashboard/state.ts';
import { parseTokens, personOf } from '../../src/dashboard/tokens.ts';
import { liveView, overviewView } from '../../src/dashboard/views.ts';
import { entryOutcomes } from '../../src/factory/summary.ts';
import type { BuildRecord } from '../../src/pipeline/builds.ts';

const token = 'abcdefghijklmnopqrstuvwxyz0123456789';
const host = {
  ...{ name: 'h', vmkiln: '1', cores: 1, load: 0, memory: { total: 1, available: 1 } },
  disks: [{ folder: 'state' as const, path: '/s', total: 2, free: 1 }],
};
const build = (more: Partial<BuildRecord>): BuildRecord => ({
  ...{ version: 1, build: 'a-1', name: 'a', recipe: '/a.yaml', rehearsal: false, status: 'failed', folder: '/b' },
  ...{ startedAt: '2026-01-01T00:00:00Z', stages: [], published: [], warnings: [], outcome: 'failed' },
  ...more,
});

test('a token is its own person and no other; whoever may change something sees too', () => {
  const known = parseTokens(`# all\n\nann view ${token}\nbob promote ${token}x\n`, 'f');
  expect(personOf(known, token)).toEqual({ name: 'ann', roles: ['view'] });
  expect(personOf(known, `${token}x`)).toEqual({ name: 'bob', roles: ['view', 'promote'] });
  for (const wrong of ['', token.slice(1), `${token}y`, token.toUpperCase()])
    expect(personOf(known, wrong)).toBeUndefined();
});

test.each([
  [`ann ${token}`, 'f:1: expected three words'],
  [`ann view ${token} ${token}`, 'f:1: expected three words'],
  [`ann view,root ${token}`, 'f:1: expected roles'],
  [`\n../ann view ${token}`, 'f:2: expected a name'],
  ['ann view abcdefghijklmnop', 'f:1: expected a token of 32'],
  [`ann view ${token}\nann view ${token}x`, 'two lines for ann'],
  ['# none', 'has no token'],
])('a line of tokens that will not do is told by its place, without what is in it: %j', (text, message) => {
  const refuse = () => parseTokens(text, 'f');
  expect(refuse).toThrow(message);
  expect(refuse).not.toThrow(/abcdef/);
});

test.each([
  ['127.0.0.1:8470', true, 'http://127.0.0.1:8470'],
  ['127.9.9.9:1', true, 'http://127.9.9.9:1'],
  ['[::1]:80', true, 'http://[::1]:80'],
  ['localhost:0', true, 'http://localhost:0'],
  ['0.0.0.0:80', false, 'http://0.0.0.0:80'],
  ['[::]:80', false, 'http://[::]:80'],
  ['localhost.example.com:80', false, 'http://localhost.example.com:80'],
])('%s is read, and is on the loopback: %s', (text, own, url) => {
  expect([isLoopback(parseListen(text)), urlOf(parseListen(text))]).toEqual([own, url]);
});

test.each(['', '80', ':80', '127.0.0.1', '::1:80', '[127.0.0.1]:80', 'a:65536', 'a:-1', 'a b:1', 'http://a:1'])(
  '%j is no address',
  (text) => expect(() => parseListen(text)).toThrow('no address to listen on'),
);

test('an entry is looked at by the first night after its own time', () => {
  const at = Date.parse('2026-01-05T12:00:00Z'); // a Monday
  const nightly = { cron: '0 2 * * *', timezone: 'UTC' };
  const look = (own: string | undefined, lookedAt?: string) => {
    const schedule = own === undefined ? undefined : { cron: own, timezone: 'UTC' };
    const time = nextLook({ night: nightly, own: schedule }, lookedAt === undefined ? undefined : { lookedAt }, at);
    return time === undefined ? undefined : new Date(time).toISOString();
  };
  expect(look(undefined)).toBe('2026-01-06T02:00:00.000Z');
  expect(look('0 2 * * 6')).toBe('2026-01-06T02:00:00.000Z'); // never looked at: due at once
  expect(look('0 2 * * 6', '2026-01-05T02:00:00Z')).toBe('2026-01-10T02:00:00.000Z');
  expect(look('0 3 * * 6', '2026-01-05T02:00:00Z')).toBe('2026-01-11T02:00:00.000Z');
  // Its time has passed, and no night has come since.
  expect(look('0 2 * * 6', '2026-01-01T02:00:00Z')).toBe('2026-01-06T02:00:00.000Z');
});

test('a build that was stopped has not failed', async () => {
  const stopped = build({ outcome: 'interrupted', failure: { code: 'INTERRUPTED', message: 'stopped by SIGTERM' } });
  const good = build({ outcome: 'done', endedAt: '2026-01-01T00:00:00Z' });
  const factory = { name: 'f', file: '/f', entries: [{ name: 'a', recipe: '/a.yaml' }] };
  const text = await metricsText({ builds: [stopped, good], nights: [], factory, host, stores: {} });
  expect(text).toContain('vmkiln_last_build_failed{image="a"} 0\n');
  expect(text).toContain('vmkiln_builds{outcome="interrupted",cause=""} 1\n');
});

test.each(entryOutcomes)('a night with an entry that is %s is shown', (outcome) => {
  const entries = [{ name: 'a', recipe: '/a.yaml', outcome, reasons: [], notes: [] }];
  const times = { startedAt: '', endedAt: '', seconds: 1 };
  const night = { version: 1, night: 'n', factory: 'f', file: '/f', dryRun: false, outcome: 'done', ...times } as const;
  expect(nightAnswer({ ...night, entries, warnings: [] })?.entries).toMatchObject([{ outcome }]);
});

test('what failed builds say makes no series of its own', async () => {
  const failure = (code: string, id?: string) => ({
    failure: { code, message: 'm', ...(id !== undefined && { explanation: { id, cause: 'c', file: 'f', line: 1 } }) },
  });
  const many = Array.from({ length: 500 }, (_, index) => build(failure(`CODE${index}`, `id.${index}`)));
  const builds = [...many, build(failure('DISK_FULL')), build(failure('COMMAND_FAILED', 'dnf.no-match'))];
  const text = await metricsText({ builds, nights: [], factory: undefined, host, stores: {} });
  const series = text.split('\n').filter((line) => line.startsWith('vmkiln_builds{outcome="failed"'));
  expect(series.toSorted()).toEqual([
    'vmkiln_builds{outcome="failed",cause="DISK_FULL"} 1',
    'vmkiln_builds{outcome="failed",cause="UNKNOWN"} 500',
    'vmkiln_builds{outcome="failed",cause="dnf.no-match"} 1',
  ]);
});

test('what every name of the templates means is in the views', () => {
  const entry = { name: 'a', recipe: 'a' };
  const night = {
    ...{ version: 1 as const, night: 'n', factory: 'n', file: '/f', dryRun: false, outcome: 'done' as const },
    ...{ startedAt: '', endedAt: '', seconds: 1, entries: [], warnings: [] },
  };
  const candidate = { id: 'i', name: 'n', sha256: '', build: 'b', rehearsal: false, revoked: false, place: '/i' };
  const running = build({ build: 'a-2', outcome: 'running' });
  const overview = overviewView(
    {
      ...{ builds: [build({}), running], nights: [night], host, problems: [] },
      factory: { name: 'f', file: '/f', entries: [entry] },
      ...{ elsewhere: [], hasQueues: true },
      channels: [{ place: '/i', channel: 'c', generation: 1, image: null, earlier: 1 }],
      ...{ candidates: [candidate], may: { build: true, promote: true } },
    },
    0,
  );
  const names = { overview, live: liveView(running, { lines: [], count: 0 }) };
  for (const [name, view] of Object.entries(names)) {
    const wanted = new Set<string>();
    const visitor = new Handlebars.Visitor();
    visitor.PathExpression = ({ parts }) => wanted.add(String(parts.at(-1) ?? 'this'));
    visitor.accept(Handlebars.parse(readFileSync(`templates/dashboard/${name}.hbs`, 'utf8')));
    const known = [...JSON.stringify(view).matchAll(/"(\w+)":/g)].map(([, key]) => key);
    const helpers = ['if', 'each', 'this', 'page'];
    expect([...wanted].filter((each) => !known.includes(each) && !helpers.includes(each))).toEqual([]);
    // A helper of Handlebars would be taken for a name of the view.
    expect(['log', 'lookup'].filter((each) => wanted.has(each))).toEqual([]);
  }
});
