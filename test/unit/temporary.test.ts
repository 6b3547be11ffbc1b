import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withTemporary } from '../../src/tools/temporary.ts';

test('what a killed process left under the same prefix goes, and nothing that somebody may still use', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'temporary-'));
  const { pid: gone } = spawnSync('true');
  const old = Date.now() / 1000 - 3600;
  const leave = (name: string, age = old) => {
    mkdirSync(join(parent, name, 'clone'), { recursive: true });
    const disk = join(parent, name, 'clone/disk');
    writeFileSync(disk, 'x');
    for (const path of [disk, join(disk, '..'), join(parent, name)]) utimesSync(path, old, old);
    utimesSync(disk, age, age);
  };
  leave(`vmkiln-verify-${gone}-AbCd12`);
  const stay = [`vmkiln-describe-${gone}-AbCd12`, `vmkiln-verify-${gone}`, `vmkiln-verify-${process.pid}-AbCd12`];
  for (const name of stay) leave(name);
  leave(`vmkiln-verify-${gone}-young1`, Date.now() / 1000);
  const inside = await withTemporary('vmkiln-verify-', async () => readdirSync(parent), parent);
  expect(inside).toHaveLength(5);
  expect(readdirSync(parent).toSorted()).toEqual([...stay, `vmkiln-verify-${gone}-young1`].toSorted());
});
