import { expect, test } from 'vitest';
import { makePlan } from '../../src/pipeline/plan.ts';
import { hostNotes } from '../../src/pipeline/prepare.ts';
import { resolveArg } from '../../src/pipeline/resolve.ts';
import { secretReader, secretValues } from '../../src/pipeline/secrets.ts';
import { loadRecipe } from '../../src/families/index.ts';
import type { RhelRecipe } from '../../src/families/rhel/recipe.ts';
import { displayArg } from '../../src/ui/plan-text.ts';
import { host, media, planInput } from '../support/plan-input.ts';
import { asRhel } from '../support/rhel.ts';

const recipe = asRhel((await loadRecipe('recipes/rhel7.yaml', {})).recipe);
const first = makePlan(planInput(recipe));
const hole = { secret: { env: 'P' }, encoding: 'shell' as const, inGuest: false };
const dated = '2026-01-02T03:04:05.000Z';
const layers = ['install', 'customize', 'sparsify'] as const;

function fingerprints(plan: typeof first) {
  return Object.fromEntries(plan.stages.map(({ stage, fingerprint }) => [stage, fingerprint]));
}

/** The stages whose fingerprint a change of the recipe or its surroundings invalidates. */
function invalidated(change: Partial<RhelRecipe>, surroundings = {}) {
  const changed = fingerprints(makePlan(planInput({ ...recipe, ...change }, surroundings)));
  const before = fingerprints(first);
  return layers.filter((stage) => changed[stage] !== before[stage]);
}

/** A store in which every layer of the first plan is. */
const everything = () =>
  new Map(Object.values(fingerprints(first)).map((print, index) => [print ?? '', index < 2 ? {} : { dated }]));

const all = ['install', 'customize', 'sparsify'];
const late = ['customize', 'sparsify'];

test.each<[string, Partial<RhelRecipe>, object, string[]]>([
  ['disk size', { disk: { size: 9 * 1024 ** 3 } }, {}, all],
  ['language', { language: 'de_DE.UTF-8' }, {}, all],
  ['the ISO', {}, { media: { iso: { ...media['iso'], sha256: 'b'.repeat(64) } } }, all],
  ['packages', { packages: ['cloud-init', 'tmux'] }, {}, late],
  ['cloud user', { cloudInit: { user: 'admin', rootLogin: 'none', network: 'guide' } }, {}, ['sparsify']],
  ['a step of the user', { customize: [{ run: 'true' }] }, {}, ['sparsify']],
  ['compression', { output: { format: 'qcow2', compression: 'zstd' } }, {}, ['sparsify']],
  ['name', { name: 'other' }, {}, []],
  ['targets', { upload: [{ directory: { path: '/elsewhere' } }] }, {}, []],
  ['memory', { machine: { ...recipe.machine, memory: 4 * 1024 ** 3 } }, {}, []],
  ['time-out', { install: { ...recipe.install, timeout: 60 } }, {}, []],
  ['where the ISO lies', {}, { media: { iso: { ...media['iso'], path: '/other/rhel.iso' } } }, []],
  ['the host', {}, { host: { ...host, accelerator: 'kvm', connect: 'qemu:///session', cores: 16 } }, []],
])('a change of %s invalidates exactly what depends on it', (_what, change, surroundings, expected) => {
  expect(invalidated(change, surroundings)).toEqual(expected);
});

test('a secret that stays in the guest counts by its keyed hash, others do not count', () => {
  const withPassword = { ...recipe, rootPassword: { env: 'ROOT_PASSWORD' } };
  const plans = ['1', '2'].map((mac) => makePlan(planInput(withPassword, { macs: { ROOT_PASSWORD: mac } })));
  const [one, two] = plans.map(fingerprints);
  expect(one?.['install']).toBe(two?.['install']);
  expect(one?.['customize']).toBe(two?.['customize']);
  expect(one?.['sparsify']).not.toBe(two?.['sparsify']);
  expect(invalidated({}, { macs: { RHSM_PASSWORD: '9' } })).toEqual([]);
});

test('the credentials of a URL, of the checksums too, stay out of the plan', () => {
  const source = { iso: 'https://me:hunter22@host/x.iso', sha256: 'https://me:hunter22@host/SHA256SUMS' };
  const plan = makePlan(planInput({ ...recipe, source }));
  expect(JSON.stringify(plan)).not.toContain('hunter22');
  expect(plan.recipe.source.sha256).toBe('https://host/SHA256SUMS');
});

