import type { Plan, StageName } from '../../src/model.ts';
import { segmentsOf } from '../../src/pipeline/segments.ts';
import { stages as pipeline } from '../../src/pipeline/stages.ts';
import type { World } from './recipe-world.ts';

const segments = segmentsOf(pipeline);

/** A store that has every layer of a plan. */
export function storeOf(...plans: Plan[]): Map<string, object> {
  const leaves = plans.flatMap(({ stages }) =>
    stages.filter(({ stage }) => segments.some((s) => s.leaves?.stage === stage)),
  );
  return new Map(leaves.map(({ fingerprint }) => [fingerprint ?? '', {}]));
}

const names: readonly StageName[] = segments.flatMap(({ stages }) => stages);

/** The stages whose fingerprint is another one than in `base`. */
export function invalidated(base: Plan, plan: Plan): StageName[] {
  const before = new Map(base.stages.map(({ stage, fingerprint }) => [stage, fingerprint]));
  return plan.stages.filter(({ stage, fingerprint }) => before.get(stage) !== fingerprint).map(({ stage }) => stage);
}

/** The stages that a build of the plan runs. */
export const running = (plan: Plan) =>
  plan.stages.filter(({ forecast }) => forecast === 'run').map(({ stage }) => stage);
/** Why a stage runs, or does not. */
export const because = (plan: Plan, name: StageName) => plan.stages.find(({ stage }) => stage === name)?.because;
/** A stage and all after it. */
export const from = (stage: StageName) => names.slice(names.indexOf(stage));
/** The first stage of the segment that a stage belongs to: what runs starts there. */
export const startOf = (stage: StageName) => segments.find(({ stages }) => stages.includes(stage))?.stages[0] ?? stage;

export type Change = (world: World) => void;
/** Replaces a text of the recipe. */
export const recipe =
  (before: string, after: string): Change =>
  ({ edit }) =>
    edit('recipe.yaml', before, after);
/** Replaces a text of a file. */
export const file =
  (name: string, before: string, after: string): Change =>
  ({ edit }) =>
    edit(name, before, after);
/** What another version of vmkiln would render. */
export const shipped =
  (name: string): Change =>
  (changed) => {
    changed.rendered = (files) =>
      files.map((each) => (each.name === name ? { ...each, text: `${each.text}#\n` } : each));
  };
