import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { capturedBytes } from '../support/captured-images.ts';
import { fakeHost, type FakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

const left = 'test/fixtures/state-0.1.0';
const session = ['--connect', 'qemu:///session'];

/** What stands for the image: its programs left nine bytes, and what is published has to be an image. */
const image = capturedBytes('v2.qcow2');
const sha256 = createHash('sha256').update(image).digest('hex');
const digestOf = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const nineBytes = digestOf('an image\n');

type PlannedStages = { stages: { stage: string; fingerprint: string; forecast: string; predicted?: object }[] };

/** A moment of the captured build, as if that had been an hour ago: updates that are older than a day are fetched anew. */
const since = Date.now() - 3_600_000 - Date.parse('2026-11-28T03:53:52Z');
const asOfToday = (at: string) => new Date(Date.parse(at) + since).toISOString();

/** Every file of a folder that holds text. */
const textsIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => /\.(json|ndjson|yaml|sha256)$/.test(path) && statSync(path).isFile());

/**
 * A host on which version 0.1.0 has built recipe `a` and published its image. What the recipe means may have changed since,
 * which `fingerprints-golden` shows and the changelog tells: its fingerprints are today's, and all else is as it was left.
 */
async function host010(): Promise<FakeHost & { recipeFile: string }> {
  const host = fakeHost();
  const places = { builds: 'home/state/builds', checkpoints: 'home/cache/checkpoints', images: 'images' };
  for (const [from, to] of Object.entries(places)) {
    mkdirSync(join(host.folder, to), { recursive: true });
    cpSync(join(left, from), join(host.folder, to), { recursive: true });
  }
  // Which version 0.1.0 did not know; here nothing boots.
  writeFileSync(
    join(host.folder, 'a.yaml'),
    `${readFileSync(join(left, 'a.yaml'), 'utf8')}\nverify: false\ndescribe: false\n`,
  );
  // Version 0.1.0 took any file for an ISO: what it says of that one is said of one that is.
  const [itsIso, iso] = [join(left, 'x.iso'), join(host.folder, 'x.iso')].map((path) => digestOf(readFileSync(path)));
  for (const name of readdirSync(host.folder, { recursive: true, encoding: 'utf8' })) {
    if (/(\ba|sparsify)\.qcow2$/.test(name)) writeFileSync(join(host.folder, name), image);
  }
  for (const path of textsIn(host.folder)) {
    const text = readFileSync(path, 'utf8')
      .replaceAll('@FOLDER@', host.folder)
      .replaceAll(nineBytes, sha256)
      .replaceAll(itsIso ?? '', iso ?? '')
      .replaceAll(/\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, asOfToday);
    writeFileSync(path, text.replaceAll(/("size": ?)9\b/g, `$1${image.length}`));
  }
  const [{ createdAt }] = JSON.parse(readFileSync(join(host.folder, 'images/index.json'), 'utf8')).images;
  utimesSync(join(host.folder, 'images/a.qcow2'), new Date(createdAt), new Date(createdAt));
  const recipeFile = join(host.folder, 'a.yaml');
  const [build = ''] = readdirSync(join(left, 'builds'));
  const before = JSON.parse(readFileSync(join(left, 'builds', build, 'plan.json'), 'utf8')) as PlannedStages;
  const { stdout } = await vmkiln(['plan', recipeFile, ...session, '--json'], { env: host.env });
  const now = JSON.parse(stdout) as PlannedStages;
  for (const { stage, fingerprint } of before.stages) {
    const today = now.stages.find((each) => each.stage === stage)?.fingerprint ?? '';
    for (const path of textsIn(host.folder)) {
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(fingerprint, today));
      if (path.includes(fingerprint)) renameSync(path, path.replace(fingerprint, today));
    }
  }
  return { ...host, recipeFile };
}

test('what version 0.1.0 has left is used: checkpoints, predictions, the reasons of its plan, published images', async () => {
  const { env, recipeFile, runs } = await host010();
  const plan = await vmkiln(['plan', recipeFile, ...session, '--json'], { env });
  const { stages } = JSON.parse(plan.stdout) as PlannedStages;
  expect(stages.map(({ forecast }) => forecast)).toEqual([
    'skip',
    'skip',
    'skip',
    'skip',
    'reuse',
    'skip',
    'skip',
    'run',
  ]);
  expect(stages.flatMap(({ stage, predicted }) => (predicted === undefined ? [stage] : []))).toEqual([
    'verify',
    'describe',
  ]);
  const { status, events } = await vmkiln(['build', recipeFile, ...session, '--ui', 'json'], { env });
  expect(status).toBe(0);
  expect(events).toContainEqual(expect.objectContaining({ type: 'stage-reused', stage: 'sparsify' }));
  expect(events).toContainEqual(expect.objectContaining({ type: 'published', unchanged: true }));
  expect(runs('virt-install').count).toBe(0);
});

test('a change after version 0.1.0 is named', async () => {
  const { env, recipeFile } = await host010();
  writeFileSync(recipeFile, `${readFileSync(recipeFile, 'utf8')}packages: [tmux]\n`);
  const { stdout } = await vmkiln(['plan', recipeFile, ...session], { env });
  // Templates and keys have changed too.
  expect(stdout).toMatch(/customize run {4}.*`packages`/);
  expect(stdout).toContain('install   reuse');
});

test('a checkpoint of a newer version is passed over, and stays', async () => {
  const { env, recipeFile, folder } = await host010();
  const store = join(folder, 'home/cache/checkpoints');
  const records = readdirSync(store).filter((name) => name.endsWith('.json'));
  for (const name of records) {
    const record = JSON.parse(readFileSync(join(store, name), 'utf8')) as object;
    writeFileSync(join(store, name), JSON.stringify({ ...record, version: 99 }));
  }
  const { stdout } = await vmkiln(['plan', recipeFile, ...session], { env });
  expect(stdout).toMatch(/install +run/);
  expect(readdirSync(store).filter((name) => name.endsWith('.json'))).toEqual(records);
});
