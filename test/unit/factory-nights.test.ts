import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import { factoryForm } from '../../src/factory/form.ts';
import { downloadPath } from '../../src/media/download.ts';
import { countsText, type NightSummary } from '../../src/factory/summary.ts';
import { nightText } from '../../src/ui/night-text.ts';
import { entrySummary } from '../support/factory-entry.ts';
import { type FactoryWorld, factoryWorld, rpmOf } from '../support/factory-world.ts';

let world: FactoryWorld;
beforeEach(async () => {
  world = await factoryWorld();
  writeFileSync(join(world.folder, 'base.qcow2'), 'a base image');
});
afterEach(() => world.close());

/** A recipe of Rocky Linux on the repository `r`; `more` in place of its usual lines, of which an empty one goes. */
function recipe(name: string, more: Record<string, string> = {}): void {
  const lines = {
    name,
    family: 'rhel',
    distribution: 'rocky',
    release: "'9.6'",
    distributionRepositories: 'false',
    repositories: `[{ id: r, baseurl: '${world.url}/r/' }]`,
    source: `{ image: ${world.folder}/base.qcow2 }`,
    upload: `[{ directory: { path: ${world.folder}/images } }]`,
    ...more,
  };
  world.write(
    `${name}.yaml`,
    Object.entries(lines)
      .filter(([, value]) => value !== '')
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
}

function factory(more = '', recipes = '[a.yaml, b.yaml]'): void {
  world.write('factory.yaml', `name: f\nrecipes: ${recipes}\n${more || 'limits: { room: 1M }'}\n`);
}

/** Of RHEL, whose packages come from Red Hat alone. */
const subscribed = {
  ...{ distribution: 'rhel', repositories: '', distributionRepositories: '' },
  subscription: '{ organization: o, activationKey: { env: KEY } }',
};

const outcomes = (night: NightSummary) => Object.fromEntries(night.entries.map(({ name, outcome }) => [name, outcome]));

test('what fails is tried again in the next night, with its cause in one line for all', async () => {
  for (const name of ['a', 'b']) recipe(name);
  factory();
  world.rpm('r', []);
  world.before = (name) => {
    throw new VmkilnError('DISK_FULL', `no space left for ${name}: 4 GiB needed, ${name === 'a' ? 1 : 2} MiB free`, {
      hint: 'free some space',
    });
  };
  const night = await world.night('factory.yaml');
  expect(night.outcome).toBe('failed');
  expect(nightText(night)).toMatch(
    /^f: all 2 failed, for one reason \(.*\)\n\nfailed: no space left for a: .*\n {2}images: a, b\n {2}next: free some space$/,
  );
  world.before = () => undefined;
  const again = await world.night('factory.yaml');
  expect(entrySummary(again, 'a').reasons).toMatchObject([
    { kind: 'failed', text: expect.stringMatching(/no space left/) },
  ]);
  expect(countsText(await world.night('factory.yaml'))).toBe('2 unchanged');
});

test('an update that a failed build did not bring is brought by the next', async () => {
  recipe('a');
  factory('', '[a.yaml]');
  world.installed.set('a', [rpmOf('bash', '1')]);
  world.rpm('r', [rpmOf('bash', '1')]);
  await world.night('factory.yaml');
  world.rpm('r', [rpmOf('bash', '2')], 'xz');
  world.before = () => {
    throw new VmkilnError('COMMAND_FAILED', 'virt-customize failed');
  };
  await world.night('factory.yaml');
  world.before = () => undefined;
  world.builds.length = 0;
  await world.night('factory.yaml');
  expect(world.builds).toEqual([{ name: 'a', from: 'customize' }]);
});

test('recipes with a layer in common make it anew once', async () => {
  for (const name of ['a', 'b']) {
    recipe(name);
    world.installed.set(name, [rpmOf('bash', '1')]);
  }
  factory();
  world.rpm('r', [rpmOf('bash', '1')]);
  await world.night('factory.yaml');
  world.rpm('r', [rpmOf('bash', '2')], 'zst');
  world.builds.length = 0;
  await world.night('factory.yaml');
  expect(world.builds.map(({ name }) => name).toSorted()).toEqual(['a', 'b']);
  expect(world.builds.map(({ from }) => from)).toEqual(['customize', 'sysprep']);
});

test('what a mirror may not have yet is tried once more; what is kept out is not', async () => {
  for (const name of ['a', 'b']) {
    recipe(name, name === 'b' ? subscribed : {});
    world.installed.set(name, [rpmOf('bash', '1')]);
  }
  factory('', `[a.yaml, { recipe: b.yaml, watch: [{ rpm: '${world.url}/r' }] }]`);
  world.rpm('r', [rpmOf('bash', '1')]);
  await world.night('factory.yaml');
  world.brings = () => false;
  world.rpm('r', [rpmOf('bash', '1'), rpmOf('bash', '2')]);
  const names: string[][] = [];
  for (let night = 0; night < 3; night += 1) {
    world.builds.length = 0;
    await world.night('factory.yaml');
    names.push(world.builds.map(({ name }) => name).toSorted());
  }
  expect(names).toEqual([['a', 'b'], ['b'], []]);
});

test('what came in since a checkpoint was made is brought by the next night', async () => {
  recipe('a');
  factory('', '[a.yaml]');
  world.installed.set('a', [rpmOf('bash', '1')]);
  world.rpm('r', [rpmOf('bash', '2')]);
  [world.forecast, world.brings] = ['reuse', () => false];
  await world.night('factory.yaml');
  [world.forecast, world.brings] = ['run', () => true];
  const night = await world.night('factory.yaml');
  expect(entrySummary(night, 'a').reasons).toMatchObject([{ kind: 'packages', text: 'bash 1-1.el9 → 2-1.el9' }]);
  expect(countsText(await world.night('factory.yaml'))).toBe('1 unchanged');
});

test('a repository that does not answer, and one that cannot be seen, change nothing and are told', async () => {
  recipe('a');
  recipe('b', subscribed);
  factory();
  world.rpm('r', []);
  await world.night('factory.yaml');
  world.files.clear();
  const night = await world.night('factory.yaml');
  expect(outcomes(night)).toEqual({ a: 'unchanged', b: 'unchanged' });
  expect(entrySummary(night, 'a').notes).toEqual([expect.stringMatching(/\/r\/ could not be looked at: .*404/)]);
  expect(entrySummary(night, 'b').notes).toEqual([expect.stringMatching(/subscription cannot be seen.*by age/)]);
});

test('a remote medium counts by its ETag, or by its checksum file', async () => {
  const medium = '/disk.qcow2';
  recipe('a', { source: `{ image: '${world.url}${medium}' }` });
  recipe('b', { source: `{ image: '${world.url}/b.qcow2', sha256: '${world.url}/SHA256SUMS' }` });
  factory();
  world.rpm('r', []);
  world.files.set(medium, 'one').set('/SHA256SUMS', `${'a'.repeat(64)}  b.qcow2\n`);
  const file = downloadPath(new URL(`${world.url}${medium}`), join(world.folder, 'home/cache/media'));
  mkdirSync(join(world.folder, 'home/cache/media'), { recursive: true });
  writeFileSync(file, 'older than the factory');
  await world.night('factory.yaml');
  expect(readFileSync(file, 'utf8')).toBe('one');
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'unchanged', b: 'unchanged' });
  world.files.set(medium, 'two').set('/SHA256SUMS', `${'b'.repeat(64)}  b.qcow2\n`);
  const night = await world.night('factory.yaml');
  expect(entrySummary(night, 'a').reasons).toEqual([
    { kind: 'medium', text: 'the base image is another one: ETag changed' },
  ]);
  expect(entrySummary(night, 'b').reasons).toMatchObject([
    { text: expect.stringMatching(/its checksum file changed/) },
  ]);
  // The build finds the newer file, and not the download of before.
  expect(readFileSync(file, 'utf8')).toBe('two');
});

