import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Arg, Plan } from '../../src/model.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import { displayArg, planWithArgv, shellArg, shellCommand, showPlan } from '../../src/ui/plan-text.ts';

const plan: Plan<Pick<Recipe, 'hooks'>> = {
  version: 2,
  vmkiln: '0.0.0',
  recipeFile: { path: '/recipes/rhel7.yaml', sha256: '' },
  name: 'rhel7',
  rehearsal: false,
  recipe: { hooks: {} },
  host: {
    arch: 'x86_64',
    accelerator: 'tcg',
    acceleratorReason: '/dev/kvm does not run guest code',
    connect: 'qemu:///system',
    network: { kind: 'network', name: 'default' },
    osinfo: ['rhel7.9'],
    cores: 2,
    memory: 8 * 2 ** 30,
    appliance: { memory: 0, cacheDir: '/var/tmp' },
    versions: { qemu: '7.2', libvirt: '9.0', 'virt-install': '4.1', 'guestfs-tools': '1.48', kernel: '6.1' },
  },
  media: { iso: { source: 'https://x/y.iso', path: '/cache/y.iso', sha256: undefined, size: undefined } },
  macs: {},
  rendered: [{ name: 'ks.cfg', text: 'text\npoweroff\n', holes: [] }],
  stages: [
    {
      stage: 'disk',
      forecast: 'run',
      because: 'no checkpoint',
      fresh: true,
      fingerprint: undefined,
      parts: [],
      weight: { memory: 0, cores: 0, disk: 0 },
      commands: [{ program: 'qemu-img', args: ['create', { work: 'disk.qcow2' }, '8G'], timeout: 60 }],
    },
    {
      stage: 'install',
      forecast: 'run',
      because: 'its media are not downloaded yet',
      fresh: true,
      fingerprint: undefined,
      parts: [],
      weight: { memory: 0, cores: 0, disk: 0 },
      commands: [
        {
          program: 'virt-install',
          args: [
            '--name',
            { build: 'domain' },
            '--disk',
            ['path=', { work: 'disk.qcow2' }, ',cache=unsafe'],
            '--initrd-inject',
            { rendered: 'ks.cfg' },
            '--extra-args',
            'inst.ks=file:/ks.cfg console=ttyS0',
          ],
          timeout: 3600,
          env: { LC_ALL: 'C' },
        },
      ],
    },
    {
      stage: 'sysprep',
      forecast: 'reuse',
      because: 'checkpoint 12ab',
      fresh: false,
      fingerprint: '12ab',
      parts: [],
      weight: { memory: 0, cores: 0, disk: 0 },
      commands: [],
    },
  ],
  notes: ['the guest relabels at first boot'],
};

const show = (given: typeof plan, full = false) => showPlan(given, [], { full, next: 'vmkiln build a.yaml' });

test('a plan for people has the host, the media, the stages, the exact commands and the files', () => {
  const text = show(plan, true);
  for (const part of [
    'TCG (software emulation, slow): /dev/kvm does not run guest code',
    'https://x/y.iso',
    'unknown until downloaded',
    'the guest relabels at first boot',
    'disk      run    no checkpoint',
    'sysprep   reuse  checkpoint 12ab',
    '  qemu-img create $WORK/disk.qcow2 8G',
    'LC_ALL=C virt-install \\\n    --name $DOMAIN \\\n    --disk path=$WORK/disk.qcow2,cache=unsafe \\\n',
    "--extra-args 'inst.ks=file:/ks.cfg console=ttyS0'",
    '$WORK/rendered/ks.cfg\ntext\npoweroff',
  ]) {
    expect(text).toContain(part);
  }
  expect(text.endsWith('\n\nnext\n  vmkiln build a.yaml')).toBe(true);
  const brief = show(plan);
  expect(brief).toContain('$WORK/rendered  (--full shows them)\n  ks.cfg\n');
  expect(brief).not.toContain('poweroff');
});

test('a reason that several stages have is told once', () => {
  const [disk] = plan.stages;
  if (!disk) throw new Error('stages');
  expect(show({ ...plan, stages: [disk, { ...disk, stage: 'install' }] }).match(/no checkpoint/g)).toHaveLength(1);
});

