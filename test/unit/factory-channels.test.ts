import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { promote } from '../../src/channels/promote.ts';
import type { NightSummary } from '../../src/factory/summary.ts';
import type { ChannelPlace } from '../../src/targets/channel-place.ts';
import { folderChannels } from '../../src/targets/directory/channels.ts';
import { nightView } from '../../src/report/night-page.ts';
import { nightText } from '../../src/ui/night-text.ts';
import { entrySummary } from '../support/factory-entry.ts';
import { type FactoryWorld, factoryWorld } from '../support/factory-world.ts';

// Promotions of a night, on real folders with real statements.

let world: FactoryWorld;
let place: ChannelPlace;
const signer = generateKeyPairSync('ed25519');

beforeEach(async () => {
  world = await factoryWorld();
  world.says = () => ({});
  writeFileSync(join(world.folder, 'base.qcow2'), 'a base image');
  writeFileSync(join(world.folder, 'signer.pub'), signer.publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(world.folder, 'signer.key'), signer.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  place = folderChannels(join(world.folder, 'images'), {
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  world.rpm('r', []);
});
afterEach(() => world.close());

function recipe(name: string, source = `{ image: ${world.folder}/base.qcow2 }`, more = ''): void {
  const upload = more.includes('upload') ? '' : `upload: [{ directory: { path: ${world.folder}/images } }]\n`;
  world.write(
    `${name}.yaml`,
    `name: ${name}\nfamily: rhel\ndistribution: rocky\nrelease: '9.6'\ndistributionRepositories: false\n` +
      `repositories: [{ id: r, baseurl: '${world.url}/r/' }]\nsource: ${source}\n${upload}${more}`,
  );
}

const signed = 'describe: { signWith: { file: signer.key } }\n';
const factory = (text: string) => world.write('factory.yaml', `name: f\nlimits: { room: 1M }\n${text}\n`);
const outcomes = (night: NightSummary) => Object.fromEntries(night.entries.map(({ name, outcome }) => [name, outcome]));
const built = () => world.builds.splice(0).map(({ name }) => name);

test('what is built is promoted, and what starts from its channel is built after it, on it', async () => {
  recipe('app', `{ channel: base-prod, in: ${world.folder}/images/ }`);
  recipe('base');
  factory("channel: '{name}-prod'\nrecipes: [{ recipe: app.yaml, channel: false }, base.yaml]");
  const dry = await world.night('factory.yaml', { dryRun: true });
  expect(entrySummary(dry, 'app').reasons).toMatchObject([{ text: 'base, which it starts from, is built first' }]);
  const first = await world.night('factory.yaml');
  expect(built()).toEqual(['base', 'app']);
  expect(entrySummary(first, 'base').promoted).toMatchObject([{ channel: 'base-prod', end: 'reached', generation: 1 }]);
  expect(nightText(first)).toMatch(/promoted to base-prod of .*images: base\.\w{12}\.qcow2, generation 1/);
  expect(nightView(first, new Set()).entries[0]?.difference).toMatch(/^promoted to base-prod of /);
  expect((await place.resolve('base-prod')).build).toBe(entrySummary(first, 'base').build);
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ base: 'unchanged', app: 'unchanged' });

  appendFileSync(join(world.folder, 'base.yaml'), "customize: [{ run: 'true' }]\n");
  const second = await world.night('factory.yaml');
  expect(built()).toEqual(['base', 'app']);
  expect(entrySummary(second, 'app').reasons).toMatchObject([{ kind: 'base' }]);
  // Going back is a change of the channel, and no reason to build what was left.
  await place.rollback('base-prod');
  await world.night('factory.yaml');
  expect(built()).toEqual(['app']);
  expect((await place.resolve('base-prod')).build).toBe(entrySummary(first, 'base').build);
});

test('an image whose base has never been built fails for that', async () => {
  recipe('app', `{ channel: base-prod, in: ${world.folder}/images/ }`);
  recipe('base');
  world.before = () => {
    throw new Error('no space left');
  };
  factory("channel: '{name}-prod'\nrecipes: [{ recipe: app.yaml, channel: false }, base.yaml]");
  const night = await world.night('factory.yaml');
  expect(outcomes(night)).toEqual({ base: 'failed', app: 'failed' });
  expect(entrySummary(night, 'app').failure?.message).toMatch(
    /^base, which it starts from, was not built: there is no /,
  );
});

test('a promotion that fails is told, and tried again without a build', async () => {
  recipe('a', undefined, signed);
  factory('recipes: [{ recipe: a.yaml, channel: { name: prod, key: signer.pub } }]');
  world.says = () => ({ key: generateKeyPairSync('ed25519').privateKey });
  const night = await world.night('factory.yaml');
  expect(night.outcome).toBe('failed');
  expect(entrySummary(night, 'a')).toMatchObject({
    outcome: 'failed',
    published: [{ location: join(world.folder, 'images/a.qcow2') }],
    failure: { code: 'PROVENANCE_INVALID', stage: 'promotion', message: expect.stringMatching(/^signature-invalid: /) },
  });
  expect(nightText(night)).toMatch(
    /\n {2}images: a \(promotion\)\n {2}next: .*\n {2}then: the next night tries to promote/,
  );
  expect(nightText(night)).not.toContain('vmkiln explain');
  expect([outcomes(await world.night('factory.yaml')), built()]).toEqual([{ a: 'failed' }, ['a']]);
  factory('recipes: [{ recipe: a.yaml, channel: prod }]');
  const again = await world.night('factory.yaml');
  expect([outcomes(again), built(), again.outcome]).toEqual([{ a: 'promoted' }, [], 'done']);
  expect((await place.resolve('prod')).build).toBe(entrySummary(night, 'a').build);
});

test('what nobody booted is promoted only where the factory says so', async () => {
  recipe('a');
  factory('recipes: [{ recipe: a.yaml, channel: prod }]');
  world.says = () => ({ results: [{ check: 'answer-file', outcome: 'passed', message: '' }] });
  const night = await world.night('factory.yaml');
  expect(entrySummary(night, 'a').failure?.message).toMatch(/^not-booted: /);
  factory('recipes: [{ recipe: a.yaml, channel: { name: prod, allowUnbooted: true } }]');
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'promoted' });
});

