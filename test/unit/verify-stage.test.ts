import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Layer } from '../../src/store/checkpoints.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { verify } from '../../src/stages/verify.ts';

test('a build that finds the verdict of another has both of its files, and one that made it keeps its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-stage-'));
  const path = join(folder, 'layer');
  const verdict = { version: 1, passed: true, results: [{ check: 'login', outcome: 'passed', message: '' }] };
  writeFileSync(path, JSON.stringify(verdict));
  const kept = (file: string) => join(folder, 'kept', file);
  const settle = (build: string) =>
    verify.settle?.({ path, build } as Layer, { build: 'b-2', plan: { name: 'b' }, kept } as unknown as StageContext);
  await settle('b-2');
  expect(readdirSync(folder)).toEqual(['layer']);
  mkdirSync(join(folder, 'kept'));
  await settle('b-1');
  expect(JSON.parse(readFileSync(kept('verify.json'), 'utf8'))).toEqual(verdict);
  expect(readFileSync(kept('verify.xml'), 'utf8')).toContain('<testcase classname="b" name="login">');
});
