import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import { nightView } from '../../src/report/night-page.ts';
import { nightText } from '../../src/ui/night-text.ts';
import { entrySummary } from '../support/factory-entry.ts';
import { type FactoryWorld, factoryWorld, rpmOf } from '../support/factory-world.ts';

// What fails in every night.

let world: FactoryWorld;
let tries = 0;
beforeEach(async () => {
  world = await factoryWorld();
  writeFileSync(join(world.folder, 'base.qcow2'), 'a base image');
  world.write(
    'a.yaml',
    `name: a\nfamily: rhel\ndistribution: rocky\nrelease: '9.6'\ndistributionRepositories: false\n` +
      `repositories: [{ id: r, baseurl: '${world.url}/r/' }]\nsource: { image: ${world.folder}/base.qcow2 }\n` +
      `upload: [{ directory: { path: ${world.folder}/images } }]\n`,
  );
  world.write('factory.yaml', 'name: f\nlimits: { room: 1M }\nrecipes: [a.yaml]\n');
  world.installed.set('a', [rpmOf('bash', '1')]);
  world.rpm('r', [rpmOf('bash', '1')]);
  tries = 0;
});
afterEach(() => world.close());

const night = (options = {}) => world.night('factory.yaml', options);
const fail = () => {
  world.before = () => {
    tries += 1;
    throw new VmkilnError('COMMAND_FAILED', 'customize.sh: it failed', { hint: 'mend customize.sh' });
  };
};
/** Whether the build was tried in each of so many nights. */
async function nights(count: number): Promise<boolean[]> {
  const tried: boolean[] = [];
  for (let at = 0; at < count; at += 1) {
    const before = tries;
    const summary = await night();
    expect(summary.outcome).toBe('failed');
    expect(nightText(summary)).toContain('customize.sh: it failed');
    tried.push(tries > before);
  }
  return tried;
}

test('what fails in every night is tried less and less often, and is told of in each', async () => {
  fail();
  const tried = await nights(23);
  expect(tried.flatMap((was, index) => (was ? [index + 1] : []))).toEqual([1, 2, 4, 8, 15, 22]);
});

test('the summary says how often it has failed, and when it is tried again', async () => {
  fail();
  expect(nightText(await night())).not.toContain('again');
  expect(nightText(await night())).toMatch(
    /^f: 1 failed \(.*\n\nfailed: .*\n {2}images: a\n {2}again: failed 2 times in a row, next try in 2 nights\n {2}now: vmkiln nightly \S+factory.yaml a\n {2}next: mend/,
  );
  const third = await night();
  expect(third.entries[0]).toMatchObject({ outcome: 'not tried', retry: { failed: 2, nights: 1 } });
  expect(nightText(third)).toMatch(
    /^f: 1 not tried \(.*\n\nnot tried: customize.sh: it failed\n {2}images: a\n {2}again: failed 2 times in a row, next try in the next night\n/,
  );
  expect(nightView(third, new Set())).toMatchObject({
    failures: [{ entries: [{ again: 'failed 2 times in a row, next try in the next night' }] }],
    entries: [{ badge: 'failed' }],
  });
  // A look is no night.
  for (const _ of [1, 2]) expect((await night({ dryRun: true })).entries[0]?.outcome).toBe('planned');
  expect(entrySummary(await night(), 'a')).toMatchObject({ outcome: 'failed', retry: { failed: 3, nights: 4 } });
  expect(entrySummary(await night({ dryRun: true }), 'a')).toMatchObject({ retry: { failed: 3, nights: 3 } });
});

test('a changed recipe, a new update and somebody who names it have it tried at once; a server that is away does not', async () => {
  await night();
  world.rpm('r', [rpmOf('bash', '2')]);
  fail();
  expect(await nights(4)).toEqual([true, true, false, true]);
  expect(await nights(1)).toEqual([false]);
  appendFileSync(join(world.folder, 'a.yaml'), "customize: [{ run: 'true' }]\n");
  expect(await nights(2)).toEqual([true, false]);
  world.rpm('r', [rpmOf('bash', '2'), rpmOf('other', '3')]);
  expect(await nights(1)).toEqual([false]);
  world.rpm('r', [rpmOf('bash', '3')]);
  expect(await nights(2)).toEqual([true, false]);
  const files = [...world.files];
  world.files.clear();
  expect(await nights(1)).toEqual([false]);
  for (const [path, body] of files) world.files.set(path, body);
  expect((await night({ only: ['a'] })).entries[0]).toMatchObject({ outcome: 'failed', retry: { failed: 6 } });
  world.before = () => undefined;
  await night({ only: ['a'] });
  expect((await night()).entries[0]).toMatchObject({ outcome: 'unchanged' });
});

test('a disk that was full is no reason to wait: with room again the next night builds', async () => {
  world.before = () => {
    throw new VmkilnError('DISK_FULL', 'no space left in /cache/work/a-20261128-020000-0001');
  };
  for (let at = 0; at < 3; at += 1) await night();
  world.before = () => undefined;
  expect(entrySummary(await night(), 'a').outcome).toBe('built');
});

test('a clock that was set back keeps no entry from its schedule', async () => {
  world.write('factory.yaml', "name: f\nlimits: { room: 1M }\nrecipes: [{ recipe: a.yaml, schedule: '0 2 * * 6' }]\n");
  await night();
  const file = join(world.folder, 'home/state/factory/f/entries/a.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...state, lookedAt: '2099-01-01T00:00:00.000Z' }));
  expect(entrySummary(await night(), 'a').outcome).toBe('unchanged');
});