test('what stages that run will take is shown, and its sum, with what is not known of', () => {
  const [disk, install, sysprep] = plan.stages;
  if (!disk || !install || !sysprep) throw new Error('stages');
  const predicted = { seconds: 80, bytes: 450 * 2 ** 20 };
  const stages = [
    { ...disk, predicted: { seconds: 0.1, bytes: 0 } },
    { ...install, predicted },
  ];
  const reused = { ...sysprep, predicted: { seconds: 1000, bytes: 1000 } };
  const text = show({ ...plan, stages: [...stages, reused] });
  expect(text).toContain('disk      run    no checkpoint  (about 0.1s)\n');
  expect(text).toContain('not downloaded yet  (about 1m 20s, 450 MiB of disk)\n');
  expect(text).toContain('sysprep   reuse  checkpoint 12ab\n  total     about 1m 20s, 450 MiB of disk\n');
  const customize = { ...disk, stage: 'customize' as const };
  expect(show({ ...plan, stages: [...stages, customize] })).toContain('disk, and what customize will take\n');
  expect(show(plan)).not.toMatch(/about|total|hooks/);
});

test('the hooks of the recipe are shown, and those that this build does not come to', () => {
  const hook = (run: string, onError: 'fail' | 'warn') => ({ run, timeout: 300, onError });
  const hooks = {
    afterInstall: hook('/h/in stall.mjs', 'fail'),
    afterUpload: hook('/h/tell', 'warn'),
    onFailure: hook('/h/alarm', 'fail'),
  };
  const [disk, install] = plan.stages;
  if (!disk || !install) throw new Error('stages');
  const upload = { ...disk, stage: 'upload' as const };
  const shown = (stages: typeof plan.stages) => show({ ...plan, recipe: { hooks }, stages });
  expect(shown([install, upload])).toContain(
    [
      'hooks',
      "  afterInstall '/h/in stall.mjs'  (at most 5m 00s)",
      '  afterUpload  /h/tell  (at most 5m 00s, a failure of it only warns)',
      '  onFailure    /h/alarm  (at most 5m 00s, a failure of it only warns)',
      '',
    ].join('\n'),
  );
  const ended = shown([
    { ...install, forecast: 'reuse' },
    { ...upload, forecast: 'skip' },
  ]);
  expect(ended).toContain("'/h/in stall.mjs'  (not now: install does not run)");
  expect(ended).toContain('/h/tell  (not now: the build ends before)');
});

test('the plan for machines is the plan, with argv as plain strings', () => {
  const json = JSON.parse(JSON.stringify(planWithArgv(plan, [])));
  expect(json.stages[1].commands[0].argv).toEqual([
    'virt-install',
    '--name',
    '$DOMAIN',
    '--disk',
    'path=$WORK/disk.qcow2,cache=unsafe',
    '--initrd-inject',
    '$WORK/rendered/ks.cfg',
    '--extra-args',
    'inst.ks=file:/ks.cfg console=ttyS0',
  ]);
  expect(json).toMatchObject(JSON.parse(JSON.stringify(plan)));
});

test('every kind of piece can be shown', () => {
  const arg: Arg = ['a=', { file: '/f', sha256: undefined }, ',', { layer: 'install' }, ',', { host: '2048' }];
  expect(displayArg(arg)).toBe('a=/f,$CHECKPOINTS/install.qcow2,2048');
});

test('a shell that knows the variables reads the very words of the plan', () => {
  const text = fc.string().map((some) => some.replaceAll('\0', ''));
  const piece = fc.oneof(
    text,
    text.map((host) => ({ host })),
    text.filter((name) => !name.includes('/')).map((work) => ({ work })),
    fc.constant({ build: 'domain' } as const),
    fc.constant({ layer: 'install' } as const),
  );
  const args: Arg[] = [
    [{ build: 'domain' }, '.log'],
    [{ build: 'domain' }, 'x'],
    ['$WORK', { work: 'a b$' }],
    ...fc.sample(fc.array(piece, { minLength: 1 }), 100),
  ];
  const env = { WORK: '/w x', CHECKPOINTS: '/l', DOMAIN: 'd' };
  const wanted = args.map((arg) =>
    [arg]
      .flat()
      .map((part) => {
        if (typeof part === 'string') return part;
        if ('host' in part) return part.host;
        if ('work' in part) return `${env.WORK}/${part.work}`;
        return 'build' in part ? env.DOMAIN : `${env.CHECKPOINTS}/install.qcow2`;
      })
      .join(''),
  );
  // Bare variables are for reading: in a script a path with a space needs quotes, which IFS= stands for here.
  const script = `IFS=; printf '%s\\0' ${args.map(shellArg).join(' ')}`;
  const read = execFileSync('sh', ['-c', script], { encoding: 'utf8', env });
  expect(read.split('\0').slice(0, -1)).toEqual(wanted);
});

test('a long command reads the same on several lines', () => {
  const args = Array.from({ length: 20 }, (_, index) => [`--option-${index}`, `value ${index}`]).flat();
  const text = shellCommand({ program: 'printf', args: [String.raw`%s\0`, ...args], timeout: 1 });
  expect(text.split('\n').length).toBeGreaterThan(10);
  expect(execFileSync('sh', ['-c', text], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(args);
});
