import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inBuild } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import type { Host, Weight } from '../model.ts';
import { jsonText } from '../text.ts';
import { withImage } from '../images/file.ts';
import { inspectImage } from '../images/inspect.ts';
import { checkFiles, checkNames, isScap, type OwnCheck, withFiles } from '../recipe/verify.ts';
import type { CheckResult, Expectation, LinuxExpectation } from '../verify/expectation.ts';
import { findGoss } from '../verify/goss.ts';
import { junit } from '../verify/junit.ts';
import { reportsOf } from '../verify/oscap.ts';
import { takePlanned } from '../verify/planned-files.ts';
import { practiceConsole } from '../verify/practice-boot.ts';
import { machineOf, type Verdict } from '../verify/verdict.ts';
import { type Look, verifyImage } from '../verify/verify.ts';
import { askAndRead } from './contents.ts';
import type { Stage } from './stage.ts';
import { applianceTakes, guestTakes } from './weight.ts';

/** What the image has to be like, and what is asked of its clones besides. */
type Settings = {
  name: string;
  wanted: Expectation;
  skip: readonly string[];
  checks: readonly OwnCheck[];
  network: boolean;
  metadataService: boolean;
  /** What the files of the checks are, by their paths: SHA-256 in lower-case hex. */
  digests: Readonly<Record<string, string>>;
  /** The medium that a rehearsed Windows runs from. */
  practiceDvd?: string;
  /** Whether the image will be described, for which it can be read in the same launch. */
  described: boolean;
};

/**
 * Boots two clones of the finished image, and lets nothing be published of which a check fails. The verdict is about the image: it
 * is kept, and not asked for again until the image or the checks change; a build that found it kept has its files too.
 */
export const verify: Stage<Settings> = {
  name: 'verify',
  leaves: { file: inBuild.verdict },
  plan: ({ name, recipe, family, host, rendered, files, rehearsal, media }) => {
    if (recipe.verify === undefined) return { commands: [], keys: [], omitted: 'the recipe says verify: false' };
    const wanted = family.expects(recipe, rendered);
    const dvd = rehearsal && wanted.system === 'windows' ? media['iso']?.path : undefined;
    const digests = Object.fromEntries(checkFiles(recipe.verify.checks).map((path) => [path, files.get(path) ?? '']));
    const described = recipe.describe !== undefined;
    const settings = {
      name,
      wanted,
      ...recipe.verify,
      digests,
      ...(dvd !== undefined && { practiceDvd: dvd }),
      described,
    };
    return {
      commands: [],
      keys: ['cloudInit', 'verify'],
      takes: wanted.system === 'linux' ? clonesTake(wanted, host) : applianceTakes(host),
      settings,
      // A check that is new asks again, and so does one that finds more than it did: raise the version.
      counts: {
        ...settings,
        name: undefined,
        digests: undefined,
        practiceDvd: undefined,
        described: undefined,
        known: checkNames,
        version: 3,
        checks: settings.checks.map((check) => withFiles(check, (path) => files.get(path))),
      },
    };
  },
  run: async ({ settings }, context) => {
    const { name, wanted, skip, network, metadataService, digests, practiceDvd, described } = settings;
    const { host, signal } = context;
    const began = performance.now();
    const { path } = context.image();
    const image = { ...machineOf(await withImage(path, (file) => inspectImage(file, { signal }))), path };
    const folder = context.work('clones');
    await mkdir(folder, { mode: 0o700 });
    const checks = await takePlanned(settings.checks, digests, { folder, signal });
    const note = (message: string) => context.emit({ type: 'progress', stage: 'verify', message });
    const look = described ? (...asked: Parameters<Look>) => askAndRead(...asked, context) : undefined;
    const verdict = await verifyImage(
      image,
      wanted,
      { run: context.control, host, signal, folder },
      {
        note,
        checks,
        skip,
        network,
        metadataService,
        goss: await findGoss(checks, context.world.env),
        practiceDvd,
        look,
      },
    );
    if (practiceDvd !== undefined)
      await copyFile(join(folder, practiceConsole), context.kept(practiceConsole)).catch(() => undefined);
    for (const file of checks.filter(isScap).flatMap((_, index) => Object.values(reportsOf(index))))
      await copyFile(join(folder, file), context.kept(file)).catch(() => undefined);
    const { results } = verdict;
    const text = jsonText(verdict);
    await writeFile(context.kept(inBuild.verdict), text);
    await writeFile(context.kept(junitFile), junit(name, results, (performance.now() - began) / 1000));
    refuse(results, context.kept(inBuild.verdict));
    await writeFile(context.work(inBuild.verdict), text);
  },
  settle: async ({ path, build }, { plan, build: own, kept }) => {
    if (build === own) return;
    const text = await readFile(path, 'utf8');
    await writeFile(kept(inBuild.verdict), text);
    await writeFile(kept(junitFile), junit(plan.name, (JSON.parse(text) as Verdict).results));
  },
};

/** The verdict for CI systems, in the folder of a build. */
const junitFile = 'verify.xml';

function clonesTake({ machine }: LinuxExpectation, host: Host): Omit<Weight, 'disk'> {
  const { memory, cores } = guestTakes({ memory: machine.memory, vcpus: 2 }, host);
  return { memory: 2 * memory, cores: 2 * cores };
}

/** @throws VmkilnError VERIFY_FAILED with what each failed check has found. */
function refuse(results: readonly CheckResult[], report: string): void {
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ check, message }) => `  ${check}: ${message.replaceAll('\n', '\n    ')}`);
  const names = [...new Set(failed.map(({ check }) => check))].join(', ');
  throw new VmkilnError('VERIFY_FAILED', `the image is not fit to be published: ${names}\n${lines.join('\n')}`, {
    hint: `the results of all checks are in ${report}; a check that may fail belongs into verify.skip of the recipe`,
  });
}
