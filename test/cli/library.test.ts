import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { inventory } from '../support/inventory.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { publishImage } from '../support/publish-image.ts';
import { freshFolder } from '../support/vmkiln.ts';

// The package as somebody else gets it: packed, installed into an empty folder, and used there.

const signal = new AbortController().signal;
const folder = freshFolder('library');
afterAll(() => rmSync(folder, { recursive: true }));

const run = async (program: string, args: readonly string[], env = {}) =>
  (await exec({ program, args, timeout: 240, signal, cwd: folder, env })).stdout;

beforeAll(async () => {
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder, resolve('.')]);
  const [packed = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${packed}`]);
}, 300_000);

test('npm takes all that a program of vmkiln reads, and nothing else', async () => {
  const packed = readdirSync(join(folder, 'node_modules/vmkiln'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'node_modules/vmkiln/').length));
  const { stdout } = await exec({ program: 'git', args: ['ls-files'], timeout: 30, signal });
  const sources = stdout.split('\n');
  const compiled = sources.flatMap((file) => {
    const [, name] = /^src\/(.*)\.ts$/.exec(file) ?? [];
    return name === undefined ? [] : [`dist/${name}.js`, `dist/${name}.d.ts`];
  });
  const data = sources.filter((file) =>
    /^(docs|hooks|kickstart|recipes|templates|src\/rehearsal)\/(?!.*\.ts$)/.test(file),
  );
  const single = [
    ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'recipe.schema.json', 'factory.schema.json'],
    ...['dist/execa.js', 'scripts/setup.sh', 'scripts/packages.apt', 'scripts/packages.dnf'],
  ];
  // Man pages, and what the command line is bundled in, are of the build.
  const described = packed.filter((file) => !/^dist\/(man|chunks)\//.test(file));
  expect(packed).toContain('dist/chunks/main.js');
  expect(described.toSorted()).toEqual([...compiled, ...data, ...single].toSorted());

  const { bin, exports, types } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    bin: Record<string, string>;
    exports: Record<string, string | Record<string, string>>;
    types: string;
  };
  const targets = Object.values(exports).flatMap((each) => (typeof each === 'string' ? [each] : Object.values(each)));
  const named = [types, ...Object.values(bin), ...targets].map((path) => path.replace(/^\.\//, ''));
  expect(named.filter((path) => !packed.includes(path))).toEqual([]);
});

test('the command runs from there', async () => {
  const vmkiln = join(folder, 'node_modules/.bin/vmkiln');
  const recipe = join(folder, 'node_modules/vmkiln/recipes/rhel7.yaml');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await run(vmkiln, ['--version'])).toBe(`${version}\n`);
  expect(await run(vmkiln, ['validate', recipe, '--set', 'iso=none.iso'])).toContain('valid');
  await run(vmkiln, ['render', recipe, '--set', 'iso=none.iso', '--out', join(folder, 'rendered')]);
  expect(readdirSync(join(folder, 'rendered'))).toContain('ks.cfg');
  const setup = await run(join(folder, 'node_modules/vmkiln/scripts/setup.sh'), ['--dry-run']);
  expect(setup).toContain(`would run: ${join(folder, 'node_modules/vmkiln/dist/cli.js')} doctor`);
});

test('JavaScript builds, plans, validates, inspects, converts and uploads, in a world of its own', async () => {
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'one.json'), JSON.stringify({ ...inventory(), ports: [] }));
  writeFileSync(join(host.folder, 'two.json'), JSON.stringify(inventory()));
  writeFileSync(join(host.folder, 'checks.yaml'), '- run: [true]\n');
  writeFileSync(join(host.folder, 'disk.raw'), Buffer.alloc(2 ** 20));
  const script = `
    import * as vmkiln from 'vmkiln';
    const [env, cwd] = [JSON.parse(process.argv[2]), process.argv[3]];
    const events = [];
    const options = { env: { ...process.env, ...env }, cwd, connect: 'qemu:///session' };
    const { plan, targets } = await vmkiln.plan('a.yaml', options);
    await vmkiln.savePlan(plan, 'plan.json', { cwd });
    const built = await vmkiln.build({ plan: 'plan.json' }, { ...options, onEvent: (event) => events.push(event) });
    const again = await vmkiln.build('a.yaml', { ...options, signal: new AbortController().signal });
    const [valid, wrong] = await vmkiln.validate(['a.yaml', 'disk.raw'], options);
    const [made] = await vmkiln.convert('disk.raw', { ...options, to: 'raw', out: 'copy.raw', check: false });
    const report = await vmkiln.inspect('disk.raw', { ...options, guest: false });
    const to = [{ directory: { path: 'copies' } }];
    const uploaded = [];
    for (const each of [1, 2]) uploaded.push(...(await vmkiln.upload('copy.raw', { ...options, to, name: 'b' })));
    const wrongTarget = await vmkiln.upload('copy.raw', { ...options, to: [{ directory: 1 }] }).catch((error) => error);
    const failure = await vmkiln.build('none.yaml', options).catch((error) => error);
    const [latest] = await vmkiln.builds(options);
    const difference = await vmkiln.diff('one.json', 'two.json', { cwd });
    const undescribed = await vmkiln.describe('none.qcow2', options).catch((error) => error);
    const unverified = await vmkiln.verify('disk.raw', { ...options, checks: ['checks.yaml'] }).catch((error) => error);
    console.log(JSON.stringify({
      latest: [latest.name, latest.outcome, (await vmkiln.explain(latest).catch((error) => error)).code],
      difference: difference.changes.ports,
      proof: [undescribed.code, unverified.code, unverified.message],
      stages: plan.stages.map(({ stage }) => stage),
      targets: targets.map(({ target, changes }) => [target, changes.length]),
      built: built.published.map(({ location }) => location),
      again: again.published.map(({ unchanged }) => unchanged),
      types: [...new Set(events.map(({ type }) => type))].length > 5,
      problems: [valid.problems.length, wrong.problems.length > 0],
      format: report.format,
      made: made.file,
      uploaded: uploaded.map(({ location, unchanged }) => [location, unchanged]),
      wrongTarget: [wrongTarget.code, wrongTarget.message.split(':')[0]],
      failure: [failure instanceof vmkiln.VmkilnError, failure.code, vmkiln.exitCode(failure)],
    }));`;
  writeFileSync(join(folder, 'use.mjs'), script);
  const text = await run(process.execPath, ['use.mjs', JSON.stringify(host.env), host.folder]);
  expect(JSON.parse(text)).toEqual({
    latest: ['a', 'done', 'USAGE'],
    difference: [{ kind: 'added', name: 'tcp 22', details: [{ field: 'process', to: 'sshd' }] }],
    proof: ['USAGE', 'USAGE', expect.stringContaining(`${join(host.folder, 'checks.yaml')}:1:8 0.run`)],
    stages: ['disk', 'install', 'customize', 'sysprep', 'sparsify', 'verify', 'describe', 'upload'],
    targets: [['directory', 2]],
    built: [join(host.folder, 'images/a.qcow2')],
    again: [true],
    types: true,
    problems: [0, true],
    format: 'raw',
    made: join(host.folder, 'copy.raw'),
    uploaded: [
      [join(host.folder, 'copies/b.raw'), false],
      [join(host.folder, 'copies/b.raw'), true],
    ],
    wrongTarget: ['USAGE', 'upload.0.directory'],
    failure: [true, 'RECIPE_INVALID', 2],
  });
});

test('JavaScript runs a night, and moves channels', async () => {
  const host = fakeHost();
  host.recipe('a');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\nlimits: { room: 1M }\n');
  for (const name of ['one', 'two']) {
    writeFileSync(join(host.folder, name), name);
    await publishImage(join(host.folder, name), join(host.folder, 'kept'), { name, build: `${name}-1` });
  }
  const script = `
    import * as vmkiln from 'vmkiln';
    const [env, cwd] = [JSON.parse(process.argv[2]), process.argv[3]];
    const options = { env: { ...process.env, ...env }, cwd, in: 'kept/' };
    const nights = [];
    for (const dryRun of [true, false, false]) nights.push(await vmkiln.nightly('factory.yaml', { ...options, dryRun }));
    const refused = await vmkiln.promote('a', { ...options, in: './images', to: 'prod' }).catch((error) => error);
    const none = await vmkiln.nightly('factory.yaml', { ...options, images: ['b'] }).catch((error) => error);
    const ends = [];
    for (const image of ['kept/one.raw', 'two', 'two']) ends.push(await vmkiln.promote(image, { ...options, to: 'prod' }));
    const before = await vmkiln.resolveChannel('prod', options);
    ends.push(await vmkiln.rollback('prod', options));
    const { revoked } = await vmkiln.revoke('one', options);
    const [{ channel, image }] = await vmkiln.channels(options);
    console.log(JSON.stringify({
      nights: nights.map(({ entries }) => entries[0].outcome),
      refused: [refused.code, none.code],
      ends: ends.map(({ end, generation }) => [end, generation]),
      before: before.name,
      revoked: revoked.map(({ name }) => name),
      after: [channel, image],
    }));`;
  writeFileSync(join(folder, 'night.mjs'), script);
  const text = await run(process.execPath, ['night.mjs', JSON.stringify(host.env), host.folder]);
  expect(JSON.parse(text)).toEqual({
    nights: ['planned', 'built', 'unchanged'],
    refused: ['PROVENANCE_INVALID', 'USAGE'],
    ends: [
      ['reached', 1],
      ['reached', 2],
      ['unchanged', 2],
      ['reached', 3],
    ],
    before: 'two',
    // The file that was published, and the copy that the channel has.
    revoked: ['one', 'one'],
    after: ['prod', null],
  });
});

test('TypeScript knows its types', async () => {
  const program = `
    import { build, channels, convert, describe, diff, inspect, nightly as night, plan, promote, rehearse, upload, validate, verify, VmkilnError, type Event } from 'vmkiln';
    export async function nightly(recipe: string): Promise<string[]> {
      const events: Event[] = [];
      try {
        const { published } = await build(recipe, { set: { iso: '/srv/x.iso' }, onEvent: (event) => events.push(event) });
        return published.map(({ location }) => location);
      } catch (error) {
        if (error instanceof VmkilnError && error.code === 'DISK_FULL') return [];
        throw error;
      }
    }
    // @ts-expect-error a size is no name
    void build(1);
    // @ts-expect-error there is no such format
    void convert('x.qcow2', { to: 'zip' });
    export async function proven(image: string): Promise<string[]> {
      const { passed, results, ports = [] } = await verify(image, { recipe: 'a.yaml', checks: ['c.yaml'] });
      const { changes } = await diff('old.qcow2', image);
      const { packages } = await describe(image);
      if (!passed) return results.map(({ check }) => check);
      return [...changes.packages, ...packages].map(({ name }) => name).concat(ports.map(({ port }) => String(port)));
    }
    export async function nights(): Promise<string[]> {
      const summary = await night('factory.yaml', { images: ['a'] });
      const { image, end } = await promote('a.qcow2', { to: 'prod' });
      const kept = (await channels({ in: './images' })).map(({ channel }) => channel);
      return [...(summary?.entries ?? []).map(({ name, outcome }) => name + outcome), end, image?.sha256 ?? '', ...kept];
    }
    // @ts-expect-error a channel has to be said
    void promote('a.qcow2', {});
    export const others = [inspect, plan, rehearse, upload, validate];`;
  mkdirSync(join(folder, 'typed'), { recursive: true });
  writeFileSync(join(folder, 'typed/use.ts'), program);
  const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--noEmit', '--types', 'node'];
  const roots = ['--typeRoots', resolve('node_modules/@types')];
  const compiler = resolve('node_modules/typescript/bin/tsc');
  expect(await run(process.execPath, [compiler, ...options, ...roots, 'typed/use.ts'])).toBe('');
}, 120_000);
