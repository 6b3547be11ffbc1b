import fs, { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { familyOf, loadRecipe } from '../../src/families/index.ts';
import type { Piece, Plan } from '../../src/model.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { digestFiles } from '../../src/pipeline/unchanged.ts';
import { practiceLog } from '../../src/rehearsal/log.ts';
import { planInput } from '../support/plan-input.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-purity-'));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const pem = '-----BEGIN CERTIFICATE-----\n';

/** Recipes whose commands read every kind of file, by their family. */
const recipes = {
  rhel: `release: "7.9"
source: { iso: /x.iso }
caCertificates: [ca.pem]
subscription:
  username: me
  password: { env: P }
  caCertificate: satellite.pem
customize:
  - upload: { from: motd, to: /etc/motd }
  - run: { script: setup.sh }
`,
  windows: `release: "2022"
source: { iso: /w.iso, virtioIso: /v.iso, cloudbaseInitMsi: /c.msi }
administratorPassword: { env: P }
customize:
  - upload: { from: motd, to: /motd }
  - firstboot: { script: first.ps1 }
`,
};
const named = { rhel: ['ca.pem', 'satellite.pem', 'motd', 'setup.sh'], windows: ['motd', 'first.ps1'] };
const families = ['rhel', 'windows'] as const;

async function inputOf(family: (typeof families)[number]) {
  for (const name of ['ca.pem', 'satellite.pem']) write(name, pem);
  for (const name of ['motd', 'setup.sh', 'first.ps1']) write(name, 'one\n');
  write('recipe.yaml', `name: x\nfamily: ${family}\n${recipes[family]}`);
  const { recipe } = await loadRecipe(join(folder, 'recipe.yaml'), {});
  const roles = Object.keys(familyOf(recipe).media).filter((role) => role in recipe.source);
  const medium = (role: string) => [role, { source: role, path: `/${role}`, sha256: 'a'.repeat(64), size: 1 }];
  return planInput(recipe, { media: Object.fromEntries(roles.map(medium)) });
}

function filesIn(plan: Plan): { file: string; sha256: string | undefined }[] {
  const pieces = plan.stages.flatMap(({ commands }) => commands.flatMap(({ args }) => args.flat() as Piece[]));
  return pieces.filter((piece) => typeof piece === 'object' && 'file' in piece);
}

test.each(families)('%s: the same input gives the same plan, though its files change or go', async (family) => {
  const input = await inputOf(family);
  const plan = makePlan(input);
  for (const name of named[family]) write(name, 'two\n');
  expect(makePlan(input)).toEqual(plan);
  for (const name of named[family]) rmSync(join(folder, name));
  expect(makePlan(input)).toEqual(plan);
});

test.each(families)('%s: a plan is made without opening a file', async (family) => {
  const input = await inputOf(family);
  const spies = (
    ['openSync', 'readSync', 'readFileSync', 'statSync', 'open', 'readFile', 'createReadStream'] as const
  ).map((name) => vi.spyOn(fs, name));
  syncBuiltinESMExports();
  try {
    makePlan(input);
    expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
  } finally {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }
});

test.each(families)('%s: every file that a command reads is named beforehand, and so has a digest', async (family) => {
  const input = await inputOf(family);
  expect(input.family.files(input.recipe).toSorted()).toEqual(
    named[family].map((name) => join(folder, name)).toSorted(),
  );
  const files = filesIn(makePlan(input));
  expect(files.map(({ file }) => file)).toEqual(
    expect.arrayContaining(named[family].map((name) => join(folder, name))),
  );
  expect(files.filter(({ sha256 }) => sha256 === undefined)).toEqual([]);
});

test('a file without a digest has an unknown content, and so has what is made with it', async () => {
  const plan = makePlan({ ...(await inputOf('rhel')), files: new Map() });
  expect(filesIn(plan)).toContainEqual({ file: join(folder, 'motd'), sha256: undefined });
  expect(plan.stages.find(({ stage }) => stage === 'sysprep')?.fingerprint).toBeUndefined();
});

test('files are hashed before the plan; one that is gone by then is an error that names it', async () => {
  write('motd', 'one\n');
  const { signal } = new AbortController();
  const [motd, gone] = [join(folder, 'motd'), join(folder, 'gone')];
  const sha256 = '2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806';
  expect(await digestFiles([motd], signal)).toEqual(new Map([[motd, sha256]]));
  const error = { code: 'INPUT_CHANGED', message: expect.stringContaining(`${gone} was removed`) };
  await expect(digestFiles([motd, gone], signal)).rejects.toMatchObject(error);
  await expect(digestFiles([motd], AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

test('a plan of any shipped recipe is plain data, the log of its installer too', async () => {
  for (const file of readdirSync('recipes')) {
    const { recipe } = await loadRecipe(`recipes/${file}`, {}, { rehearsal: true });
    const input = planInput(recipe, { media: {} });
    const plan = makePlan({ ...input, installer: input.installer && practiceLog(input.installer, recipe.family) });
    expect(JSON.parse(JSON.stringify(plan)), file).toEqual(plan);
  }
});