test('no build begins without room, nor after the end of the night', async () => {
  for (const name of ['a', 'b']) recipe(name);
  world.rpm('r', []);
  factory('limits: { room: 60T }');
  const full = await world.night('factory.yaml');
  expect(outcomes(full)).toEqual({ a: 'postponed', b: 'postponed' });
  expect(full.outcome).toBe('failed');
  expect(nightText(full)).toMatch(
    /2 postponed.*\n\npostponed: no room in .*: [\d.]+ \w+ free, limits\.room is 60 TiB \(vmkiln clean .*\)\n {2}images: a, b\n {2}then: the next night/,
  );
  factory('limits: { room: 1M, night: 1s, jobs: 1 }');
  world.before = () => new Promise((resolve) => setTimeout(resolve, 1100));
  // Which of them comes first is open.
  expect(Object.values(outcomes(await world.night('factory.yaml'))).toSorted()).toEqual(['built', 'postponed']);
});

test('a build that takes too long is stopped, and the others go on', async () => {
  for (const name of ['a', 'b']) recipe(name);
  world.rpm('r', []);
  factory('limits: { room: 1M, build: 1s }');
  world.before = (name, { signal }) =>
    name === 'b' ? undefined : new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  const night = await world.night('factory.yaml');
  expect(entrySummary(night, 'a')).toMatchObject({ outcome: 'failed', failure: { code: 'LIMIT_REACHED' } });
  expect(entrySummary(night, 'b').outcome).toBe('built');
});

