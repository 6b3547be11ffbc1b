import { familyOf, loadRecipe } from '../families/index.ts';
import { anyLinux } from '../families/linux/expect.ts';
import { withFitImage } from '../images/gate.ts';
import type { World } from '../model.ts';
import { readVariables } from '../recipe/variables.ts';
import { loadChecks, usual, type Verify } from '../recipe/verify.ts';
import { type Call, exec } from '../tools/exec.ts';
import { withTemporary } from '../tools/temporary.ts';
import type { Expectation } from '../verify/expectation.ts';
import { findGoss } from '../verify/goss.ts';
import { checkScap } from '../verify/oscap.ts';
import { machineOf, type Verdict } from '../verify/verdict.ts';
import { verifyImage } from '../verify/verify.ts';

/** What an image is held to: a recipe with its variables, files of checks, whether its clones reach other hosts, and whether one asks the metadata service. */
export type VerifyTerms = {
  recipe?: string;
  set: readonly string[];
  vars?: string;
  check: readonly string[];
  network?: boolean | undefined;
  metadataService?: boolean | undefined;
};

/**
 * Boots two clones of an image that no build is about to publish, and says what is wrong with it. Without a recipe it asks for what every
 * cloud image of Linux has.
 *
 * @throws VmkilnError USAGE, RECIPE_INVALID, IMAGE_UNFIT, HOST_UNFIT, TOOL_MISSING, INTERRUPTED
 */
export async function verifyFile(
  image: string,
  terms: VerifyTerms,
  { signal, world, note }: { signal: AbortSignal; world: World; note: (message: string) => void },
): Promise<Verdict> {
  const { wanted, own } = await expected(terms, world.cwd);
  const more = await Promise.all(terms.check.map(loadChecks));
  const checks = [...own.checks, ...more.flat()];
  const goss = await findGoss(checks, world.env);
  await checkScap(checks, { env: world.env, signal });
  const options = {
    note,
    checks,
    goss,
    skip: own.skip,
    network: terms.network ?? own.network,
    metadataService: terms.metadataService ?? own.metadataService,
  };
  return withFitImage(image, {}, { signal, progress: note }, async (file, found) => {
    const host = await (await import('../host/probe.ts')).probeAppliance(world, signal, note);
    return withTemporary('vmkiln-verify-', (folder) => {
      const run = (call: Call, stop?: AbortSignal) =>
        exec({ ...call, env: { ...world.env, TMPDIR: folder, ...call.env }, signal: stop ?? signal });
      return verifyImage({ ...machineOf(found), path: file.open }, wanted, { run, host, signal, folder }, options);
    });
  });
}

async function expected(terms: VerifyTerms, cwd: string): Promise<{ wanted: Expectation; own: Verify }> {
  if (terms.recipe === undefined) return { wanted: anyLinux, own: usual };
  const { values, shared } = await readVariables(terms);
  const { recipe } = await loadRecipe(terms.recipe, values, { cwd, rehearsal: true, shared });
  const family = familyOf(recipe);
  const own = recipe.verify ?? usual;
  return { wanted: family.expects(recipe, family.render(recipe)), own };
}