test('what somebody else has published under the name meanwhile is not promoted for it', async () => {
  recipe('a');
  factory('recipes: [a.yaml]');
  await world.night('factory.yaml');
  world.write('other.yaml', 'name: g\nlimits: { room: 1M }\nrecipes: [a.yaml]\n');
  await world.night('other.yaml');
  factory('recipes: [{ recipe: a.yaml, channel: prod }]');
  const night = await world.night('factory.yaml');
  expect(entrySummary(night, 'a').failure).toMatchObject({
    code: 'CHANNEL_REFUSED',
    message: expect.stringMatching(/a.qcow2 is not the image any more that was to be promoted/),
  });
  expect(await place.channels()).toEqual([]);
});

test('a recipe that gets another name while the night runs does not take the place of another image', async () => {
  for (const name of ['a', 'b']) recipe(name);
  world.write('factory.yaml', 'name: f\nlimits: { room: 1M, jobs: 1 }\nrecipes: [a.yaml, b.yaml]\n');
  // Which of them comes first is open.
  world.before = (name) => {
    const other = name === 'a' ? 'b' : 'a';
    const path = join(world.folder, `${other}.yaml`);
    writeFileSync(path, readFileSync(path, 'utf8').replace(`name: ${other}`, `name: ${name}`));
  };
  const night = await world.night('factory.yaml');
  expect(Object.values(outcomes(night)).toSorted()).toEqual(['built', 'postponed']);
  expect(nightText(night)).toMatch(/\npostponed: `name` of the recipe changed while the night ran\n {2}images: [ab]\n/);
});

test('a server that is away is told once for all that are built without it', async () => {
  for (const name of ['a', 'b']) recipe(name);
  factory('recipes: [a.yaml, b.yaml]');
  world.files.clear();
  const text = nightText(await world.night('factory.yaml'));
  expect(text).toMatch(/^f: 2 built .*\n {2}all: \S+\/r\/ could not be looked at: [^\n]*$/s);
  expect(text.match(/could not be looked at/g)).toHaveLength(1);
});

test('what people do while a promotion fails stays, and no later night fails for it', async () => {
  for (const name of ['a', 'b']) recipe(name);
  factory("channel: '{name}-prod'\nrecipes: [a.yaml, b.yaml]");
  world.says = () => ({ results: [{ check: 'leftovers', outcome: 'passed', message: '' }] });
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'failed', b: 'failed' });
  // One is built by hand, and promoted by hand; the other is revoked.
  world.says = () => ({});
  world.write('other.yaml', 'name: g\nlimits: { room: 1M }\nrecipes: [a.yaml]\n');
  await world.night('other.yaml');
  await promote(place, 'a', { channel: 'a-prod', statements: async () => undefined });
  await place.revoke([await place.find('b')]);
  const night = await world.night('factory.yaml');
  expect([outcomes(night), night.outcome]).toEqual([{ a: 'unchanged', b: 'unchanged' }, 'done']);
  expect(nightText(night)).toMatch(/a: somebody else was later: a-prod of \S+ has a\.\w{12}\.qcow2/);
  expect(nightText(night)).toMatch(/b: not promoted to b-prod of \S+: it was revoked/);
  const next = await world.night('factory.yaml');
  expect(next.entries.flatMap(({ notes }) => notes)).toEqual([]);
});

test('an image that somebody has gone back from does not come back when a build makes the same bytes again', async () => {
  recipe('a');
  factory('recipes: [{ recipe: a.yaml, channel: prod }]');
  await world.night('factory.yaml');
  const good = await place.resolve('prod');
  world.bytes = 'bad';
  await world.night('factory.yaml', { only: ['a'] });
  await place.rollback('prod');
  const again = await world.night('factory.yaml', { only: ['a'] });
  expect(entrySummary(again, 'a')).toMatchObject({ outcome: 'built', promoted: [{ end: 'left' }] });
  expect(nightText(again)).toMatch(/not promoted to prod of \S+ again: somebody has left it for a\.\w{12}\.qcow2/);
  expect(await place.resolve('prod')).toMatchObject({ sha256: good.sha256, generation: 3 });
  world.bytes = 'mended';
  await world.night('factory.yaml', { only: ['a'] });
  expect((await place.resolve('prod')).generation).toBe(4);
});