test('a night that is stopped ends with what it has, and keeps its summary', async () => {
  for (const name of ['a', 'b']) recipe(name);
  world.rpm('r', []);
  factory('limits: { room: 1M, jobs: 1 }');
  const controller = new AbortController();
  let begun = 0;
  world.before = () => {
    if ((begun += 1) === 2) controller.abort(new VmkilnError('INTERRUPTED', 'stopped by SIGINT'));
  };
  const night = await world.night('factory.yaml', { signal: controller.signal });
  expect(Object.values(outcomes(night)).toSorted()).toEqual(['built', 'interrupted']);
  expect(nightText(night)).toMatch(/^f: 1 interrupted, 1 built \(/);
  const folder = join(world.folder, 'home/state/factory/f/nights');
  expect(JSON.parse(readFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'utf8'))).toMatchObject({
    outcome: 'interrupted',
  });
  expect(Object.values(outcomes(await world.night('factory.yaml'))).toSorted()).toEqual(['built', 'unchanged']);
});

test('a second night leaves, or waits for the end of the first', async () => {
  recipe('a');
  world.rpm('r', []);
  factory('', '[a.yaml]');
  let enter = (): void => undefined;
  const [inside, go] = [resolvers(), resolvers()];
  world.before = async () => {
    inside.resolve();
    enter = go.resolve;
    await go.promise;
  };
  const first = world.night('factory.yaml');
  await inside.promise;
  await expect(world.night('factory.yaml')).rejects.toThrow('another night is under way');
  const second = world.night('factory.yaml', { ifRunning: 'wait' });
  enter();
  expect([outcomes(await first), outcomes(await second)]).toEqual([{ a: 'built' }, { a: 'unchanged' }]);
});

function resolvers() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

test('an entry with a schedule of its own is looked at when its time has come, or when it is named', async () => {
  recipe('a');
  recipe('b');
  world.rpm('r', []);
  factory('', "[a.yaml, { recipe: b.yaml, schedule: '0 0 1 1 *' }]");
  await world.night('factory.yaml');
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'unchanged', b: 'not due' });
  const state = join(world.folder, 'home/state/factory/f/entries/b.json');
  writeFileSync(state, readFileSync(state, 'utf8').replace(/"lookedAt":"\d{4}/, '"lookedAt":"2020'));
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'unchanged', b: 'unchanged' });
  expect(outcomes(await world.night('factory.yaml', { only: ['b'] }))).toEqual({ b: 'built' });
});

