import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { checkNeeds } from '../host/needs.ts';
import { probeHost } from '../host/probe.ts';
import type { Host, Plan } from '../model.ts';
import { writeAtomic } from '../store/files.ts';
import type { Paths } from '../store/paths.ts';
import { plannedTargets } from '../targets/index.ts';
import { checkTargets } from '../targets/publish.ts';
import { version } from '../version.ts';
import { type BuildResult, runBuild } from './build.ts';
import type { Pool } from './pool.ts';
import type { BuildContext } from './request.ts';
import { type ReadSecret, secretMacs, secretReader, secretValues } from './secrets.ts';
import { changedFiles } from './unchanged.ts';

/** Keeps a plan in a file, to be run by `buildPlan`. It holds no secrets. @throws VmkilnError USAGE, DISK_FULL */
export async function savePlan(plan: Plan, path: string): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(plan, undefined, 2)}\n`).catch((cause: unknown) => {
    if (cause instanceof VmkilnError) throw cause;
    const hint = 'name a file in a folder that is there and that you may write';
    throw new VmkilnError('USAGE', `the plan cannot be kept in ${path}: ${messageOf(cause)}`, { hint, cause });
  });
}

/**
 * A plan that was kept.
 *
 * @throws VmkilnError USAGE when the file is none; PLAN_OUTDATED when another version of vmkiln made it.
 */
async function readPlan(path: string): Promise<Plan<Recipe>> {
  let plan: Partial<Plan<Recipe>> | null;
  try {
    plan = JSON.parse(await readFile(path, 'utf8')) as typeof plan;
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it is not JSON' : messageOf(cause);
    throw new VmkilnError('USAGE', `the plan ${path} cannot be read: ${why}`, {
      hint: '`vmkiln plan RECIPE --save FILE` writes one',
      cause,
    });
  }
  if (!Array.isArray(plan?.stages) || typeof plan.name !== 'string') {
    throw new VmkilnError('USAGE', `${path} is not a plan`, { hint: '`vmkiln plan RECIPE --save FILE` writes one' });
  }
  if (plan.version !== 2 || plan.vmkiln !== version()) {
    throw outdated(path, [`vmkiln ${plan.vmkiln ?? '0.1.0'} made it, and this is vmkiln ${version()}`]);
  }
  return plan as Plan<Recipe>;
}

/**
 * Builds exactly what a kept plan says, or says what has changed since.
 *
 * @throws VmkilnError as `readPlan` and `runBuild` do; PLAN_OUTDATED with a line for each change.
 */
export async function buildPlan(
  file: string,
  { keepOnFailure }: { keepOnFailure: boolean },
  context: BuildContext & { pool: Pool },
): Promise<BuildResult> {
  const path = resolve(context.world.cwd, file);
  const plan = await readPlan(path);
  const { name, recipe, recipeFile, rehearsal } = plan;
  return runBuild(
    {
      ...{ name, recipe, rehearsal, keepOnFailure },
      recipeFile: recipeFile.path,
      plan: async (paths) => {
        const read = secretReader(rehearsal, context.world.env);
        const secrets = secretValues(plan.rendered, read);
        await checkTargets(plannedTargets(recipe.upload), { signal: context.signal, ...context.world });
        const machine = familyOf(recipe).machine(recipe);
        const { connect } = plan.host;
        await checkNeeds({ connect, machine, cache: paths.cache, files: [] }, context.signal);
        const changes = await changesSince(plan, read, paths, context);
        if (changes.length > 0) throw outdated(path, changes);
        return { plan: { ...plan, notes: [...plan.notes, ...(await recipeNotes(plan))] }, secrets };
      },
    },
    context,
  );
}

/** What a kept plan went by and is not so any more, in words for a person. */
async function changesSince(
  plan: Plan<Recipe>,
  read: ReadSecret,
  paths: Paths,
  { signal, world }: BuildContext,
): Promise<string[]> {
  const host = await probeHost({ cacheDir: paths.cache, env: world.env, signal, connect: plan.host.connect });
  const commands = plan.stages.flatMap((stage) => stage.commands);
  const files = await changedFiles(commands, plan, { mediaDir: paths.media, signal });
  const macs = await secretMacs(plan.rendered, read, paths.state, signal);
  const secrets = Object.keys({ ...plan.macs, ...macs }).filter((name) => plan.macs[name] !== macs[name]);
  return [
    ...hostChanges(plan.host, host),
    ...files.map(({ file, how }) => `${file} was ${how}`),
    ...secrets.map((name) => `the secret ${name} has another value, or this is another machine`),
  ];
}

/** What commands were planned for and no longer holds: the accelerator and the network are words of theirs. */
function hostChanges(planned: Host, now: Host): string[] {
  const facts = { architecture: 'arch', accelerator: 'accelerator', network: 'network' } as const;
  return Object.entries(facts).flatMap(([name, key]) => {
    const [before, after] = [planned[key], now[key]].map((value) => JSON.stringify(value));
    return before === after ? [] : [`the ${name} of this host was ${before} and is ${after} now`];
  });
}

/** The recipe itself is in the plan: an edit of its file changes nothing, and a person should know that. */
async function recipeNotes({ recipeFile }: Plan): Promise<string[]> {
  // It was on standard input.
  if (recipeFile.path === '-') return [];
  const text = await readFile(recipeFile.path, 'utf8').catch(() => undefined);
  if (text === undefined) return [`${recipeFile.path} is gone: what the plan has of it is built`];
  const isSame = createHash('sha256').update(text).digest('hex') === recipeFile.sha256;
  return isSame ? [] : [`${recipeFile.path} was edited after it was planned: it is built as it was then`];
}

function outdated(path: string, changes: readonly string[]): VmkilnError {
  const lines = changes.map((change) => `\n  ${change}`).join('');
  return new VmkilnError('PLAN_OUTDATED', `the plan ${path} does not hold any more:${lines}`, {
    hint: 'plan again, and look at what is different',
  });
}
