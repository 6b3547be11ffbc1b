import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { digestFiles } from '../../src/pipeline/unchanged.ts';
import type { Layer } from '../../src/store/checkpoints.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { verify } from '../../src/stages/verify.ts';
import { takePlanned } from '../../src/verify/planned-files.ts';

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

test('a file of a check that was edited or removed since the plan is refused, and one edited later changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-stage-'));
  const goss = join(folder, 'goss.yaml');
  writeFileSync(goss, 'planned');
  const signal = new AbortController().signal;
  const planned = Object.fromEntries(await digestFiles([goss], signal));
  const checks = [
    { run: 'true', timeout: 60 },
    { goss, timeout: 60 },
  ];
  const take = (name: string) => {
    mkdirSync(join(folder, name));
    return takePlanned(checks, planned, { folder: join(folder, name), signal });
  };
  const [run, taken] = await take('one');
  writeFileSync(goss, 'edited');
  expect(run).toEqual(checks[0]);
  expect(basename(taken?.goss ?? '')).toBe('goss.yaml');
  expect(readFileSync(taken?.goss ?? '', 'utf8')).toBe('planned');
  await expect(take('two')).rejects.toMatchObject({
    code: 'INPUT_CHANGED',
    message: `${goss} was changed while the build ran`,
  });
  rmSync(goss);
  await expect(take('three')).rejects.toMatchObject({
    code: 'INPUT_CHANGED',
    message: `${goss} was removed while the build ran`,
  });
});

test('content of SCAP and its tailoring are taken both', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-stage-'));
  const [oscap, tailoring] = ['content', 'tailoring'].map((name) => join(folder, name)) as [string, string];
  for (const file of [oscap, tailoring]) writeFileSync(file, basename(file));
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const planned = { [oscap]: digest('content'), [tailoring]: digest('tailoring') };
  const take = () =>
    takePlanned([{ oscap, profile: 'a', tailoring }], planned, {
      folder: mkdtempSync(join(folder, 'taken-')),
      signal: new AbortController().signal,
    });
  const [taken] = await take();
  expect(taken).toMatchObject({ profile: 'a' });
  expect(readFileSync(taken?.oscap ?? '', 'utf8')).toBe('content');
  expect(readFileSync(taken?.tailoring ?? '', 'utf8')).toBe('tailoring');
  writeFileSync(tailoring, 'edited');
  await expect(take()).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
});