test('an image that starts from another is built after it, whatever comes first in the factory', async () => {
  recipe('a', { source: `{ image: ${world.folder}/images/b.qcow2 }` });
  recipe('b');
  world.rpm('r', []);
  factory();
  const plan = await world.night('factory.yaml', { dryRun: true });
  expect(entrySummary(plan, 'a').reasons).toMatchObject([
    { kind: 'base', text: 'b, which it starts from, is built first' },
  ]);
  await world.night('factory.yaml');
  expect(world.builds.map(({ name }) => name)).toEqual(['b', 'a']);
  recipe('b', { source: `{ image: ${world.folder}/images/a.qcow2 }` });
  await expect(world.night('factory.yaml')).rejects.toThrow('these images start from each other: a, b');
});

test('mistakes have positions, and a recipe that is none is the matter of its entry', async () => {
  recipe('a');
  world.rpm('r', []);
  world.write('broken.yaml', 'name: broken\nfamily: rhel\n');
  mkdirSync(join(world.folder, 'none'));
  factory('', '[a.yaml, broken.yaml]');
  const night = await world.night('factory.yaml');
  expect(outcomes(night)).toEqual({ a: 'built', broken: 'failed' });
  expect(entrySummary(night, 'broken').failure?.code).toBe('RECIPE_INVALID');
  const wrong = [
    'recipes: [none/*.yaml, { recipe: a.yaml, schedle: x }]',
    "schedule: { cron: '61 2 * * *', timezone: Mars }",
    'limits: { room: 4, jobs: 0 }',
    'notify: [{ run: nobody.sh, when: never }]',
  ];
  world.write('wrong.yaml', `name: f\n${wrong.join('\n')}\n`);
  const error = await world.night('wrong.yaml').catch((each: unknown) => each);
  expect(error).toMatchObject({ code: 'FACTORY_INVALID' });
  expect(String((error as Error).message).split('\n')).toEqual([
    expect.stringMatching(/^wrong.yaml:2:42 recipes\.1: unrecognised key "schedle", did you mean "schedule"\?$/),
    expect.stringMatching(/^wrong.yaml:3:19 schedule.cron: expected a schedule of five fields/),
    expect.stringMatching(/^wrong.yaml:3:43 schedule.timezone: expected a time zone/),
    expect.stringMatching(/^wrong.yaml:4:17 limits.room: expected a size/),
    expect.stringMatching(/^wrong.yaml:4:26 limits.jobs: expected at least 1/),
    expect.stringMatching(/^wrong.yaml:5:34 notify.0.when: expected always, change or failure/),
  ]);
  world.write('wrong.yaml', `name: f\nrecipes: [none/*.yaml]\nnotify: [nobody.sh]\n`);
  await expect(world.night('wrong.yaml')).rejects.toThrow(
    /2:11 recipes.0.recipe: no recipe .*\n.*3:10 notify.0: there is no file/,
  );
});

test('the example of the documentation is a factory', () => {
  const [, text = ''] = /\n\n((?: {4}.*\n)+)/.exec(readFileSync('docs/factory.md', 'utf8')) ?? [];
  const read = factoryForm.parse(parse(text));
  expect(read.recipes.map((entry) => entry.recipe)).toEqual(['recipes/*.yaml', 'web.yaml', 'windows-2022.yaml']);
  expect(read.limits).toMatchObject({ build: 4 * 3600, room: 60 * 1024 ** 3 });
});

test('what cannot be kept fails no image: it is tried once more at the end, and then told of the night', async () => {
  for (const name of ['a', 'b']) recipe(name);
  world.rpm('r', []);
  factory();
  const entries = join(world.folder, 'home/state/factory/f/entries');
  // Nothing can be written where a folder is.
  mkdirSync(join(entries, 'a.json'), { recursive: true });
  mkdirSync(join(entries, 'b.json'));
  world.before = (name) => {
    // Room that comes after its first try.
    if (name === 'b') setTimeout(() => rmdirSync(join(entries, 'b.json')), 0);
  };
  const night = await world.night('factory.yaml');
  expect(outcomes(night)).toEqual({ a: 'built', b: 'built' });
  expect(night.outcome).toBe('failed');
  expect(night.warnings).toEqual([expect.stringMatching(/^what came of a is not kept.*a\.json is a folder/)]);
  rmdirSync(join(entries, 'a.json'));
  world.before = () => undefined;
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'built', b: 'unchanged' });
});
