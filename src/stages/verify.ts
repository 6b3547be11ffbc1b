import { mkdir, writeFile } from 'node:fs/promises';
import { VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { inspectImage } from '../images/inspect.ts';
import type { OwnCheck } from '../recipe/verify.ts';
import type { ClonedImage } from '../verify/clone.ts';
import type { CheckResult, Expectation } from '../verify/expectation.ts';
import { junit } from '../verify/junit.ts';
import { verifyImage } from '../verify/verify.ts';
import type { Stage, StageContext } from './stage.ts';
import { guestTakes } from './weight.ts';

/** What the clones have to be like, and the machine that they run on: memory in bytes. */
type Settings = {
  name: string;
  wanted: Expectation & { user: string };
  machine: Pick<ClonedImage, 'memory' | 'diskBus' | 'machine'>;
  format: 'qcow2' | 'raw';
  skip: readonly string[];
  checks: readonly OwnCheck[];
};

/**
 * Boots two clones of the finished image, and lets nothing be published of which a check fails. The verdict is about the image: it
 * is kept, and not asked for again until the image or the checks change.
 */
export const verify: Stage<Settings> = {
  name: 'verify',
  leaves: { file: 'verify.json' },
  hook: { name: 'afterBuild', after: 'result' },
  plan: ({ name, recipe, family, host }) => {
    const expected = family.expects?.(recipe);
    if (expected === undefined) return { commands: [], keys: [], omitted: 'no clone of it could be asked anything' };
    if (recipe.verify === undefined) return { commands: [], keys: [], omitted: 'the recipe says verify: false' };
    const { wanted, machine } = expected;
    const { memory, cores } = guestTakes({ memory: machine.memory, vcpus: 2 }, host);
    const settings = { name, wanted, machine, format: recipe.output.format, ...recipe.verify };
    return {
      commands: [],
      keys: ['cloudInit', 'verify'],
      takes: { memory: 2 * memory, cores: 2 * cores },
      settings,
      counts: { ...settings, name: undefined },
    };
  },
  run: async ({ settings }, context) => {
    const { name, wanted, machine, format, skip, checks } = settings;
    const began = performance.now();
    const { path } = context.image();
    const image = { ...machine, ...(await seenFrom(path, context)), path, format };
    const folder = context.work('clones');
    await mkdir(folder, { mode: 0o700 });
    const world = {
      run: context.control,
      host: context.host,
      signal: context.signal,
      folder,
    };
    const note = (message: string) => context.emit({ type: 'progress', stage: 'verify', message });
    const found = await verifyImage(image, wanted, world, { note, checks });
    const results = found.map((result) => (skip.includes(result.check) ? passedOver(result) : result));
    const seconds = (performance.now() - began) / 1000;
    const verdict = { version: 1, passed: !results.some(({ outcome }) => outcome === 'failed'), results };
    const text = `${JSON.stringify(verdict, null, 2)}\n`;
    await writeFile(context.kept('verify.json'), text);
    await writeFile(context.kept('verify.xml'), junit(name, results, seconds));
    refuse(results, context.kept('verify.json'));
    await writeFile(context.work('verify.json'), text);
  },
};

/** What the header of an image and its partition table say of the machine that it needs. */
async function seenFrom(
  path: string,
  { signal }: StageContext,
): Promise<Pick<ClonedImage, 'firmware' | 'virtualSize'>> {
  const { virtualSize = 0, table } = await withImage(path, (file) => inspectImage(file, { signal }));
  const boots = table?.boots ?? [];
  return { virtualSize, firmware: boots.includes('uefi') && !boots.includes('bios') ? 'uefi' : 'bios' };
}

function passedOver(result: CheckResult): CheckResult {
  if (result.outcome !== 'failed') return result;
  return { ...result, outcome: 'skipped', message: `the recipe lets it fail: ${result.message}` };
}

/** @throws VmkilnError VERIFY_FAILED with what each failed check has found. */
function refuse(results: readonly CheckResult[], report: string): void {
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ check, message }) => `  ${check}: ${message.replaceAll('\n', '\n    ')}`);
  throw new VmkilnError('VERIFY_FAILED', `the image is not fit to be published:\n${lines.join('\n')}`, {
    hint: `the results of all checks are in ${report}; a check that may fail belongs into verify.skip of the recipe`,
  });
}
