import { interrupted, VmkilnError } from '../errors.ts';
import type { HookContext } from '../hooks.ts';
import type { Published, StageName, StagePlan } from '../model.ts';
import type { HookName } from '../recipe/hooks.ts';
import type { Stage } from '../stages/stage.ts';
import { type Layer, type Made, obtain } from '../store/checkpoints.ts';
import { fileSizes, grownBytes } from '../store/files.ts';
import { type ContextOptions, stageContext } from './context.ts';
import { type Pool, withWeight } from './pool.ts';
import { imageSegment, type Segment, segmentsOf } from './segments.ts';
import { stages as pipeline } from './stages.ts';
import { checkUnchanged } from './unchanged.ts';

/** Runs the recipe's hook of that name, if it has one. */
export type RunHook = (name: HookName, more: Pick<HookContext, 'image' | 'published' | 'failure'>) => Promise<void>;

/** What running a plan needs besides the plan. */
export type RunOptions = Omit<ContextOptions, 'layers' | 'host' | 'imageStage' | 'counter'> & {
  checkpoints: string;
  /** Where the hashes of media are kept. */
  mediaDir: string;
  pool: Pool;
  hook: RunHook;
  /** Records that a layer is in use before it is used. */
  pin: (fingerprint: string) => Promise<void>;
};

/** A plan that is being run: what it is made of, and how far it has come. */
type Run = RunOptions & {
  stages: readonly Stage[];
  segments: readonly Segment[];
  /** The layers that are there by now, by the stage that leaves them. */
  layers: Map<StageName, Layer>;
  /** The stages of which an event has told. */
  announced: Set<StageName>;
  published: Published[];
  /** Number of the next log. */
  counter: () => number;
};

/**
 * Executes a plan: makes the layers that are missing, each under its lock, runs what is run every time, and publishes.
 * The plan forecast what is reusable; here the store decides, for another build may have been quicker or have cleaned.
 *
 * @param stages those of the pipeline, except in tests of the pipeline itself.
 * @throws VmkilnError of the stage that failed, with its `stage` set; an Error when a planned stage did not run.
 */
export async function runPlan(options: RunOptions, stages: readonly Stage[] = pipeline): Promise<Published[]> {
  const run = openRun(options, stages);
  const { segments } = run;
  const planned = new Set(run.plan.stages.filter(({ forecast }) => forecast !== 'skip').map(({ stage }) => stage));
  const last = segments.findLastIndex((segment) => segment.stages.some((name) => planned.has(name)));
  // Of the layers only the deepest is asked for: one that is there needs nothing of what is below it.
  const deepest = segments.findLastIndex(({ leaves }, index) => index <= last && leaves && leaves.as !== 'document');
  for (const index of segments.keys()) {
    if (index < deepest || index > last) continue;
    if (segments[index]?.leaves) await reachLayer(run, index);
    else await runEvery(run, segments[index]?.stages ?? []);
  }
  tellOfTheRest(run);
  return run.published;
}

function openRun(options: RunOptions, stages: readonly Stage[]): Run {
  const names = (list: readonly StageName[]) => list.join(', ');
  const [known, given] = [stages.map(({ name }) => name), options.plan.stages.map(({ stage }) => stage)];
  if (names(known) !== names(given)) throw new Error(`the plan has the stages ${names(given)}, not ${names(known)}`);
  let count = 0;
  return {
    ...options,
    stages,
    segments: segmentsOf(stages),
    layers: new Map(),
    announced: new Set(),
    published: [],
    counter: () => (count += 1),
  };
}

/** The layer of a segment, and what follows a stage whose result every build has. */
async function reachLayer(run: Run, index: number): Promise<void> {
  const layer = await layerOf(run, index);
  const leaf = run.segments[index]?.leaves;
  // A stage without work for this recipe has the result of the one before it.
  if (!layer || !leaf) return;
  if (!stepOf(run, leaf.stage).omitted) await stageOf(run, leaf.stage).settle?.(layer, contextOf(run, leaf.stage));
  await followWithHook(run, leaf.stage, 'result');
}

/** Makes sure of the layer that a segment leaves, and so of those below it only if it has to be made. */
async function layerOf(run: Run, index: number): Promise<Layer | undefined> {
  const segment = run.segments[index];
  if (!segment?.leaves) return undefined;
  if (segment.stages.every((name) => stepOf(run, name).omitted)) return layerOf(run, index - 1);
  const step = stepOf(run, segment.leaves.stage);
  const known = run.layers.get(step.stage);
  if (known) return known;
  const { fingerprint } = step;
  if (fingerprint === undefined) throw new Error(`${step.stage} has no fingerprint: the media are unknown`);
  await run.pin(fingerprint);
  const options = {
    fresh: step.fresh,
    maxAge: step.maxAge,
    signal: run.signal,
    waiting: () => tell(run, step.stage, 'waiting for another build that makes the same checkpoint'),
  };
  const { layer, reused } = await obtain(run.checkpoints, fingerprint, options, () => makeLayer(run, index, segment));
  run.layers.set(step.stage, layer);
  if (reused) announceReuse(run, index, step);
  return layer;
}

