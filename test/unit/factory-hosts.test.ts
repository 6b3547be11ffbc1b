import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Make, Postponed } from '../../src/factory/make-build.ts';
import { BuildFailure } from '../../src/factory/summary.ts';
import { nightText } from '../../src/ui/night-text.ts';
import { entrySummary } from '../support/factory-entry.ts';
import { type FactoryWorld, factoryWorld, rpmOf } from '../support/factory-world.ts';

// Nights whose builds others make: what is decided from what they tell.

let world: FactoryWorld;
beforeAll(async () => {
  world = await factoryWorld();
  world.rpm('r', [rpmOf('bash', '4.2')]);
  for (const name of ['a', 'b', 'c']) {
    const more = `repositories: [{ id: r, baseurl: '${world.url}/r/' }]\nverify: false\nupload: [{ directory: { path: /nowhere } }]\n`;
    world.write(
      `${name}.yaml`,
      `name: ${name}\nfamily: rhel\nrelease: "9.4"\nsource: { image: /srv/x.qcow2 }\n${more}`,
    );
  }
  world.write('factory.yaml', "name: f\nrecipes: ['?.yaml']\nlimits: { room: 1M }\n");
});
afterAll(() => world.close());

/** Another host, which builds in no time; `asked` is what it was asked for. */
function host(ends: Partial<Record<string, () => Promise<never>>> = {}) {
  const asked: { name: string; from: string | undefined; renewMedia: boolean }[] = [];
  const make: Make = async ({ name }, { from, renewMedia }, { began }) => {
    asked.push({ name, from, renewMedia });
    // Which of them begins first is not said.
    const times = asked.filter((each) => each.name === name).length;
    const build = `${name}-20261128-02000${times}-abcd`;
    began(build);
    await ends[name]?.();
    const published = [{ target: 'directory', location: `/nowhere/${name}`, sha256: '0', size: 1, unchanged: false }];
    const told = { installed: [rpmOf('bash', '4.2')], brought: true, difference: 'packages: 1 upgraded' };
    return { build, folder: `/there/${build}`, published, host: 'h2', ...told };
  };
  return { asked, make };
}

test('what others built counts as if it had been built here; what lies on their disks is not looked for', async () => {
  const { asked, make } = host();
  const first = await world.night('factory.yaml', { make });
  expect(first.outcome).toBe('done');
  expect(entrySummary(first, 'a')).toMatchObject({
    ...{ outcome: 'built', build: expect.stringMatching(/^a-/), difference: 'packages: 1 upgraded' },
    notes: ['on h2: /there/a-20261128-020001-abcd'],
  });
  expect(entrySummary(first, 'a').folder).toBeUndefined();
  expect(asked).toContainEqual({ name: 'a', from: undefined, renewMedia: true });
  expect((await world.night('factory.yaml', { make })).entries.map(({ outcome }) => outcome)).toEqual([
    ...['unchanged', 'unchanged', 'unchanged'],
  ]);
  world.rpm('r', [rpmOf('bash', '4.2'), rpmOf('bash', '4.3')]);
  await world.night('factory.yaml', { make });
  // Each makes the layer of its packages anew: it may be on another host.
  expect(asked.slice(3).map(({ from }) => from)).toEqual(['customize', 'customize', 'customize']);
});

test('a night that is begun again goes on: nothing is built or counted twice', async () => {
  const stop = new AbortController();
  const failing = async () => {
    throw new BuildFailure({ code: 'COMMAND_FAILED', message: 'it was told to fail' });
  };
  const stopped = async () => {
    stop.abort(new Error('stopped'));
    throw stop.signal.reason;
  };
  const ended = Promise.resolve();
  const first = host({
    b: failing,
    c: async () => ended.then(() => new Promise((go) => setTimeout(go, 500))).then(stopped),
  });
  const options = { id: 'f-20261128-030000-0000', asked: true };
  const broken = await world.night('factory.yaml', { ...options, make: first.make, signal: stop.signal });
  expect(broken.outcome).toBe('interrupted');
  expect(broken.entries.map(({ outcome }) => outcome)).toEqual(['built', 'failed', 'interrupted']);
  const second = host({ b: failing });
  const whole = await world.night('factory.yaml', { ...options, make: second.make });
  expect(whole.night).toBe(options.id);
  expect(second.asked.map(({ name }) => name)).toEqual(['c']);
  expect(whole.entries.map(({ outcome }) => outcome)).toEqual(['built', 'failed', 'built']);
  expect(entrySummary(whole, 'b')).toMatchObject({ retry: { failed: 1 }, failure: { code: 'COMMAND_FAILED' } });
});

test('a host without room puts an image off, and that is no failure', async () => {
  const full = async () => {
    throw new Postponed('no room (on h2)');
  };
  const { make } = host({ a: full });
  const night = await world.night('factory.yaml', { make, only: ['a'], asked: true });
  expect(entrySummary(night, 'a')).toMatchObject({ outcome: 'postponed', notes: ['no room (on h2)'] });
  expect(entrySummary(night, 'a').failure).toBeUndefined();
});

test('what failed on another host is explained there', async () => {
  const failing = async () => {
    throw new BuildFailure({ code: 'COMMAND_FAILED', message: 'it was told to fail' }, 'h2');
  };
  const make = host({ a: failing }).make;
  await world.night('factory.yaml', { asked: true, make });
  expect(nightText(await world.night('factory.yaml', { asked: true, make }))).toContain(
    'more: on h2: vmkiln explain a-',
  );
  // So it is in a night that does not try it.
  expect(nightText(await world.night('factory.yaml', { make }))).toMatch(
    /not tried: (.*\n)*.* on h2: vmkiln explain a-/,
  );
  expect((await world.night('factory.yaml', { asked: true, make: host().make })).outcome).toBe('done');
});

test('a build that was cancelled has not failed: it is told, nothing is remembered, and the next night makes it', async () => {
  const cancelled = async () => {
    throw new BuildFailure({ code: 'INTERRUPTED', message: 'it was cancelled' });
  };
  const night = await world.night('factory.yaml', { asked: true, make: host({ a: cancelled }).make });
  expect(night.outcome).toBe('done');
  expect(entrySummary(night, 'a')).toMatchObject({
    outcome: 'interrupted',
    notes: [expect.stringMatching(/cancelled/)],
  });
  expect(entrySummary(night, 'a').retry).toBeUndefined();
  const next = await world.night('factory.yaml', { asked: true, make: host().make });
  expect(entrySummary(next, 'a').reasons).toMatchObject([{ kind: 'asked' }]);
});
