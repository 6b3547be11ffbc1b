import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entrySummary } from '../support/factory-entry.ts';
import { debOf, type FactoryWorld, factoryWorld, rpmOf } from '../support/factory-world.ts';

// Forty recipes and twenty updates: what is built is what an update changes, and nothing else.

let world: FactoryWorld;

/** Twenty-eight recipes of Rocky Linux on four repositories, seven each; eight of Debian on two archives; four that start from others' images. */
const rpms = Array.from({ length: 28 }, (_, index) => ({ name: `r${index}`, repository: `rpm${index % 4}` }));
const debs = Array.from({ length: 8 }, (_, index) => ({ name: `d${index}`, repository: `deb${index % 2}` }));
const children = Array.from({ length: 4 }, (_, index) => ({ name: `c${index}`, base: `r${index}` }));
const contents = new Map<string, ReturnType<typeof rpmOf>[]>();

beforeAll(async () => {
  world = await factoryWorld();
  writeFileSync(join(world.folder, 'base.qcow2'), 'a base image');
  for (const repository of ['rpm0', 'rpm1', 'rpm2', 'rpm3']) {
    contents.set(repository, [...Array(12).keys()].map((n) => rpmOf(`p${n}`, '1.0')).concat(rpmOf('kernel', '5.14.0')));
  }
  for (const repository of ['deb0', 'deb1'])
    contents.set(
      repository,
      [...Array(6).keys()].map((n) => debOf(`q${n}`, '1.0-1')),
    );
  for (const [index, { name, repository }] of rpms.entries()) {
    recipe(name, `family: rhel\ndistribution: rocky\nrelease: '9.6'\ndistributionRepositories: false`, 'base.qcow2');
    append(name, `repositories: [{ id: r, baseurl: '${world.url}/${repository}/' }]`);
    // Each has the kernel, and two packages of its own choice.
    world.installed.set(name, [
      rpmOf('kernel', '5.14.0'),
      rpmOf(`p${index % 7}`, '1.0'),
      rpmOf(`p${7 + (index % 3)}`, '1.0'),
    ]);
  }
  for (const [index, { name, repository }] of debs.entries()) {
    recipe(name, `family: debian\nrelease: '12'`, 'base.qcow2');
    append(name, `mirror: { archive: 'http://127.0.0.1:1/20260101T000000Z' }`);
    append(name, `repositories: [{ id: r, uri: '${world.url}/${repository}', suites: [stable], components: [main] }]`);
    world.installed.set(name, [debOf(`q${index % 4}`, '1.0-1')]);
  }
  for (const { name, base } of children) {
    recipe(name, `family: rhel\ndistribution: rocky\nrelease: '9.6'\nupdate: false`, `images/${base}.qcow2`);
  }
  world.write('factory.yaml', `name: forty\nrecipes: ['[rdc]*.yaml']\nlimits: { room: 1M, jobs: 8 }\n`);
  publish();
  const first = await world.night('factory.yaml');
  expect(first.entries.map(({ outcome }) => outcome)).toEqual(Array(40).fill('built'));
});

afterAll(() => world.close());
beforeEach(() => {
  world.builds.length = 0;
  world.requests.length = 0;
});

function recipe(name: string, text: string, image: string): void {
  const upload = `upload: [{ directory: { path: ${world.folder}/images } }]`;
  world.write(`${name}.yaml`, `name: ${name}\n${text}\nsource: { image: ${world.folder}/${image} }\n${upload}\n`);
}

const texts = new Map<string, string>();
function append(name: string, line: string): void {
  texts.set(name, `${texts.get(name) ?? ''}${line}\n`);
  writeFileSync(join(world.folder, `${name}.yaml`), `${line}\n`, { flag: 'a' });
}

function publish(): void {
  for (const [name, packages] of contents) {
    if (name.startsWith('rpm')) world.rpm(name, packages);
    else world.deb(name, packages);
  }
}