async function makeLayer(run: Run, index: number, segment: Segment): Promise<Made> {
  const { leaves } = segment;
  if (!leaves) throw new Error('a layer of a segment that leaves none');
  const step = stepOf(run, leaves.stage);
  const about = leaves.as === 'document' ? run.layers.get(imageStage(run) ?? '') : undefined;
  const below = about ?? (await layerOf(run, index - 1));
  const started = new Date().toISOString();
  const steps = segment.stages.map((name) => stepOf(run, name));
  for (const { stage, omitted } of steps) if (!omitted) await runStage(run, stage);
  await checkUnchanged(
    steps.flatMap(({ commands }) => commands),
    run.plan,
    run,
  );
  const flat = leaves.as !== 'overlay';
  const base = steps.find((each) => each.base !== undefined)?.base;
  return {
    file: contextOf(run, step.stage).work(leaves.file),
    stage: step.stage,
    build: run.build,
    flat,
    dated: below?.dated ?? (step.maxAge === undefined ? undefined : started),
    ...(below && !flat && { backing: below }),
    ...(about && { about }),
    ...(base !== undefined && !flat && { base }),
  };
}

/** The stages of a segment that leaves nothing to reuse. */
async function runEvery(run: Run, names: readonly StageName[]): Promise<void> {
  for (const name of names) {
    if (stepOf(run, name).forecast === 'skip') continue;
    await runStage(run, name);
    await followWithHook(run, name, 'result');
  }
}

/** Runs a stage once the host has room for it. */
async function runStage(run: Run, name: StageName): Promise<void> {
  const waiting = (message: string) => tell(run, name, message);
  const options = { what: name, signal: run.signal, waiting };
  await withWeight(run.pool, stepOf(run, name).weight, options, () => runAdmitted(run, name));
}

async function runAdmitted(run: Run, name: StageName): Promise<void> {
  const { signal, emit } = run;
  const { because, predicted } = stepOf(run, name);
  if (signal.aborted) throw interrupted(`${name} was about to run`, signal);
  run.announced.add(name);
  const started = performance.now();
  emit({ type: 'stage-started', stage: name, because, ...(predicted && { predicted }) });
  const before = await fileSizes(run.work);
  try {
    await perform(run, name);
    await followWithHook(run, name, 'run');
  } catch (error) {
    const failure = signal.aborted ? interrupted(`${name} ran`, signal) : error;
    if (failure instanceof VmkilnError) failure.stage ??= name;
    throw failure;
  }
  const bytes = grownBytes(before, await fileSizes(run.work));
  emit({ type: 'stage-finished', stage: name, seconds: (performance.now() - started) / 1000, bytes });
}

async function perform(run: Run, name: StageName): Promise<void> {
  const { commands, settings } = stepOf(run, name);
  const stage = stageOf(run, name);
  const context = contextOf(run, name);
  if (stage.run) run.published.push(...((await stage.run({ commands, settings }, context)) ?? []));
  else for (const command of commands) await context.run(command);
}

/** Runs the recipe's hook that follows a stage, `after` its run or its result. */
async function followWithHook(run: Run, name: StageName, after: 'run' | 'result'): Promise<void> {
  const { hook, leaves } = stageOf(run, name);
  if (hook?.after !== after) return;
  // What has only just been made lies in the work folder still.
  const made = after === 'run' && leaves ? contextOf(run, name).work(leaves.file) : undefined;
  const image = made === undefined ? finishedImage(run) : { path: made, format: 'qcow2' as const };
  await run.hook(hook.name, { ...(image && { image }), published: [...run.published] });
}

function finishedImage(run: Run): HookContext['image'] {
  const layer = run.layers.get(imageStage(run) ?? '');
  if (!layer) return undefined;
  const { path, sha256, size } = layer;
  return { path, format: run.plan.recipe.output.format, sha256, size };
}

/** A reused layer, and the stages that led to it and to the layers below. */
function announceReuse(run: Run, index: number, step: StagePlan): void {
  const { emit, announced } = run;
  for (const name of run.segments.slice(0, index + 1).flatMap((segment) => segment.stages)) {
    if (announced.has(name) || stepOf(run, name).omitted) continue;
    announced.add(name);
    const because = step.forecast === 'reuse' ? step.because : 'another build made it meanwhile';
    if (name === step.stage) emit({ type: 'stage-reused', stage: name, because });
    else emit({ type: 'stage-skipped', stage: name, because: `the ${step.stage} checkpoint already holds its result` });
  }
}

/** Tells of the stages that this build has no need of. One that was to run and did not is a fault that must not pass. */
function tellOfTheRest({ plan, announced, emit }: Run): void {
  for (const { stage, forecast, because } of plan.stages) {
    if (announced.has(stage)) continue;
    if (forecast !== 'skip') throw new Error(`the stage ${stage} was planned ("${forecast}") and did not run`);
    emit({ type: 'stage-skipped', stage, because });
  }
}

function contextOf(run: Run, name: StageName) {
  return stageContext(name, { ...run, host: run.plan.host, imageStage: imageStage(run) });
}

function imageStage({ segments }: Run): StageName | undefined {
  return segments[imageSegment(segments)]?.leaves?.stage;
}

function tell({ emit }: Run, stage: StageName, message: string): void {
  emit({ type: 'progress', stage, message });
}

function stepOf({ plan }: Run, name: StageName): StagePlan {
  const step = plan.stages.find(({ stage }) => stage === name);
  if (!step) throw new Error(`the plan has no stage ${name}`);
  return step;
}

function stageOf({ stages }: Run, name: StageName): Stage {
  const stage = stages.find((each) => each.name === name);
  if (!stage) throw new Error(`there is no stage ${name}`);
  return stage;
}