test('paths with commas, spaces and apostrophes reach virt-install whole', () => {
  const install = first.stages.find(({ stage }) => stage === 'install')?.commands[0];
  const place = (file: string) => `/a b, c'd/${file}`;
  const words = install?.args.map((arg) =>
    resolveArg(arg, { work: place, rendered: place, layer: place, domain: 'vmkiln-x' }),
  );
  expect(words).toContain(`path="/a b, c'd/install.qcow2",format=qcow2,bus=virtio,cache=unsafe,discard=unmap`);
  expect(words).toContain(`file,path="/a b, c'd/console.log"`);
});

test('forecast: the deepest layer that holds is reused, and the reasons name recipe keys', () => {
  const existing = new Map([[fingerprints(first)['install'] ?? '', {}]]);
  const changed = { ...recipe, packages: ['cloud-init'] };
  const plan = makePlan(planInput(changed, { existing, previous: first }));
  expect(plan.stages.map(({ stage, forecast }) => `${stage} ${forecast}`)).toEqual([
    'disk skip',
    'install reuse',
    'customize run',
    'sysprep run',
    'sparsify run',
    'verify run',
    'describe run',
    'upload run',
  ]);
  expect(plan.stages[2]?.because).toContain('`packages`');
});

test('--from runs a stage whose layer is there; --until ends after one', () => {
  const existing = everything();
  const from = makePlan(planInput(recipe, { existing, from: 'customize' }));
  expect(from.stages.map(({ forecast }) => forecast)).toEqual(['skip', 'reuse', ...Array<string>(6).fill('run')]);
  const until = makePlan(planInput(recipe, { until: 'install' }));
  expect(until.stages.map(({ forecast }) => forecast)).toEqual(['run', 'run', ...Array<string>(6).fill('skip')]);
  expect(() => makePlan(planInput(recipe, { until: 'disk' }))).toThrow('leaves nothing');
});

test('a reused customize layer has the updates of its day, and the plan says so', () => {
  const notes = (change: Partial<RhelRecipe>, more: object) =>
    makePlan(planInput({ ...recipe, ...change }, more)).notes.filter((note) => note.startsWith('updates are those of'));
  const existing = everything();
  expect(notes({}, { existing })).toEqual([expect.stringMatching(/2026-01-02.*--from customize/)]);
  expect(notes({}, { existing, from: 'customize' })).toEqual([]);
  const plain = { ...recipe, update: false };
  const kept = Object.values(fingerprints(makePlan(planInput(plain)))).map((print) => [print ?? '', {}] as const);
  expect(notes({ update: false }, { existing: new Map(kept) })).toEqual([]);
});

test('updates that are too old are installed anew, and everything after them', () => {
  const forecasts = (change: Partial<RhelRecipe>, hours: number) => {
    const changed = { ...recipe, ...change };
    const prints = Object.values(fingerprints(makePlan(planInput(changed))));
    const existing = new Map(prints.map((print, index) => [print ?? '', index < 2 ? {} : { dated }]));
    const { stages } = makePlan(planInput(changed, { existing, now: Date.parse(dated) + hours * 3_600_000 }));
    return stages.map((stage) => (stage.because.includes('updates are') ? 'old' : stage.forecast)).join(' ');
  };
  expect(forecasts({}, 19)).toBe('skip skip skip skip reuse reuse reuse run');
  expect(forecasts({}, 21)).toBe('skip reuse old run run run run run');
  expect(forecasts({ update: { maxAge: 7 * 86_400 } }, 167)).toBe('skip skip skip skip reuse reuse reuse run');
  expect(forecasts({ update: { maxAge: 7 * 86_400 } }, 169)).toBe('skip reuse old run run run run run');
  expect(forecasts({ update: false }, 999)).toBe('skip skip skip skip reuse reuse reuse run');
});

