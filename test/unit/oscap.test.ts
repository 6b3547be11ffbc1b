import { mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadChecks, type ScapCheck } from '../../src/recipe/verify.ts';
import { verify as stage } from '../../src/stages/verify.ts';
import { type Call, exec } from '../../src/tools/exec.ts';
import { scapResult } from '../../src/verify/oscap-result.ts';
import { checkScap, evaluate, runScap } from '../../src/verify/oscap.ts';
import { planInput } from '../support/plan-input.ts';
import { rhelRecipe } from '../support/rhel.ts';

const content = resolve('test/fixtures/scap/ds.xml');
const tailoring = resolve('test/fixtures/scap/tailoring.xml');
const { signal } = new AbortController();
const run = (call: Call) => exec({ ...call, signal });
const host = { accelerator: 'tcg', appliance: { memory: 0, cacheDir: '' } } as const;

const scap = (more: Partial<ScapCheck> = {}): ScapCheck => ({ oscap: content, profile: 'standard', ...more });

/** The files of a system, below a folder of its own. */
function system(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'oscap-'));
  mkdirSync(join(root, 'etc/ssh'), { recursive: true });
  const usual = {
    'os-release': 'ID=example\n',
    'ssh/sshd_config': 'PermitRootLogin no\n',
    'issue.net': 'authorized\n',
  };
  for (const [name, text] of Object.entries({ ...usual, ...files })) writeFileSync(join(root, 'etc', name), text);
  return root;
}

const evaluated = async (files: Record<string, string>, check: ScapCheck) => {
  const folder = mkdtempSync(join(tmpdir(), 'oscap-out-'));
  const [result] = await evaluate([check], { root: system(files), image: 'image.qcow2' }, { run, folder, signal });
  return { result, folder };
};

test('every result of a rule is counted, and what nobody knows of is named', async () => {
  const { result, folder } = await evaluated({}, scap());
  expect(result).toEqual({
    check: 'oscap ds.xml standard',
    outcome: 'passed',
    message: [
      '2 pass, 2 notchecked, 1 notapplicable, 1 notselected',
      'nobody knows of:',
      'notchecked (medium): xccdf_test_rule_by-hand',
      'notchecked (medium): xccdf_test_rule_gone',
    ].join('\n'),
    rules: { pass: 2, notchecked: 2, notapplicable: 1, notselected: 1 },
  });
  // They hold what was read in the guest.
  for (const name of ['oscap-1.arf.xml', 'oscap-1.html']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, 'oscap-1.html'), 'utf8')).toContain('image.qcow2');
});

test('a rule that fails stops the image when it is grave enough', async () => {
  const files = { 'issue.net': 'welcome\n' };
  const { result: all } = await evaluated(files, scap());
  expect(all).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining('\nfail (low): xccdf_test_rule_banner\n'),
  });
  const { result: grave } = await evaluated(files, scap({ severity: 'medium' }));
  expect(grave).toMatchObject({
    outcome: 'passed',
    message: expect.stringContaining('\nless than medium, which may be:\nfail (low): xccdf_test_rule_banner\n'),
  });
  // The tailoring does without that rule.
  const { result: tailored } = await evaluated(files, scap({ tailoring, profile: 'ours' }));
  expect(tailored).toMatchObject({ outcome: 'passed', rules: { notselected: 2 } });
});

test.for([
  ['another system', { 'os-release': 'ID=other\n' }, 'standard', /no rule applies to this system/],
  ['a profile without rules', {}, 'none', /the profile selects no rule/],
  ['an evaluation that fails', {}, 'nowhere', /No profile matching suffix/],
] as const)('%s is no pass', async ([, files, profile, message]) => {
  const { result } = await evaluated(files, scap({ profile }));
  expect(result).toMatchObject({ outcome: 'failed', message: expect.stringMatching(message) });
});

const arf = (...rules: [result: string, severity: string][]) =>
  `<arf><TestResult>${rules
    .map(
      ([result, severity], at) =>
        `<rule-result idref="r${at}" severity="${severity}"><result>${result}</result></rule-result>`,
    )
    .join('')}</TestResult></arf>`;

test('an error stops the image like a failure, and so does a rule of unknown severity', () => {
  expect(scapResult(arf(['pass', 'low'], ['error', 'high']), 'high').failed).toBe(true);
  expect(scapResult(arf(['pass', 'low'], ['error', 'medium']), 'high').failed).toBe(false);
  expect(scapResult(arf(['pass', 'low'], ['fail', 'unknown']), 'high').failed).toBe(true);
  expect(scapResult(arf(['notchecked', 'high'], ['unknown', 'high'])).message).toMatch(/^no rule could be evaluated\n/);
  expect(scapResult(arf(['fixed', 'high'], ['informational', 'low']))).toMatchObject({ failed: false });
});

test('what cannot be evaluated is told before anything is made', async () => {
  const world = { env: process.env, signal };
  await checkScap([scap(), scap({ tailoring, profile: 'xccdf_test_profile_ours' })], world);
  await checkScap([{ run: 'true' }], { env: { PATH: '' }, signal });
  await expect(checkScap([scap()], { env: { PATH: '' }, signal })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  await expect(checkScap([scap({ profile: 'ours' })], world)).rejects.toMatchObject({
    code: 'RECIPE_INVALID',
    message: `there is no profile ours in ${content}`,
    hint: 'there are xccdf_test_profile_standard, xccdf_test_profile_none',
  });
  await expect(checkScap([scap({ oscap: tailoring })], world)).rejects.toThrow(
    /is no Source Data Stream: oscap calls it/,
  );
  await expect(checkScap([scap({ tailoring: resolve('package.json') })], world)).rejects.toThrow(
    /is no XCCDF Tailoring/,
  );
});

test('an image that cannot be mounted has failed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oscap-mount-'));
  const gone = async () => Promise.reject(new Error('guestmount exited with status 1'));
  const world = { run: gone, host, signal, folder };
  expect(await runScap('sealed.qcow2', [scap()], 'image', world)).toMatchObject([
    { outcome: 'failed', message: 'the system in the image could not be read: guestmount exited with status 1' },
  ]);
});

test('content and tailoring count by what they hold, and stand beside a profile', async () => {
  const recipe = await rhelRecipe(
    `verify: { checks: [{ oscap: ${content}, profile: ours, tailoring: ${tailoring} }] }\n`,
  );
  const counts = (digest: string) =>
    JSON.stringify(
      stage.plan(
        planInput(recipe, {
          files: new Map([
            [content, 'a'],
            [tailoring, digest],
          ]),
        }),
      ).counts,
    );
  expect(counts('a')).not.toBe(counts('b'));
  expect(counts('a')).not.toContain('/ds.xml');
  const list = join(mkdtempSync(join(tmpdir(), 'oscap-list-')), 'checks.yaml');
  symlinkSync(content, join(list, '../ds.xml'));
  const load = (text: string) => {
    writeFileSync(list, text);
    return loadChecks(list);
  };
  expect(await load('- { oscap: ds.xml, profile: standard }')).toMatchObject([{ oscap: join(list, '../ds.xml') }]);
  await expect(load('- oscap: ds.xml')).rejects.toThrow(/0\.profile: expected oscap and profile beside each other/);
  await expect(load('- { run: a, severity: high }')).rejects.toThrow(
    /expected tailoring and severity beside oscap only/,
  );
  await expect(load('- { oscap: ds.xml, profile: a, tailoring: b.xml }')).rejects.toThrow(
    /0\.tailoring: there is no file/,
  );
});
