import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Arg, Command, Piece, Plan } from '../../src/model.ts';
import { fingerprint } from '../../src/pipeline/fingerprint.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { recipeSchema } from '../../src/families/index.ts';
import { host, planInput } from '../support/plan-input.ts';

const none = { rendered: [], macs: {} };

/** Words that look like the marks of a fingerprint's own, and a few that do not. */
const word = fc.constantFrom(
  'file',
  'host',
  'work',
  'layer',
  'rendered',
  '',
  'a',
  'b',
  'ab',
  '"file":null',
  '{"host":""}',
);
const piece: fc.Arbitrary<Piece> = fc.oneof(
  word,
  fc.record({ file: word, sha256: word }),
  fc.record({ work: word }),
  fc.record({ layer: fc.constantFrom('install' as const, 'customize' as const) }),
  fc.record({ host: word }),
  fc.record({ sure: word }),
  fc.constant({ build: 'domain' as const }),
);
const arg: fc.Arbitrary<Arg> = fc.oneof(piece, fc.array(piece, { minLength: 1, maxLength: 3 }));
const command: fc.Arbitrary<Command> = fc.record({
  program: fc.constantFrom('qemu-img', 'virt-customize'),
  args: fc.array(arg, { maxLength: 4 }),
  timeout: fc.constantFrom(60, 3600),
  env: fc.constantFrom({}, { LIBGUESTFS_BACKEND: 'direct' }),
});
const commands = fc.array(command, { maxLength: 3 });
const print = (all: readonly Command[]) => fingerprint('before', 'customize', { commands: all }, none);

const isCounted = (part: Arg) => typeof part === 'string' || !('sure' in part);
const counted = (part: Arg) => (Array.isArray(part) ? part.filter(isCounted) : part);

/** A command as far as it should count: file names, values of the host, time limits and the environment do not. */
function counting(all: readonly Command[]): string {
  return JSON.stringify(
    all.map(({ program, args }) => [program, args.filter(isCounted).map(counted)]),
    (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null) return value;
      if ('host' in value) return { host: 0 };
      return 'file' in value && 'sha256' in value ? { sha256: value.sha256 } : value;
    },
  );
}

test('commands that count the same have one fingerprint, all others have different ones', () => {
  fc.assert(
    fc.property(commands, commands, (one, two) => {
      expect(print(one) === print(two)).toBe(counting(one) === counting(two));
    }),
    { numRuns: 500 },
  );
});

test('a change of any one piece shows, unless it is of the host', () => {
  const place = fc.tuple(fc.nat(), fc.nat(), fc.nat());
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 3 }), place, piece, (all, [at, atArg, atPiece], other) => {
      const changed = structuredClone(all) as (Command & { args: Arg[] })[];
      const args = changed[at % changed.length]?.args ?? [];
      const old = args[atArg % args.length];
      fc.pre(old !== undefined);
      const pieces = [old].flat() as Piece[];
      pieces[atPiece % pieces.length] = other;
      args[atArg % args.length] = Array.isArray(old) ? pieces : (pieces[0] ?? '');
      expect(print(changed) === print(all)).toBe(counting(changed) === counting(all));
    }),
    { numRuns: 500 },
  );
});

test('the stage, the stages before it and what it says that counts do', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const prints = [
        print(all),
        fingerprint('other', 'customize', { commands: all }, none),
        fingerprint('before', 'sysprep', { commands: all }, none),
        fingerprint('before', 'customize', { commands: all, counts: ['a check'] }, none),
      ];
      expect(new Set(prints).size).toBe(4);
    }),
  );
});

test('a file of unknown content makes it unknown, wherever it stands, and no text does', () => {
  fc.assert(
    fc.property(commands, arg, (all, more) => {
      expect(print(all)).toBeDefined();
      const unknown = { file: '/x.iso', sha256: undefined };
      const last = { program: 'virt-install', args: [more, ['location=', unknown]], timeout: 1 };
      expect(print([...all, last])).toBeUndefined();
      expect(print([...all, { ...last, args: [unknown] }])).toBeUndefined();
    }),
  );
});

const either = <T>(...values: T[]) => fc.constantFrom(...values);
/** Few values of each key, so that two recipes often have the same ones. */
const recipe = fc
  .record({
    name: either('a', 'b'),
    description: either('x', 'y'),
    family: fc.constant('rhel'),
    release: either('7.8', '7.9'),
    source: fc.constant({ iso: '/x.iso' }),
    disk: either({ size: '8G' }, { size: '8192M' }, { size: '9G' }),
    machine: fc.record({ memory: either('2G', '4G'), firmware: either('bios', 'uefi') }),
    language: either('en_US.UTF-8', 'de_DE.UTF-8'),
    install: either({ timeout: '60m' }, { timeout: '1h' }, { variables: { unused: 'x' } }),
    packages: either<string[]>([], ['a', 'b'], ['b', 'a'], ['a']),
    update: either(true, false),
    customize: either<object[]>(
      [],
      [{ run: 'true' }],
      [{ run: 'true' }, { mkdir: '/x' }],
      [{ mkdir: '/x' }, { run: 'true' }],
    ),
    output: either(
      {},
      { compression: 'zlib' },
      { compression: 'zstd' },
      { format: 'raw' },
      { format: 'raw', compression: 'none' },
    ),
    upload: either([{ directory: { path: '/a' } }], [{ directory: { path: '/b' } }]),
  })
  .map((value) => recipeSchema.parse(value));

/** What a plan does, stage by stage, in words: all that may make an image another one. */
function doing({ stages, rendered }: Plan): string[] {
  let sofar = '';
  return stages.map(({ commands: all }) => {
    const texts = all
      .flatMap(({ args }) => args.flat() as Piece[])
      .map((each) =>
        typeof each === 'object' && 'rendered' in each
          ? rendered.find((file) => file.name === each.rendered)?.text
          : '',
      );
    // The release that is wanted, whatever this host's osinfo-db has.
    const wanted = all
      .flatMap(({ args }) => args.flat() as Piece[])
      .map((each) => (typeof each === 'object' && 'wanted' in each ? each.wanted : ''));
    sofar += JSON.stringify([counting(all), texts, wanted]);
    return sofar;
  });
}

test('recipes have the same fingerprint of a stage exactly when all that they do up to it is the same', () => {
  const other = { ...host, accelerator: 'kvm' as const, cores: 64, osinfo: [] };
  fc.assert(
    fc.property(recipe, recipe, either(host, other), (one, two, on) => {
      const [a, b] = [makePlan(planInput(one)), makePlan(planInput(two, { host: on }))];
      const [doesA, doesB] = [doing(a), doing(b)];
      for (const [index, stage] of a.stages.entries()) {
        expect(stage.fingerprint === b.stages[index]?.fingerprint).toBe(doesA[index] === doesB[index]);
      }
    }),
    { numRuns: 80 },
  );
});

test('a copy of a recipe with other host keys has the same fingerprints', () => {
  fc.assert(
    fc.property(recipe, (one) => {
      const two = {
        ...one,
        name: 'z',
        description: 'z',
        machine: { ...one.machine, memory: 2 ** 34, vcpus: 9 },
        upload: [],
      } as typeof one;
      const prints = [one, two].map((each) => makePlan(planInput(each)).stages.map((stage) => stage.fingerprint));
      expect(prints[0]).toEqual(prints[1]);
    }),
    { numRuns: 50 },
  );
});
