import { mkdir, mkdtemp, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EventBody, Prediction } from '../../src/model.ts';
import { foldManifest, type Manifest } from '../../src/pipeline/events.ts';
import { latestManifests } from '../../src/pipeline/history.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { predict } from '../../src/pipeline/predict.ts';
import { loadRecipe } from '../../src/families/index.ts';
import { fileSizes, grownBytes } from '../../src/store/files.ts';
import { planInput } from '../support/plan-input.ts';

const { recipe } = await loadRecipe('recipes/rhel7.yaml', {});
const kind = { name: 'rhel7', rehearsal: false, family: 'rhel', accelerator: 'tcg' };

/** The manifest of a build, from its events: stages that ran with these figures, and others that were reused. */
function manifest(
  ran: Partial<Record<'install' | 'customize', Prediction>>,
  more: Partial<typeof kind> = {},
): Manifest {
  const { accelerator, ...facts } = { ...kind, ...more };
  const bodies: EventBody[] = [
    {
      type: 'build-started',
      recipe: 'r.yaml',
      folder: '/b',
      ...facts,
      accelerator: accelerator === 'kvm' ? 'kvm' : 'tcg',
    },
    ...(['install', 'customize'] as const).flatMap((stage): EventBody[] =>
      ran[stage]
        ? [
            { type: 'stage-started', stage, because: '' },
            { type: 'stage-finished', stage, ...ran[stage] },
          ]
        : [{ type: 'stage-reused', stage, because: '' }],
    ),
  ];
  return foldManifest(bodies.map((body) => ({ at: '2026-01-01T00:00:00.000Z', build: 'b', ...body })));
}

const took = (seconds: number, bytes = seconds * 10): Prediction => ({ seconds, bytes });

test('the median of the latest three builds that really ran the stage', () => {
  const earlier = [
    manifest({ customize: took(10) }),
    manifest({ install: took(500) }),
    manifest({ customize: took(90), install: took(300) }),
    manifest({ customize: took(20) }),
    manifest({ customize: took(1000) }),
  ];
  expect(predict(earlier, kind, undefined)).toEqual({ install: took(400), customize: took(20) });
  expect(predict([], kind, undefined)).toEqual({});
});

test('builds under another name count when there is none under this one; another kind of build never does', () => {
  const other = manifest({ install: took(70), customize: took(7) }, { name: 'rhel7-db' });
  const strangers = [{ accelerator: 'kvm' }, { rehearsal: true }, { family: 'windows' }].map((more) =>
    manifest({ install: took(1), customize: took(1) }, more),
  );
  expect(predict([manifest({ install: took(50) }), other, ...strangers], kind, undefined)).toEqual({
    install: took(50),
    customize: took(7),
  });
});

test('what the last plan predicted lives on when only reuse followed, unless the accelerator is another', () => {
  const previous = makePlan(planInput(recipe, { predictions: { install: took(50), customize: took(5) } }));
  const earlier = [manifest({ customize: took(6) }), manifest({ install: took(9) }, { name: 'x' })];
  expect(predict(earlier, kind, previous)).toEqual({ install: took(50), customize: took(6) });
  expect(predict([], { ...kind, accelerator: 'kvm' }, previous)).toEqual({});
});

test('a manifest without sizes, of an older build, tells nothing', () => {
  const old = manifest({ install: took(5) });
  expect(predict([{ ...old, stages: [{ stage: 'install', outcome: 'done', seconds: 5 }] }], kind, undefined)).toEqual(
    {},
  );
});

test('the manifests of the latest builds are read, those of the name first, and never many', async () => {
  const builds = await mkdtemp(join(tmpdir(), 'vmkiln-history-'));
  const put = async (id: string) => {
    await mkdir(join(builds, id));
    await writeFile(join(builds, id, 'manifest.json'), JSON.stringify({ ...manifest({}), build: id }));
  };
  await put('other-20260301-000000-0000');
  await put('rhel7-2-20260302-000000-0000');
  for (let day = 10; day < 30; day += 1) await put(`rhel7-202601${day}-000000-00ab`);
  for (let day = 10; day < 30; day += 1) await put(`more-202601${day}-000000-00ab`);
  await mkdir(join(builds, 'rhel7-20260303-000000-0000'));
  await mkdir(join(builds, 'something else'));
  const read = latestManifests(builds, 'rhel7').map(({ build }) => build.slice(0, -12));
  // The newest of all has no manifest yet.
  expect(read).toEqual([
    ...[29, 28, 27, 26, 25, 24].map((day) => `rhel7-202601${day}`),
    'rhel7-2-20260302',
    'other-20260301',
    'more-20260129',
  ]);
  expect(latestManifests(join(builds, 'none'), 'rhel7')).toEqual([]);
});

test('a build that will not fit is noted, by what runs and no more', () => {
  const predictions = { install: took(1, 3 * 2 ** 30), customize: took(1, 2 ** 30) };
  const notes = (free: number, until?: 'install') =>
    makePlan(planInput(recipe, { predictions, until, room: { folder: '/work', free } })).notes;
  expect(notes(2 ** 32 - 1)).toEqual([expect.stringMatching(/needs about 4 GiB of disk, and \/work has 3.9 GiB/)]);
  expect(notes(2 ** 32)).toEqual([]);
  expect(notes(3 * 2 ** 30, 'install')).toEqual([]);
});

test('a plan has the predictions of its stages', () => {
  const { stages } = makePlan(planInput(recipe, { predictions: { install: took(50) } }));
  expect(stages.map(({ predicted }) => predicted)).toEqual([
    undefined,
    took(50),
    ...Array<undefined>(6).fill(undefined),
  ]);
});

test('what a stage adds to the disk is what it allocates: new files and growth, not holes', async () => {
  const work = await mkdtemp(join(tmpdir(), 'vmkiln-grown-'));
  const mib = 1024 * 1024;
  await writeFile(join(work, 'shrinks'), Buffer.alloc(2 * mib, 1));
  await writeFile(join(work, 'grows'), Buffer.alloc(mib, 1));
  const before = await fileSizes(work);
  await writeFile(join(work, 'shrinks'), '');
  await writeFile(join(work, 'grows'), Buffer.alloc(2 * mib, 1));
  await mkdir(join(work, 'new'));
  await writeFile(join(work, 'new/image'), Buffer.alloc(mib, 1));
  await writeFile(join(work, 'sparse'), '');
  await truncate(join(work, 'sparse'), 64 * mib);
  const grown = grownBytes(before, await fileSizes(work));
  expect(grown).toBeGreaterThanOrEqual(2 * mib);
  expect(grown).toBeLessThan(2.1 * mib);
});
