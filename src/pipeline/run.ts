import { interrupted, VmkilnError } from '../errors.ts';
import type { HookContext } from '../hooks.ts';
import type { Plan, Published, StageName, StagePlan } from '../model.ts';
import type { HookName } from '../recipe/hooks.ts';
import type { Recipe } from '../families/recipe.ts';
import type { StageInput } from '../stages/stage.ts';
import { type Layer, obtain } from '../store/checkpoints.ts';
import { fileSizes, grownBytes } from '../store/files.ts';
import { type ContextOptions, stageContext } from './context.ts';
import { type Pool, withWeight } from './pool.ts';
import { segments, stages } from './stages.ts';
import { checkUnchanged } from './unchanged.ts';
import { weightOf } from './weights.ts';

/** Runs the recipe's hook of that name, if it has one. */
export type RunHook = (name: HookName, more: Pick<HookContext, 'image' | 'published' | 'failure'>) => Promise<void>;

/** What running a plan needs besides the plan. */
export type RunOptions = Omit<ContextOptions, 'layers'> & {
  plan: Plan<Recipe>;
  input: StageInput;
  checkpoints: string;
  /** Where the hashes of media are kept. */
  mediaDir: string;
  pool: Pool;
  hook: RunHook;
  /** Records that a layer is in use before it is used. */
  pin: (fingerprint: string) => Promise<void>;
};

/**
 * Executes a plan: makes the layers that are missing, each under its lock, and publishes the image.
 * The plan forecast what is reusable; here the store decides, for another build may have been quicker or have cleaned.
 *
 * @throws VmkilnError of the stage that failed, with its `stage` set.
 */
export async function runPlan(options: RunOptions): Promise<Published[]> {
  const { plan, emit, signal } = options;
  const planned = new Map(plan.stages.map((stage) => [stage.stage, stage]));
  const layers = new Map<StageName, Layer>();
  const announced = new Set<StageName>();
  let count = 0;
  const counter = () => (count += 1);

  /** Makes sure of the layer that a segment leaves, and so of those below it only if it has to be made. */
  async function layerOf(index: number): Promise<Layer | undefined> {
    const segment = segments[index];
    if (!segment?.leaves) return undefined;
    const stage = mustFind(planned, segment.leaves);
    if (segment.stages.every((name) => mustFind(planned, name).omitted)) return layerOf(index - 1);
    const print = stage.fingerprint;
    if (print === undefined) throw new Error(`${segment.leaves} has no fingerprint: the media are unknown`);
    await options.pin(print);
    const { layer, reused } = await obtain(
      options.checkpoints,
      print,
      {
        fresh: stage.fresh,
        maxAge: stage.maxAge,
        signal,
        waiting: () =>
          emit({
            type: 'progress',
            stage: stage.stage,
            message: 'waiting for another build that makes the same layer',
          }),
      },
      async () => {
        const below = await layerOf(index - 1);
        const started = new Date().toISOString();
        for (const name of segment.stages) if (!mustFind(planned, name).omitted) await runStage(name);
        const commands = segment.stages.flatMap((name) => mustFind(planned, name).commands);
        await checkUnchanged(commands, plan, options);
        const file = stages.find(({ name }) => name === segment.leaves)?.leaves ?? '';
        const flat = segment.leaves === 'sparsify';
        const context = stageContext(stage.stage, { ...options, layers }, counter);
        return {
          file: context.work(file),
          stage: stage.stage,
          build: options.build,
          flat,
          dated: below?.dated ?? (stage.maxAge === undefined ? undefined : started),
          ...(below && !flat && { backing: below }),
          ...(index === 0 && plan.media['image'] && { base: plan.media['image'].path }),
        };
      },
    );
    layers.set(segment.leaves, layer);
    if (reused) announceReuse(index, stage);
    return layer;
  }

  /** A reused layer, and the stages that led to it and to the layers below. */
  function announceReuse(index: number, stage: StagePlan): void {
    for (const name of segments.slice(0, index + 1).flatMap((segment) => segment.stages)) {
      if (announced.has(name) || mustFind(planned, name).omitted) continue;
      announced.add(name);
      if (name === stage.stage) emit({ type: 'stage-reused', stage: name, because: becauseReused(stage) });
      else emit({ type: 'stage-skipped', stage: name, because: `the ${stage.stage} layer already holds its result` });
    }
  }

  /** Runs a stage once the host has room for it. */
  function runStage(name: StageName): Promise<Published[]> {
    const weight = weightOf(mustFind(planned, name), plan);
    const waiting = (message: string) => emit({ type: 'progress', stage: name, message });
    return withWeight(options.pool, weight, { what: name, signal, waiting }, () => runAdmitted(name));
  }

  async function runAdmitted(name: StageName): Promise<Published[]> {
    const stage = stages.find((candidate) => candidate.name === name);
    const { commands, because, predicted } = mustFind(planned, name);
    if (!stage) return [];
    if (signal.aborted) throw interrupted(`${name} was about to run`, signal);
    announced.add(name);
    const started = performance.now();
    emit({ type: 'stage-started', stage: name, because, ...(predicted && { predicted }) });
    const before = await fileSizes(options.work);
    const context = stageContext(name, { ...options, layers }, counter);
    const facts = { ...options.input, name: plan.name, rehearsal: plan.rehearsal };
    let published: Published[] = [];
    try {
      if (stage.run) published = (await stage.run(commands, facts, context)) ?? [];
      else for (const command of commands) await context.run(command);
      if (name === 'install') {
        const image = { path: context.work(stage.leaves ?? ''), format: 'qcow2' as const };
        await options.hook('afterInstall', { image, published: [] });
      }
    } catch (error) {
      const failure = signal.aborted ? interrupted(`${name} ran`, signal) : error;
      if (failure instanceof VmkilnError) failure.stage ??= name;
      throw failure;
    }
    const seconds = (performance.now() - started) / 1000;
    const bytes = grownBytes(before, await fileSizes(options.work));
    emit({ type: 'stage-finished', stage: name, seconds, bytes });
    return published;
  }

  const wanted = plan.stages.filter(({ forecast }) => forecast !== 'skip').map(({ stage }) => stage);
  const last = segments.findLastIndex(
    ({ leaves, stages: its }) => leaves !== undefined && its.some((name) => wanted.includes(name)),
  );
  const layer = last >= 0 ? await layerOf(last) : undefined;
  const image = layer?.stage === 'sparsify' ? imageOf(layer, plan.recipe) : undefined;
  if (image) await options.hook('afterBuild', { image, published: [] });
  let published: Published[] = [];
  if (image && wanted.includes('upload')) {
    published = await runStage('upload');
    await options.hook('afterUpload', { image, published });
  }
  for (const { stage, forecast, because } of plan.stages) {
    if (forecast === 'skip' && !announced.has(stage)) emit({ type: 'stage-skipped', stage, because });
  }
  return published;
}

function becauseReused(stage: StagePlan): string {
  return stage.forecast === 'reuse' ? stage.because : 'another build made it meanwhile';
}

function mustFind(planned: ReadonlyMap<StageName, StagePlan>, name: StageName): StagePlan {
  const stage = planned.get(name);
  if (!stage) throw new Error(`the plan has no stage ${name}`);
  return stage;
}

function imageOf({ path, sha256, size }: Layer, { output }: Recipe): NonNullable<HookContext['image']> {
  return { path, format: output.format, sha256, size };
}
