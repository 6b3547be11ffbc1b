import { describe, expect, test } from 'vitest';
import { own, ownMachine, stageOf } from '../support/own-stages.ts';
import { rhelRecipe } from '../support/rhel.ts';
import type { Stage } from '../../src/stages/stage.ts';

const recipe = await rhelRecipe();
const machine = () => ownMachine(recipe);

const usual = [own.base, own.image, own.publish];
/** A stage more, at every place of the list, that leaves something or does not. */
const places = [0, 1, 2, 3].flatMap((at) => [true, false].map((leaves) => ({ at, leaves })));

function withMore(at: number, leaves: boolean, changed = ''): Stage[] {
  const more = stageOf('more', { changed, ...(leaves && { leaves: { file: 'more' } }) });
  return usual.toSpliced(at, 0, more);
}

describe.each(places)('a stage more at place $at that leaves something: $leaves', ({ at, leaves }) => {
  test('runs in its turn, and the image is published', async () => {
    const { ran, skipped, published, hooks } = await machine().build(withMore(at, leaves));
    expect({ ran, skipped }).toEqual({ ran: ['base', 'image', 'publish'].toSpliced(at, 0, 'more'), skipped: [] });
    expect(published).toHaveLength(1);
    expect(hooks).toEqual([
      'afterInstall with an image, 0 published',
      'afterBuild with an image, 0 published',
      'afterUpload with an image, 1 published',
    ]);
  });

  test('does what the plan says when nothing has changed, and the image is published again', async () => {
    const { build } = machine();
    await build(withMore(at, leaves));
    const { planned, ran, reused, skipped, published } = await build(withMore(at, leaves));
    const told = (name: string) => [
      ran.includes(name) && 'run',
      reused.includes(name) && 'reuse',
      skipped.includes(name) && 'skip',
    ];
    expect(planned).toEqual(
      ['base', 'image', 'publish'].toSpliced(at, 0, 'more').map((name) => `${name} ${told(name).find(Boolean)}`),
    );
    expect(ran).toEqual(at >= 2 && !leaves ? (at === 2 ? ['more', 'publish'] : ['publish', 'more']) : ['publish']);
    expect(published).toHaveLength(1);
  });

  test('makes what depends on it run when it changes', async () => {
    const { build } = machine();
    await build(withMore(at, leaves));
    const { ran } = await build(withMore(at, leaves, 'otherwise'));
    const after = ['base', 'image', 'publish'].toSpliced(at, 0, 'more').slice(at);
    for (const name of after) expect(ran).toContain(name);
  });
});

test('a build that ends early makes nothing of what comes later', async () => {
  const { build } = machine();
  const { ran, skipped, published } = await build(usual, { until: 'base' });
  expect({ ran, skipped, published }).toEqual({ ran: ['base'], skipped: ['image', 'publish'], published: [] });
  expect((await build(usual, { until: 'image' })).ran).toEqual(['image']);
  await expect(build([stageOf('first'), ...usual], { until: 'first' })).rejects.toThrow('leaves nothing');
});

test('a document about an image does not outlive it', async () => {
  const { build } = machine();
  const stages = withMore(2, true);
  await build(stages);
  const { ran } = await build(stages, { from: 'image' });
  expect(ran).toEqual(['image', 'more', 'publish']);
  // The plan takes the image for there; the store finds that it is gone, and what was found out about it with it.
  const plan = await build(stages, {}, (made) => ({
    ...made,
    stages: made.stages.map((step) => (step.stage === 'image' ? { ...step, fresh: true } : step)),
  }));
  expect(plan.ran).toEqual(['image', 'more', 'publish']);
});

test('an image that a stage has refused is looked at again, and is not published before', async () => {
  const { build } = machine();
  const check = (isGood: boolean) =>
    stageOf('check', {
      leaves: { file: 'verdict' },
      ...(!isGood && { run: () => Promise.reject(new Error('the image is bad')) }),
    });
  const stages = (isGood: boolean) => usual.toSpliced(2, 0, check(isGood));
  await build(stages(true));
  await expect(build(stages(false), { from: 'image' })).rejects.toThrow('the image is bad');
  await expect(build(stages(false))).rejects.toThrow('the image is bad');
  const { planned, ran } = await build(stages(true));
  expect(planned).toEqual(['base skip', 'image reuse', 'check run', 'publish run']);
  expect(ran).toEqual(['check', 'publish']);
});

test('a document stage that has nothing to do makes no layer a second time', async () => {
  const { build } = machine();
  const idle = stageOf('idle', {
    leaves: { file: 'none' },
    plan: () => ({ commands: [], keys: [], omitted: 'there is nothing to find out' }),
  });
  const stages = usual.toSpliced(2, 0, idle);
  expect((await build(stages, { cache: false })).ran).toEqual(['base', 'image', 'publish']);
  expect((await build(stages, { from: 'image' })).ran).toEqual(['image', 'publish']);
});

test('a hook that follows a result follows one that was found too', async () => {
  const { build } = machine();
  await build(usual);
  expect((await build(usual)).hooks).toEqual([
    'afterBuild with an image, 0 published',
    'afterUpload with an image, 1 published',
  ]);
});

test('--from and --no-cache are two reasons', async () => {
  const { build } = machine();
  await build(usual);
  const reason = async (more: object) => (await build(usual, more)).plan.stages.map(({ because }) => because);
  expect((await reason({ from: 'image' }))[1]).toBe('--from image asks for it');
  expect((await reason({ cache: false }))[0]).toBe('--no-cache asks for it');
  expect(await reason({ cache: false, from: 'image' })).toEqual(await reason({ cache: false }));
});

test('a stage that was planned and would not run is a fault', async () => {
  const { build } = machine();
  const ghost = (plan: Awaited<ReturnType<typeof build>>['plan']) => ({
    ...plan,
    stages: plan.stages.map((step) => (step.stage === 'image' ? { ...step, omitted: true as const } : step)),
  });
  await expect(build(usual, { until: 'image' }, ghost)).rejects.toThrow(
    'the stage image was planned ("run") and did not run',
  );
  await expect(build(usual, {}, (plan) => ({ ...plan, stages: plan.stages.slice(1) }))).rejects.toThrow(
    'the plan has the stages',
  );
});
