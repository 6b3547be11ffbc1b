import type { Recipe } from '../recipe/recipe.ts';
import { redactUrl } from '../media/http.ts';
import type { Plan, StagePlan, Weight } from '../model.ts';
import { mapMedia } from '../recipe/media.ts';
import type { Stage, StageInput, StageWork } from '../stages/stage.ts';
import { type Contents, fingerprint, first } from './fingerprint.ts';
import { type Circumstances, day, type Draft, forecast } from './forecast.ts';
import { stageParts } from './parts.ts';
import { type FreeDisk, type Predictions, roomNotes } from './predict.ts';
import { stages as pipeline } from './stages.ts';

/** All that decides what a build does. */
export type PlanInput = StageInput &
  Circumstances & {
    /** The version of vmkiln. */
    vmkiln: string;
    recipeFile: Plan['recipeFile'];
    notes: readonly string[];
    macs: Contents['macs'];
    predictions: Predictions;
    room: FreeDisk;
  };

/** Bytes a stage without a prediction is taken to write at most: a quarter of the disk, up to this. */
const mostBytes = 4 * 1024 ** 3;

/**
 * Decides everything a build will do. Pure: the same input gives the same plan.
 *
 * @param stages those of the pipeline, except in tests of the pipeline itself.
 * @throws VmkilnError USAGE when `until` names a stage after which there is nothing to keep.
 */
export function makePlan(input: PlanInput, stages: readonly Stage[] = pipeline): Plan<Recipe> {
  const recipe = withoutCredentials(input);
  const drafts = draftStages(input, recipe, stages);
  const outlooks = forecast(stages, drafts, input);
  const planned = drafts.map(({ omitted, work, ...draft }, index): StagePlan => {
    const predicted = omitted === undefined ? input.predictions[draft.stage] : undefined;
    return {
      ...draft,
      ...(omitted === undefined ? {} : { omitted: true as const }),
      ...(outlooks[index] ?? never()),
      ...(predicted && { predicted }),
      weight: weightOf(work, predicted?.bytes, recipe),
      commands: work.commands,
      ...(work.base !== undefined && { base: work.base }),
      ...(work.settings !== undefined && { settings: work.settings }),
    };
  });
  const { vmkiln, name, rehearsal, recipeFile, host, media, rendered, macs } = input;
  return {
    version: 2,
    ...{ vmkiln, name, rehearsal, recipeFile, recipe, host, media, rendered, macs },
    notes: [...input.notes, ...oldUpdates(planned, input), ...roomNotes(planned, input.room)],
    stages: planned,
  };
}

/** A URL's credentials are for the download alone: the media name their source without them. */
function withoutCredentials({ recipe, family, media }: PlanInput): Recipe {
  const checksum = (text: string) => (/^https?:/i.test(text) && URL.canParse(text) ? redactUrl(new URL(text)) : text);
  const place = (text: string, role: string) => media[role]?.source ?? text;
  return { ...recipe, source: mapMedia(recipe.source, family.media, place, checksum) };
}

/** What is new in a repository is in no fingerprint: a person should know that a reused layer does not have it. */
function oldUpdates(planned: readonly StagePlan[], { existing }: PlanInput): string[] {
  const reused = planned.find((stage) => stage.forecast === 'reuse');
  const dated = existing.get(reused?.fingerprint ?? '')?.dated;
  if (dated === undefined) return [];
  // The stage that installs updates is the first that knows of their age.
  const from = planned.find(({ maxAge }) => maxAge !== undefined)?.stage;
  return [`updates are those of ${day(dated)}; --from ${from} installs newer ones`];
}

function draftStages(
  input: PlanInput,
  recipe: Recipe,
  stages: readonly Stage[],
): (Draft & { work: StageWork<unknown> })[] {
  const { rendered, macs, media } = input;
  let previous: string | undefined = first;
  let oldest: number | undefined;
  return stages.map((stage) => {
    const work = stage.plan(input);
    const { maxAge = oldest } = work;
    oldest = maxAge;
    previous = fingerprint(previous, stage.name, work, { rendered, macs });
    return {
      stage: stage.name,
      fingerprint: previous,
      parts: stageParts(work.commands, work.keys, { recipe, media, rendered, macs }),
      omitted: work.omitted,
      ...(maxAge === undefined ? {} : { maxAge }),
      work,
    };
  });
}

function weightOf({ takes }: StageWork<unknown>, predicted: number | undefined, { disk }: Recipe): Weight {
  if (takes === undefined) return { memory: 0, cores: 0, disk: 0 };
  return { ...takes, disk: predicted ?? Math.min((disk.size ?? Infinity) / 4, mostBytes) };
}

function never(): never {
  throw new Error('a stage without a forecast');
}
