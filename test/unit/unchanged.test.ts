import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkUnchanged } from '../../src/pipeline/unchanged.ts';
import { newWorld, planOf, type World } from '../support/recipe-world.ts';

/** Looks at what a stage has read, after a change that a person made while it ran. */
async function check(stage: 'install' | 'customize' | 'sysprep', change: (world: World) => unknown, rehearsal = false) {
  const world = newWorld();
  const plan = { ...(await planOf(world)), rehearsal };
  await change(world);
  const commands = plan.stages.find((each) => each.stage === stage)?.commands ?? [];
  const options = { mediaDir: join(world.machine, 'media'), signal: new AbortController().signal };
  return checkUnchanged(commands, plan, options);
}

test('files that were edited while a stage ran are refused: its layer would be found under their old content', async () => {
  const edited = { code: 'INPUT_CHANGED', message: expect.stringMatching(/was changed/) };
  await expect(check('sysprep', ({ edit }) => edit('files/motd', '1', '2'))).rejects.toMatchObject(edited);
  await expect(check('sysprep', ({ edit }) => edit('files/setup.sh', '1', '2'))).rejects.toMatchObject(edited);
  const removed = { code: 'INPUT_CHANGED', message: expect.stringMatching(/was removed/) };
  await expect(check('customize', ({ path }) => rm(path('files/ca.pem')))).rejects.toMatchObject(removed);
  const other = ({ path }: World) => writeFileSync(path('media/rhel.iso'), 'another');
  await expect(check('install', other)).rejects.toMatchObject(edited);
});

test('nothing is said of files that stay, of those of other stages, and of practice media', async () => {
  await expect(check('customize', () => undefined)).resolves.toBeUndefined();
  await expect(check('install', ({ edit }) => edit('files/motd', '1', '2'))).resolves.toBeUndefined();
  const other = ({ path }: World) => writeFileSync(path('media/rhel.iso'), 'another');
  await expect(check('install', other, true)).resolves.toBeUndefined();
});
