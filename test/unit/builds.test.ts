import { appendFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event, EventBody } from '../../src/model.ts';
import { commandsOf, findBuild, isOf, listBuilds, outcomeOf, type BuildRecord } from '../../src/pipeline/builds.ts';
import { followEvents } from '../../src/pipeline/event-file.ts';
import { createBuild, foldersOf, writeOwner } from '../../src/store/owner.ts';
import { ensurePaths, statePaths } from '../../src/store/paths.ts';
import { buildsText } from '../../src/ui/builds-text.ts';

const signal = new AbortController().signal;

async function freshPaths() {
  const paths = statePaths({ VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-builds-')) }, 1000);
  await ensurePaths(paths);
  return paths;
}

function eventOf(build: string, minute: number, body: EventBody): Event {
  return { at: `2026-01-02T03:${String(minute).padStart(2, '0')}:00.000Z`, build, ...body };
}

const started = (name: string): EventBody => ({
  type: 'build-started',
  ...{ name, recipe: `/r/${name}.yaml`, rehearsal: false, folder: '' },
});

test('builds that run, were kept, were killed and have a manifest are listed as they stand, the latest first', async () => {
  const paths = await freshPaths();
  const write = (id: string, minute: number) => {
    const folder = foldersOf(paths, id).folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'events.ndjson'), `${JSON.stringify(eventOf(id, minute, started('a')))}\n{"half`);
    return folder;
  };
  await createBuild(paths, 'a-20260102-030100-0001', signal);
  write('a-20260102-030100-0001', 1);
  await writeOwner(paths, { ...(await createBuild(paths, 'a-20260102-030200-0002', signal)), kept: true });
  write('a-20260102-030200-0002', 2);
  write('a-20260102-030300-0003', 3);
  const manifest = { version: 1, name: 'a', recipe: '', status: 'done', startedAt: '2026-01-02T03:04:00.000Z' };
  writeFileSync(
    join(write('a-20260102-030400-0004', 4), 'manifest.json'),
    JSON.stringify({ ...manifest, stages: [], published: [], warnings: [] }),
  );
  mkdirSync(join(paths.builds, 'a-20260102-030500-0005'));
  const listed = (await listBuilds({ env: { VMKILN_HOME: dirname(paths.state) }, cwd: '/' })).map(
    ({ build, outcome }) => [build.slice(-1), outcome],
  );
  expect(listed).toEqual([
    ['4', 'done'],
    ['3', 'interrupted'],
    ['2', 'kept'],
    ['1', 'running'],
  ]);
});

test('an interrupted build is told from a failed one', () => {
  const failure = (code: string) => ({ status: 'failed' as const, failure: { code, message: '' } });
  expect(outcomeOf(failure('INTERRUPTED'), undefined)).toBe('interrupted');
  expect(outcomeOf(failure('COMMAND_FAILED'), undefined)).toBe('failed');
});

function record(build: string, more: Partial<BuildRecord> = {}): BuildRecord {
  const name = build.replace(/-\d{8}-.*/, '');
  return {
    ...{
      version: 1,
      build,
      name,
      recipe: `/r/${name}.yaml`,
      rehearsal: false,
      status: 'done',
      outcome: 'done',
      folder: '',
    },
    ...{ startedAt: '2026-01-02T03:04:00.000Z', stages: [], published: [], warnings: [] },
    ...more,
  };
}

test('a build is meant by its id, the end of it, or a name, which means the latest', () => {
  const all = ['web-20260103-000000-00aa', 'web-20260102-000000-00bb', 'db-20260101-000000-00cc'].map((id) =>
    record(id),
  );
  const find = (word?: string) => findBuild(all, word).build.slice(-2);
  expect([find(), find('web'), find('00bb'), find('db-20260101-000000-00cc')]).toEqual(['aa', 'aa', 'bb', 'cc']);
  expect(() => find('dba')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  const twins = [record('web-20260103-000000-00aa'), record('db-20260103-000000-00aa')];
  expect(() => findBuild(twins, '00aa')).toThrow(/several builds end in 00aa: web-.*, db-/);
  expect(() => findBuild([], undefined)).toThrow(/no such build yet/);
});

test('a recipe is meant by the image it makes, rehearsed or not, and by its file', () => {
  const build = { name: 'rhel7-rehearsal', recipe: '/srv/nightly.yaml' };
  expect(['rhel7', 'rhel7-rehearsal', 'nightly', 'nightly.yaml', 'rhel'].map((word) => isOf(build, word))).toEqual([
    ...[true, true, true, true, false],
  ]);
});

test('commands are paired with their ends, and those that only ask are left out', () => {
  const begun = (program: string, control: boolean): Event =>
    eventOf('b', 1, { type: 'command-started', stage: 'install', argv: [program, 'x'], log: 'l', control });
  const finished = (program: string, exitCode: number): Event =>
    eventOf('b', 2, { type: 'command-finished', stage: 'install', program, exitCode, seconds: 3 });
  const events = [
    begun('virt-install', false),
    begun('virsh', true),
    finished('virsh', 1),
    finished('virt-install', 0),
    begun('cp', false),
  ];
  expect(commandsOf(events)).toMatchObject([
    { argv: ['virt-install', 'x'], exitCode: 0, seconds: 3 },
    { argv: ['cp', 'x'], exitCode: undefined, seconds: undefined },
  ]);
});

test('a build that runs is followed until it has ended, to its last line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'follow-'));
  const add = (body: EventBody) =>
    appendFileSync(join(folder, 'events.ndjson'), `${JSON.stringify(eventOf('b', 1, body))}\n`);
  add(started('b'));
  let looks = 0;
  const isRunning = () => {
    looks += 1;
    if (looks === 2) add({ type: 'warning', message: 'careful' });
    if (looks === 3) add({ type: 'build-finished', seconds: 1 });
    return Promise.resolve(looks < 3);
  };
  const types: string[] = [];
  for await (const event of followEvents(folder, { isRunning, signal })) types.push(event.type);
  expect(types).toEqual(['build-started', 'warning', 'build-finished']);
});

test('the list tells the named cause, the time taken and an image in two places once', () => {
  const explanation = { id: 'x', cause: 'the disk is too small', file: 'console.log', line: 1 };
  const published = ['one', 'two'].map((location) => ({
    target: 'directory',
    location,
    sha256: 'a',
    size: 1024 ** 2,
    unchanged: false,
  }));
  const failed = record('web-20260103-000000-00aa', {
    ...{ outcome: 'failed', status: 'failed', endedAt: '2026-01-02T03:05:04.000Z' },
    failure: { code: 'INSTALL_FAILED', message: 'the installer stopped:\nmore', explanation },
  });
  const done = record('web-20260102-000000-00bb', { endedAt: '2026-01-02T03:04:09.000Z', published });
  expect(buildsText([failed, done], 0)).toBe(
    [
      'OUTCOME  BUILD                     BEGAN (UTC)       TOOK    IMAGE  WHY',
      'failed   web-20260103-000000-00aa  2026-01-02 03:04  1m 04s         the disk is too small',
      'done     web-20260102-000000-00bb  2026-01-02 03:04  9s      1 MiB',
    ].join('\n'),
  );
  expect(buildsText([], 0)).toBe('no builds');
});
