import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clean } from '../../src/pipeline/clean.ts';
import { latestManifests } from '../../src/pipeline/history.ts';
import { chooseBuilds, type Ended } from '../../src/pipeline/retention.ts';
import { createBuild, writeOwner } from '../../src/store/owner.ts';
import { ensurePaths, statePaths, type Paths } from '../../src/store/paths.ts';

const signal = new AbortController().signal;
const now = Date.UTC(2026, 0, 31);
const ran = [{ stage: 'install', outcome: 'done', seconds: 1, bytes: 1 }] as const;

function ended(name: string, daysAgo: number, stages: Ended['stages'] = []): Ended {
  const startedAt = new Date(now - daysAgo * 24 * 60 * 60 * 1000).toISOString();
  return { build: `${name}${daysAgo}`, name, startedAt, stages };
}

test('the latest of each name stay, and those of the last days: whichever rule keeps more', () => {
  const builds = [ended('a', 1), ended('a', 2), ended('a', 40), ended('b', 50), ended('b', 60)];
  expect(chooseBuilds(builds, { count: 1 }, now)).toEqual({ remove: ['b60', 'a40', 'a2'], toManifest: [] });
  expect(chooseBuilds(builds, { days: 30 }, now)).toEqual({ remove: ['b60', 'b50', 'a40'], toManifest: [] });
  expect(chooseBuilds(builds, { count: 1, days: 30 }, now).remove).toEqual(['b60', 'a40']);
  expect(chooseBuilds(builds, {}, now).remove).toHaveLength(5);
});

test('whatever goes, predictions have the manifests of the latest seven builds of each name that ran a stage', () => {
  const build = fc.record({ name: fc.constantFrom('a', 'b'), daysAgo: fc.nat(90), runs: fc.boolean() });
  const builds = fc.uniqueArray(build, { selector: ({ name, daysAgo }) => `${name}${daysAgo}` });
  const rules = fc.record({ count: fc.nat(9), days: fc.nat(90) }, { requiredKeys: [] });
  fc.assert(
    fc.property(builds, rules, (list, retention) => {
      const all = list.map(({ name, daysAgo, runs }) => ended(name, daysAgo, runs ? [...ran] : []));
      const { remove } = chooseBuilds(all, retention, now);
      for (const name of ['a', 'b']) {
        const telling = all
          .filter((each) => each.name === name && each.stages.length > 0)
          .toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
          .slice(0, 7);
        expect(telling.filter((each) => remove.includes(each.build))).toEqual([]);
      }
    }),
  );
});

async function freshPaths(): Promise<Paths> {
  const paths = statePaths({ VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-retention-')) }, 1000);
  await ensurePaths(paths);
  return paths;
}

function writeBuild(paths: Paths, build: string, stages: readonly object[]): void {
  const manifest = { version: 1, name: 'a', status: 'done', startedAt: '2026-01-02T03:04:00.000Z', stages };
  mkdirSync(join(paths.builds, build, 'logs'), { recursive: true });
  writeFileSync(join(paths.builds, build, 'plan.json'), '{}');
  writeFileSync(
    join(paths.builds, build, 'manifest.json'),
    JSON.stringify({ ...manifest, published: [], warnings: [] }),
  );
}

test('a dry run lists what the real one removes, which leaves what runs, what was kept and what predictions need', async () => {
  const paths = await freshPaths();
  const world = { env: { VMKILN_HOME: dirname(paths.state) }, cwd: '/' };
  writeBuild(paths, 'a-20260102-030405-0001', ran);
  writeBuild(paths, 'a-20260102-030405-0002', []);
  await createBuild(paths, 'a-20260102-030405-0003', signal);
  const owner = await createBuild(paths, 'a-20260102-030405-0004', signal);
  await writeOwner(paths, { ...owner, pid: 1, startTime: '0', kept: true });
  writeFileSync(join(paths.checkpoints, 'lost.qcow2'), Buffer.alloc(8192, 1));
  const options = { cache: true, builds: true, retention: { days: 1 }, world, signal, emit: () => undefined };

  const before = readdirSync(paths.builds, { recursive: true });
  const told = await clean({ ...options, dryRun: true });
  expect(readdirSync(paths.builds, { recursive: true })).toEqual(before);
  expect(readdirSync(paths.checkpoints)).toEqual(['lost.qcow2']);
  expect(told.freedBytes).toBeGreaterThan(8191);

  const done = await clean(options);
  expect(done.removed).toEqual(told.removed.map((sentence) => sentence.replace('would remove', 'removed')));
  expect(done.kept).toEqual([
    { what: 'a-20260102-030405-0003', why: 'it is running' },
    { what: 'a-20260102-030405-0004', why: 'it was told to stay after its failure' },
  ]);
  expect(
    readdirSync(paths.builds)
      .toSorted()
      .map((id) => id.at(-1)),
  ).toEqual(['1', '3', '4']);
  expect(readdirSync(join(paths.builds, 'a-20260102-030405-0001'))).toEqual(['manifest.json']);
  expect(latestManifests(paths.builds, 'a')).toHaveLength(1);
  expect((await clean(options)).removed).toEqual([]);
});

test('a dry run leaves what a dead build left, and without a rule what was kept goes', async () => {
  const paths = await freshPaths();
  const world = { env: { VMKILN_HOME: dirname(paths.state) }, cwd: '/' };
  const owner = await createBuild(paths, 'a-20260102-030405-0001', signal);
  await writeOwner(paths, { ...owner, pid: 1, startTime: '0', kept: true });
  const options = { cache: false, builds: false, world, signal, emit: () => undefined };
  const { removed } = await clean({ ...options, dryRun: true });
  expect(removed).toEqual(['would remove what a-20260102-030405-0001 was told to keep']);
  expect(readdirSync(paths.work)).toHaveLength(1);
  expect((await clean(options)).removed).toEqual(['removed what a-20260102-030405-0001 was told to keep']);
  expect(readdirSync(paths.work)).toHaveLength(0);
});