test('a channel that is new to an entry gets what is there', async () => {
  recipe('a');
  factory('recipes: [a.yaml]');
  await world.night('factory.yaml');
  expect(built()).toEqual(['a']);
  factory('recipes: [{ recipe: a.yaml, channel: prod }]');
  const dry = await world.night('factory.yaml', { dryRun: true });
  expect(nightText(dry)).toMatch(/^f: 1 to promote .*\n\nto promote\n {2}a\n {4}because a-\S+ is not in prod yet$/);
  const night = await world.night('factory.yaml');
  expect([outcomes(night), built(), night.outcome]).toEqual([{ a: 'promoted' }, [], 'done']);
  expect((await place.resolve('prod')).name).toBe('a');
  await place.revoke([await place.find('a')]);
  expect(outcomes(await world.night('factory.yaml'))).toEqual({ a: 'unchanged' });
});

test('a signature is asked for by the factory, and its absence is seen before anything is built', async () => {
  recipe('a', undefined, signed);
  factory('recipes: [{ recipe: a.yaml, channel: { name: prod, key: signer.pub } }]');
  world.says = () => ({ key: signer.privateKey });
  const night = await world.night('factory.yaml');
  expect(outcomes(night)).toEqual({ a: 'built' });
  expect((await place.resolve('prod')).signedBy).toMatch(/^[0-9a-f]{64}$/);
  built();
  // The channel is one of signed images now.
  recipe('a', undefined, `${signed}customize: [{ run: 'true' }]\n`);
  factory('recipes: [{ recipe: a.yaml, channel: prod }]');
  const refused = await world.night('factory.yaml');
  expect([entrySummary(refused, 'a').failure?.code, built()]).toEqual(['CHANNEL_REFUSED', []]);
});

test('images that could never be promoted are refused when the factory is read, with positions', async () => {
  recipe('a', undefined, 'verify: false\n');
  recipe('b', undefined, 'describe: false\n');
  recipe('c', undefined, 'upload: [{ command: { run: /bin/true } }]\n');
  recipe('d');
  recipe('E_1');
  recipe('g');
  const windows =
    'administratorPassword: { env: PASSWORD }\nsource: { iso: /w.iso, virtioIso: /v.iso, cloudbaseInitMsi: /c.msi }';
  world.write('h.yaml', `name: h\nfamily: windows\nrelease: '2022'\n${windows}\n`);
  world.write('i.yaml', `name: i\nfamily: windows\nrelease: '2022'\n${windows}\n`);
  const lines = [
    '{ recipe: a.yaml }',
    '{ recipe: b.yaml, channel: b }',
    '{ recipe: c.yaml, channel: c }',
    '{ recipe: d.yaml, channel: { name: d, key: signer.pub } }',
    "{ recipe: E_1.yaml, channel: '{name}' }",
    '{ recipe: g.yaml, channel: d }',
    '{ recipe: h.yaml, channel: h }',
    '{ recipe: i.yaml, channel: { name: i, allowUnbooted: true } }',
  ].map((each) => `\n  - ${each}`);
  factory(`channel: prod\nrecipes:${lines.join('')}`);
  const error = await world.night('factory.yaml').catch((each: unknown) => each);
  expect(error).toMatchObject({ code: 'FACTORY_INVALID' });
  expect(String((error as Error).message).split('\n')).toEqual([
    expect.stringMatching(/^factory.yaml:3:10 channel: a is not booted.*take verify: false out/),
    expect.stringMatching(
      /^factory.yaml:6:32 recipes.1.channel: nothing would say that b was checked.*describe: false/,
    ),
    expect.stringMatching(/^factory.yaml:7:32 recipes.2.channel: c is published to no place that has channels: upload/),
    expect.stringMatching(/^factory.yaml:8:32 recipes.3.channel: d wants a signature.*signWith/),
    expect.stringMatching(/^factory.yaml:9:34 recipes.4.channel: E_1 would be promoted to E_1, which cannot be/),
    expect.stringMatching(/^factory.yaml:10:32 recipes.5.channel: d and g would be promoted to the same channel, d/),
    expect.stringMatching(
      /^factory.yaml:11:32 recipes.6.channel: h is looked into, and not booted.*allowUnbooted: true/,
    ),
  ]);
  for (const [channel, what] of [
    ['Prod', /channel: expected the name of a channel/],
    ['true', /channel: expected the name of a channel, \{ name/],
    ['{ name: d, key: none.pub }', /channel\.key: there is no file/],
  ] as const) {
    factory(`channel: ${channel}\nrecipes: [d.yaml]`);
    await expect(world.night('factory.yaml')).rejects.toThrow(what);
  }
});
