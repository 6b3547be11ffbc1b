import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import type { Event, Plan } from '../../src/model.ts';
import { runBuild, type Task } from '../../src/pipeline/build.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { poolOf } from '../../src/pipeline/pool.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import { planInput } from '../support/plan-input.ts';
import { rhelRecipe } from '../support/rhel.ts';
import { windowsRecipe } from '../support/windows.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-build-'));
const recipe = await rhelRecipe();

/** A plan in which there is nothing to do: what a build is besides its stages. */
const idle: Plan<Recipe> = (() => {
  const plan = makePlan(planInput(recipe));
  return { ...plan, stages: plan.stages.map((step) => ({ ...step, forecast: 'skip' as const })) };
})();

/** Runs a build whose plan is what `plan` gives or throws, and tells what it said and left. */
async function run(
  name: string,
  plan: () => Promise<{ plan: Plan<Recipe>; secrets: string[] }>,
  more: Partial<Task> & { signal?: AbortSignal; env?: Record<string, string> } = {},
) {
  const { signal = new AbortController().signal, env = {}, ...task } = more;
  const events: Event[] = [];
  const hooked: Task = {
    name,
    recipeFile: join(home, 'r.yaml'),
    recipe: { hooks: {} },
    rehearsal: false,
    keepOnFailure: false,
    plan,
    ...task,
  };
  const world = { env: { VMKILN_HOME: home, ...env }, cwd: home };
  const pool = poolOf(1, () => ({ memory: 1e12, disk: 1e12 }));
  const outcome = await runBuild(hooked, { signal, world, pool, emit: (event) => events.push(event) }).then(
    ({ folder }) => ({ folder, error: undefined }),
    (error: unknown) => ({ folder: undefined, error }),
  );
  const builds = join(home, 'state/builds');
  const [build] = readdirSync(builds).filter((each) => each.startsWith(`${name}-2`));
  const files = build === undefined ? [] : readdirSync(join(builds, build));
  const work = build !== undefined && existsSync(join(home, 'cache/work', build));
  const manifest = files.includes('manifest.json')
    ? (JSON.parse(readFileSync(join(builds, build ?? '', 'manifest.json'), 'utf8')) as { status: string })
    : undefined;
  return { ...outcome, types: events.map(({ type }) => type), events, files, work, status: manifest?.status };
}

test('a build that is done keeps its documents and gives up what it owned', async () => {
  const { files, work, status, types } = await run('done', async () => ({ plan: idle, secrets: [] }));
  expect(files.toSorted()).toEqual(['events.ndjson', 'logs', 'manifest.json', 'plan.json', 'rendered']);
  expect({ work, status }).toEqual({ work: false, status: 'done' });
  expect([types.at(0), types.at(-1)]).toEqual(['build-started', 'build-finished']);
});

test('one that is refused before it began leaves nothing and says nothing', async () => {
  const { error, files, work, types } = await run('refused', async () => {
    throw new VmkilnError('MEDIA_MISSING', 'there is no ISO');
  });
  expect(error).toMatchObject({ code: 'MEDIA_MISSING' });
  expect({ files, work, types }).toEqual({ files: [], work: false, types: [] });
});

test('one that fails tells why without its secrets, and leaves its documents alone', async () => {
  const { files, work, status, events } = await run('failed', async () => {
    throw new VmkilnError('HOST_UNFIT', 'no room', { hint: 'make some' });
  });
  expect({ work, status, owned: files.includes('owner.json') }).toEqual({
    work: false,
    status: 'failed',
    owned: false,
  });
  expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'HOST_UNFIT', message: 'no room', hint: 'make some' });
  const told = await run('secret', async () => ({ plan: { ...idle, stages: [] }, secrets: ['has the stages'] }));
  expect(told.events.findLast(({ type }) => type === 'failed')).toMatchObject({
    code: 'UNKNOWN',
    message: expect.stringContaining('the plan ***'),
  });
});

test('one that is to be kept keeps its work and its owner, without secrets', async () => {
  const plan = async () => ({ plan: { ...idle, stages: [] }, secrets: [] });
  const { files, work } = await run('kept', plan, { keepOnFailure: true });
  expect({ work, owned: files.includes('owner.json') }).toEqual({ work: true, owned: true });
  const [folder = ''] = readdirSync(join(home, 'cache/work')).filter((each) => each.startsWith('kept-'));
  expect(existsSync(join(home, 'cache/work', folder, 'rendered'))).toBe(false);
});

test('one that is interrupted is cleaned up although it was to be kept, and no hook tells of it', async () => {
  const controller = new AbortController();
  const hook = join(home, 'hook.sh');
  writeFileSync(hook, `#!/bin/sh\ncat > ${home}/told\n`, { mode: 0o755 });
  const hooks = { onFailure: { run: hook, timeout: 60, onError: 'warn' as const } };
  const plan = async () => {
    controller.abort(new VmkilnError('INTERRUPTED', 'stopped by SIGINT'));
    throw controller.signal.reason;
  };
  const { files, work } = await run('stopped', plan, {
    keepOnFailure: true,
    signal: controller.signal,
    recipe: { hooks },
  });
  expect({ work, owned: files.includes('owner.json') }).toEqual({ work: false, owned: false });
  expect(existsSync(join(home, 'told'))).toBe(false);
  await run('told', async () => Promise.reject(new VmkilnError('HOST_UNFIT', 'no room')), { recipe: { hooks } });
  expect(JSON.parse(readFileSync(join(home, 'told'), 'utf8'))).toMatchObject({ failure: { code: 'HOST_UNFIT' } });
});

test('what holds a secret is for its owner alone while it is used, and is not kept', async () => {
  const secret = 'Planted-S3cret-7d2e';
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const holders = `find ${home}/cache/work -type f -exec grep -qaF ${secret} {} ';'`;
  // What other users can reach: files that they may read, in folders that they may pass.
  const open = `find ${home}/cache/work '(' -type d ! -perm -001 -prune ')' -o -type f -perm /077 -exec grep -qaF ${secret} {} ';' -print`;
  const script = `#!/bin/sh\n${holders} -print > ${home}/holders\n${open} > ${home}/open\nexit 1\n`;
  writeFileSync(join(bin, 'virt-install'), script, { mode: 0o755 });
  writeFileSync(join(bin, 'virsh'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const msi = join(home, 'c.msi');
  writeFileSync(msi, 'x');
  const media = Object.fromEntries(
    ['iso', 'virtioIso', 'cloudbaseInitMsi'].map((role) => [role, { source: msi, path: msi, sha256: 'a', size: 1 }]),
  );
  const plan = async () => ({ plan: makePlan(planInput(await windowsRecipe(), { media })), secrets: [secret] });
  const env = { WINDOWS_PASSWORD: secret, PATH: `${bin}:${process.env['PATH']}` };
  const { error } = await run('private', plan, { keepOnFailure: true, env });
  expect(error).toMatchObject({ code: 'COMMAND_FAILED' });
  const held = readFileSync(join(home, 'holders'), 'utf8');
  expect(held).toMatch(/answers\.iso\n/);
  expect(held).toMatch(/rendered\/Autounattend\.xml\n/);
  expect(readFileSync(join(home, 'open'), 'utf8')).toBe('');
  expect(execFileSync('sh', ['-c', `${holders} -print`], { encoding: 'utf8' })).toBe('');
});
