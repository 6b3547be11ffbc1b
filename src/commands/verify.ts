import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { familyOf, loadRecipe } from '../families/index.ts';
import { anyLinux } from '../families/linux/expect.ts';
import { withFitImage } from '../images/gate.ts';
import { readVariables } from '../recipe/variables.ts';
import { loadChecks, type Verify } from '../recipe/verify.ts';
import { jsonText } from '../text.ts';
import { type Call, exec } from '../tools/exec.ts';
import { withTemporary } from '../tools/temporary.ts';
import { paintFor } from '../ui/format.ts';
import { checksText } from '../ui/checks-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import type { Expectation } from '../verify/expectation.ts';
import { findGoss } from '../verify/goss.ts';
import { junit } from '../verify/junit.ts';
import { machineOf } from '../verify/verdict.ts';
import { verifyImage } from '../verify/verify.ts';

type VerifyOptions = {
  recipe?: string;
  set: readonly string[];
  vars?: string;
  check: readonly string[];
  network?: boolean;
  junit?: string;
  json?: boolean;
};

/**
 * `vmkiln verify`: boots two clones of an image and says what is wrong with it, as text or as one JSON value. Returns 1 when a check
 * fails. Without a recipe it asks for what every cloud image of Linux has.
 *
 * @throws VmkilnError USAGE, RECIPE_INVALID, IMAGE_UNFIT, HOST_UNFIT, INTERRUPTED
 */
export async function verify(image: string, options: VerifyOptions, context: CommandContext): Promise<number> {
  const { signal, say, world } = context;
  const { wanted, own } = await expected(options, world.cwd);
  if (options.junit !== undefined) await writeReport(options.junit, '');
  const more = await Promise.all(options.check.map(loadChecks));
  const checks = [...own.checks, ...more.flat()];
  const goss = await findGoss(checks, world.env);
  const terms = { checks, goss, skip: own.skip, network: options.network ?? own.network };
  const began = performance.now();
  const verdict = await withFitImage(image, {}, { signal, progress: say }, async (file, found) => {
    const host = await (await import('../host/probe.ts')).probeAppliance(world, signal, say);
    return withTemporary('vmkiln-verify-', (folder) => {
      const run = (call: Call, stop?: AbortSignal) =>
        exec({ ...call, env: { ...world.env, TMPDIR: folder, ...call.env }, signal: stop ?? signal });
      return verifyImage(
        { ...machineOf(found), path: file.open },
        wanted,
        { run, host, signal, folder },
        { note: say, ...terms },
      );
    });
  });
  const seconds = (performance.now() - began) / 1000;
  if (options.junit !== undefined) await writeReport(options.junit, junit(basename(image), verdict.results, seconds));
  const text = options.json
    ? jsonText({ image, ...verdict })
    : checksText(verdict.results, paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
  return verdict.passed ? 0 : 1;
}

/** A place that cannot be written is told before anything is booted. */
async function writeReport(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: unknown) => {
    const hint = 'name a file in a folder that is there and that you may write';
    throw new VmkilnError('USAGE', `the results cannot be written to ${path}: ${messageOf(cause)}`, { hint, cause });
  });
}

async function expected(options: VerifyOptions, cwd: string): Promise<{ wanted: Expectation; own: Verify }> {
  const none = { skip: [], checks: [], network: false };
  if (options.recipe === undefined) return { wanted: anyLinux, own: none };
  const { recipe } = await loadRecipe(options.recipe, await readVariables(options), { cwd, rehearsal: true });
  const family = familyOf(recipe);
  return { wanted: family.expects(recipe, family.render(recipe)), own: recipe.verify ?? none };
}
