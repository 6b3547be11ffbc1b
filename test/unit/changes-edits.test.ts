import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Plan, StageName } from '../../src/model.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import {
  because,
  type Change,
  from,
  invalidated,
  recipe,
  running,
  shipped,
  startOf,
  storeOf,
} from '../support/changes.ts';
import { newWorld, planOf, type World } from '../support/recipe-world.ts';

let world: World;
let base: Plan<Recipe>;

describe('where nothing needs the network, virt-sysprep makes the edits', () => {
  beforeEach(async () => {
    world = newWorld();
    const text = readFileSync(world.path('recipe.yaml'), 'utf8');
    const least = text.replace(/^subscription:[^]*?(?=cloudInit:)/m, '').replace(/^rootPassword:[^]*?(?=output:)/m, '');
    writeFileSync(world.path('recipe.yaml'), least);
    base = await planOf(world);
  });

  test.each<[what: string, first: StageName, reason: string, Change]>([
    ['the user of cloud-init', 'sysprep', '`cloudInit`, `99_vmkiln.cfg` changed', recipe('cloud-user', 'admin')],
    ["vmkiln's script for the guest", 'sysprep', '`guest.sh` changed', shipped('guest.sh')],
    ['a step', 'sysprep', '`customize`', recipe('output:', 'customize: [{ run: "true" }]\noutput:')],
    ['a package', 'customize', '`packages`', recipe('output:', 'packages: [tmux]\noutput:')],
    ['the compression', 'sparsify', '`output` changed', recipe('compression: zlib', 'compression: zstd')],
  ])('%s: runs from %s', async (_what, first, reason, change) => {
    change(world);
    const plan = await planOf(world, { existing: storeOf(base), previous: base });
    expect(invalidated(base, plan)).toEqual(from(first));
    expect(running(plan)).toEqual(from(startOf(first)));
    expect(because(plan, first)).toContain(reason);
  });

  test('without the last package the installation is still used', async () => {
    recipe('output:', 'packages: [tmux]\noutput:')(world);
    const before = await planOf(world);
    recipe('packages: [tmux]\n', '')(world);
    const plan = await planOf(world, { existing: storeOf(before), previous: before });
    expect(running(plan)).toEqual(from('sysprep'));
    expect(because(plan, 'sysprep')).toBe('customize is not needed any more');
  });
});