test('an idle night builds nothing, and fetches no list of packages', async () => {
  const night = await world.night('factory.yaml');
  expect(night.outcome).toBe('done');
  expect(new Set(night.entries.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']));
  expect(world.builds).toEqual([]);
  expect(new Set(world.requests)).toEqual(
    new Set([
      ...[0, 1, 2, 3].map((n) => `/rpm${n}/repodata/repomd.xml`),
      ...[0, 1].map((n) => `/deb${n}/dists/stable/InRelease`),
    ]),
  );
  // Each is asked once, whoever has it.
  expect(world.requests).toHaveLength(6);
});

/** Twenty updates, one a night: the repository, the package, its new version. */
const updates = [
  ...[...Array(8).keys()].map((n) => ({ repository: `rpm${n % 4}`, name: `p${n}`, version: `1.${n + 1}` })),
  ...[0, 1, 2, 3].map((n) => ({ repository: `rpm${n}`, name: 'kernel', version: '5.14.1' })),
  ...[...Array(6).keys()].map((n) => ({ repository: `deb${n % 2}`, name: `q${n}`, version: `1.0-${n + 2}` })),
  { repository: 'rpm0', name: 'p10', version: '2.0' },
  { repository: 'rpm1', name: 'brand-new', version: '1.0' },
];

test.each(updates)('$name $version in $repository builds exactly the recipes that have it', async (update) => {
  const { repository, name, version } = update;
  const packages = contents.get(repository) ?? [];
  const make = repository.startsWith('rpm') ? rpmOf : debOf;
  // The old version stays, as in a repository.
  contents.set(repository, [...packages, make(name, version)]);
  publish();
  const here = [...rpms, ...debs].filter((each) => each.repository === repository).map((each) => each.name);
  const having = here.filter((entry) => world.installed.get(entry)?.some((each) => each.name === name));
  const based = children.filter(({ base }) => having.includes(base)).map((child) => child.name);
  const night = await world.night('factory.yaml');
  expect(world.builds.map((build) => build.name).toSorted()).toEqual([...having, ...based].toSorted());
  for (const built of having) {
    const { reasons } = entrySummary(night, built);
    expect(reasons).toMatchObject([
      { kind: 'packages', text: expect.stringMatching(new RegExp(`^${name} .* → .*${version}`)) },
    ]);
    expect(world.builds.find((build) => build.name === built)?.from).toMatch(/^(customize|sysprep)$/);
  }
  for (const built of based) expect(entrySummary(night, built).reasons).toMatchObject([{ kind: 'base' }]);
});

test('after the twentieth all is quiet', async () => {
  await world.night('factory.yaml');
  expect(world.builds).toEqual([]);
});

test('a changed recipe, a changed target and a lost image build their own', async () => {
  writeFileSync(join(world.folder, 'r5.yaml'), 'customize: [{ run: "true" }]\n', { flag: 'a' });
  rmSync(join(world.folder, 'images/d1.qcow2'));
  const night = await world.night('factory.yaml', { dryRun: true });
  expect(world.builds).toEqual([]);
  expect(entrySummary(night, 'r5')).toMatchObject({ outcome: 'planned', reasons: [{ text: '`customize` changed' }] });
  expect(entrySummary(night, 'd1').reasons).toMatchObject([
    { kind: 'target', text: expect.stringMatching(/d1.qcow2 is gone/) },
  ]);
  expect(night.entries.filter(({ outcome }) => outcome === 'planned')).toHaveLength(2);
  await world.night('factory.yaml');
  expect(world.builds.map(({ name, from }) => [name, from]).toSorted()).toEqual([
    ['d1', undefined],
    ['r5', undefined],
  ]);
});

test('an image is built anew at its age, from the stage that brings packages', async () => {
  const file = join(world.folder, 'home/state/factory/forty/entries/r7.json');
  const old = {
    ...JSON.parse(readFileSync(file, 'utf8')),
    builtAt: new Date(Date.now() - 31 * 86_400_000).toISOString(),
  };
  writeFileSync(file, JSON.stringify(old));
  const night = await world.night('factory.yaml');
  expect(entrySummary(night, 'r7').reasons).toEqual([{ kind: 'age', text: 'its last build is 31 days old' }]);
  expect(world.builds).toEqual([{ name: 'r7', from: 'customize' }]);
});
