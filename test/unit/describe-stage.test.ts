import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeStatements } from '../../src/describe/check.ts';
import { keyId } from '../../src/describe/envelope.ts';
import type { Documents } from '../../src/describe/names.ts';
import { sha256Of } from '../../src/describe/statements.ts';
import { hash } from '../../src/pipeline/fingerprint.ts';
import type { EventBody, Plan } from '../../src/model.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import { describe as stage } from '../../src/stages/describe.ts';
import { readDocuments } from '../../src/stages/documents.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { digestFile } from '../../src/store/digest.ts';
import type { TargetCall } from '../../src/targets/target.ts';
import { planInput } from '../support/plan-input.ts';
import { rhelRecipe } from '../support/rhel.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const signer = keyId(publicKey);
const signal = new AbortController().signal;
const rpm = (version: string) => `bash\t(none)\t${version}\t1.el7\tx86_64\t(none)\t(none)\tGPLv3+\n`;

const ports = [{ protocol: 'tcp', port: 22, process: 'sshd' }];

/** Runs the stage on an image of nothing, in which guestfish finds a bash of that version. */
async function run(version: string, recipe = 'describe: { signWith: { env: SIGNER } }\n', before?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'describe-'));
  const path = join(folder, 'image');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, version === '1.0' ? '1M' : '2M']);
  const verdict = join(folder, 'verdict');
  writeFileSync(verdict, JSON.stringify({ passed: true, results: [{ check: 'login', outcome: 'passed' }], ports }));
  for (const each of ['work', 'kept']) mkdirSync(join(folder, each));
  const input = planInput(await rhelRecipe(recipe), { signer });
  const plan: Plan<Recipe> = makePlan(input);
  const sha256 = await digestFile(path, signal);
  const events: EventBody[] = [];
  const layer = (file: string) => ({ path: file, sha256, size: 1, build: 'rhel7-1', madeAt: '2026-11-28T03:00:00Z' });
  const context = {
    ...{ signal, plan, host: plan.host, world: { env: { SIGNER: pem }, cwd: '/' } },
    emit: (event: EventBody) => events.push(event),
    work: (file: string) => join(folder, 'work', file),
    kept: (file: string) => join(folder, 'kept', file),
    image: () => layer(path),
    document: () => layer(verdict),
    control: async ({ program, cwd = '', input: script = '' }: TargetCall) => {
      if (program !== 'guestfish') return;
      expect(script).toContain('tar-out /etc');
      writeFileSync(join(cwd, 'rpm'), rpm(version));
      writeFileSync(join(cwd, 'guest-type'), 'linux\n');
    },
    ...(before !== undefined && { lastPublished: { build: 'rhel7-0', folder: before } }),
  } as unknown as StageContext;
  const { settings } = stage.plan(input);
  if (!settings) throw new Error('nothing to do');
  await stage.run?.({ commands: [], settings }, context);
  const left = join(folder, 'work/describe.json');
  await stage.settle?.({ ...layer(left), fingerprint: '', stage: 'describe', seconds: 0 }, context);
  return { folder, sha256, left, events, documents: await readDocuments({ path: left }), input };
}

function judge({ inventory: about, sbom, statements }: Documents, sha256: string) {
  return judgeStatements(statements, sha256, { inventory: sha256Of(about), sbom: sha256Of(sbom) }, publicKey);
}

test('what is kept is signed, whole, and about the image', async () => {
  const { documents, sha256, folder } = await run('1.0');
  const sha512 = createHash('sha512')
    .update(readFileSync(join(folder, 'image')))
    .digest('hex');
  expect(judge(documents, sha256)).toMatchObject({ ok: true, build: 'rhel7-1', booted: true, signed: true, sha512 });
  expect(JSON.parse(documents.inventory)).toMatchObject({
    image: { format: 'qcow2', virtualSize: 1024 ** 2, sha256 },
    packages: [{ name: 'bash', version: '1.0' }],
    ports,
  });
  // What was copied out of the guest is gone.
  expect(readdirSync(join(folder, 'work'))).toEqual(['describe.json']);
  expect(readdirSync(join(folder, 'kept')).toSorted()).toEqual([
    ...['inventory.json', 'sbom.cdx.json', 'statements.intoto.jsonl'],
  ]);
  expect(readFileSync(join(folder, 'kept/inventory.json'), 'utf8')).toBe(documents.inventory);
  expect(JSON.stringify(documents)).not.toContain(pem.split('\n')[1]);
});

test('a build tells how its image differs from the last that was published', async () => {
  const first = await run('1.0');
  const { events, folder } = await run('1.1', '', join(first.folder, 'kept'));
  expect(events).toEqual([
    {
      type: 'difference',
      since: 'rhel7-0',
      summary: expect.stringContaining('packages: 1 upgraded'),
      file: 'difference.json',
    },
  ]);
  expect(JSON.parse(readFileSync(join(folder, 'kept/difference.json'), 'utf8'))).toMatchObject({ since: 'rhel7-0' });
  // Nothing is known of the one before.
  expect((await run('1.0', '', join(folder, 'none'))).events).toEqual([]);
});

test('another key, and nothing else of it, makes the stage run again', async () => {
  const recipe = await rhelRecipe('describe: { signWith: { env: SIGNER } }\n');
  const other = await rhelRecipe('describe: { signWith: { env: OTHER } }\n');
  const counts = (of: Recipe, key: string) => hash(stage.plan(planInput(of, { signer: key })).counts);
  expect(counts(recipe, 'a')).toBe(counts(other, 'a'));
  expect(counts(recipe, 'a')).not.toBe(counts(recipe, 'b'));
  expect(stage.plan(planInput(await rhelRecipe('describe: false\n'))).omitted).toBe('the recipe says describe: false');
});