test('edits and steps are made by virt-sysprep, customize is for packages, and trimming spares virt-sparsify', () => {
  const { subscription: _none, ...plain } = { ...recipe, packages: [], customize: [] };
  const programs = (changed: RhelRecipe) =>
    makePlan(planInput(changed)).stages.map(({ commands }) => commands.map(({ program }) => program).join('+'));
  expect(programs(plain)).toEqual(['qemu-img', 'virt-install', '', 'qemu-img+virt-sysprep', 'qemu-img', '', '', '']);
  expect(programs({ ...plain, customize: [{ run: 'true' }] })[2]).toBe('');
  expect(programs({ ...plain, packages: ['tmux'] })[2]).toBe('qemu-img+virt-customize');
  const swap = planInput(plain).rendered.map((file) => ({ ...file, text: `part swap --size=512\n${file.text}` }));
  expect(makePlan(planInput(plain, { rendered: swap })).stages[4]?.commands[0]?.program).toBe('virt-sparsify');
  const { stages } = makePlan(planInput(plain));
  const words = stages[3]?.commands[1]?.args.map((arg) => JSON.stringify(arg)) ?? [];
  const scripts = ['guest.sh', 'seal.sh'].map((name) => words.indexOf(JSON.stringify({ rendered: name })));
  expect(scripts).toEqual(scripts.toSorted((a, b) => a - b));
  expect(scripts.every((at) => at > 0)).toBe(true);
  expect(stages[2]).toMatchObject({ forecast: 'skip', omitted: true });
});

test('no program guesses the format of a disk', async () => {
  const { recipe: ready } = await loadRecipe('recipes/rhel7-kvm-guest.yaml', { image: '/x.qcow2', size: '20G' });
  const root = { table: 'gpt' as const, number: 3, filesystem: 'xfs' as const };
  const image = { source: 'x', path: '/x', sha256: 'a', size: 1, image: { virtualSize: 1, root } };
  const inputs = [planInput(recipe, { rendered: [] }), planInput(ready, { media: { image } })];
  const commands = inputs.flatMap((input) => makePlan(input).stages.flatMap((stage) => stage.commands));
  for (const { program, args } of commands.filter((each) => each.program !== 'virt-install')) {
    const line = args.map((arg) => displayArg(arg)).join(' ');
    expect(`${program} ${line}`).toMatch(program === 'qemu-img' ? / -f qcow2 / : / --format=qcow2 /);
  }
  expect(new Set(commands.map(({ program }) => program)).size).toBe(6);
});

test('a host without KVM, or whose osinfo-db does not know the guest, is told of', () => {
  const fit = { ...host, accelerator: 'kvm' as const };
  expect(hostNotes(fit, ['rhel7.9', 'rhel7.8'])).toEqual([]);
  expect(hostNotes(fit, ['rhel7.10', 'rhel7.9'])).toEqual([
    expect.stringMatching(/not know rhel7\.10: .*as rhel7\.9$/),
  ]);
  expect(hostNotes(fit, ['win2k25'])).toEqual([expect.stringContaining('generic')]);
  expect(hostNotes(fit, [])).toEqual([]);
  expect(hostNotes(host, ['rhel7.9'])).toEqual([expect.stringContaining('there is no /dev/kvm')]);
});

test('media that are not downloaded: no fingerprint, and the plan says so', () => {
  const unknown = { iso: { source: 'https://example.org/rhel.iso', path: '/x', sha256: undefined, size: undefined } };
  const plan = makePlan(planInput(recipe, { media: unknown }));
  expect(plan.stages.map(({ fingerprint }) => fingerprint === undefined)).toEqual([
    false,
    ...Array<boolean>(7).fill(true),
  ]);
  expect(plan.stages[1]?.because).toContain('not downloaded');
});

test('a secret is hidden in every spelling that a script of the guest may print', () => {
  const rendered = [{ name: 'x', text: '', holes: [{ ...hole, name: 'P' }] }];
  expect(secretValues(rendered, () => "it's")).toEqual(['%69%74%27%73', "it'\\''s", "it's"]);
});

test('all secrets that are missing are named at once, each once', () => {
  const holes = ['P', 'Q', 'P', 'R'].map((name) => ({ ...hole, name, secret: { env: name } }));
  const read = secretReader(false, { R: 'there' });
  const values = () => secretValues([{ name: 'x', text: '', holes }], read);
  expect(values).toThrow('the environment variable P is not set\nthe environment variable Q is not set');
  expect(values).not.toThrow(/variable R|P is not set[^]*P is not set/);
});

test('a plan is plain data', () => {
  expect(JSON.parse(JSON.stringify(first))).toEqual(JSON.parse(JSON.stringify(makePlan(planInput(recipe)))));
});
