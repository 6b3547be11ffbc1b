import { VmkilnError } from '../errors.ts';
import { redactUrl } from '../media/http.ts';
import { type Forecast, type Plan, stageNames, type StageName, type StagePlan } from '../model.ts';
import { mapMedia } from '../recipe/media.ts';
import type { Recipe } from '../families/recipe.ts';
import type { StageInput } from '../stages/stage.ts';
import { isOutdated, type Layer } from '../store/checkpoints.ts';
import { type Contents, fingerprint } from './fingerprint.ts';
import { changedParts, stageParts } from './parts.ts';
import { type FreeDisk, type Predictions, roomNotes } from './predict.ts';
import { segments, stages } from './stages.ts';

/** All that decides what a build does. */
export type PlanInput = StageInput & {
  name: string;
  rehearsal: boolean;
  notes: readonly string[];
  macs: Contents['macs'];
  /** The layers that are there now, by their fingerprints. */
  existing: ReadonlyMap<string, Pick<Layer, 'dated'>>;
  /** Milliseconds since 1970. */
  now: number;
  /** The plan of the last build of this name: it gives the reasons their words. */
  previous: Plan | undefined;
  predictions: Predictions;
  room: FreeDisk;
  /** The first stage that must not be reused, and the last one to run. */
  from: StageName | undefined;
  until: StageName | undefined;
};

/** A URL's credentials are for the download alone: the media name their source without them. */
function withoutCredentials({ recipe, media }: PlanInput): Recipe {
  const checksum = (text: string) => (/^https?:/i.test(text) && URL.canParse(text) ? redactUrl(new URL(text)) : text);
  return {
    ...recipe,
    source: mapMedia(recipe.source, (text, role) => media[role]?.source ?? text, checksum),
  } as Recipe;
}

type Draft = Omit<StagePlan, 'forecast' | 'because' | 'fresh' | 'omitted' | 'predicted'> & {
  omitted: string | undefined;
};

/**
 * Decides everything a build will do. Pure: the same input gives the same plan.
 *
 * @throws VmkilnError USAGE when `until` names a stage after which there is nothing to keep.
 */
export function makePlan(input: PlanInput): Plan<Recipe> {
  const ends = ['upload', ...segments.map(({ leaves }) => leaves)];
  if (input.until !== undefined && !ends.includes(input.until)) {
    throw new VmkilnError('USAGE', `--until ${input.until}: that stage leaves nothing that could be kept`, {
      hint: 'end at install, customize, sparsify or upload',
    });
  }
  const drafts = draftStages(input);
  const forecasts = forecast(drafts, input);
  const planned = drafts.map(({ omitted, ...draft }, index) => {
    const predicted = omitted === undefined ? input.predictions[draft.stage] : undefined;
    return {
      ...draft,
      ...(omitted === undefined ? {} : { omitted: true as const }),
      ...(forecasts[index] ?? never()),
      ...(predicted && { predicted }),
    };
  });
  return {
    version: 1,
    name: input.name,
    rehearsal: input.rehearsal,
    recipe: withoutCredentials(input),
    host: input.host,
    media: input.media,
    rendered: input.rendered,
    notes: [...input.notes, ...oldUpdates(planned, input), ...roomNotes(planned, input.room)],
    stages: planned,
  };
}

/** What is new in a repository is in no fingerprint: a person should know that a reused layer does not have it. */
function oldUpdates(planned: readonly StagePlan[], { existing }: PlanInput): string[] {
  const reused = planned.find((stage) => stage.forecast === 'reuse');
  const dated = existing.get(reused?.fingerprint ?? '')?.dated;
  if (dated === undefined) return [];
  return [`updates are those of ${day(dated)}; --from customize installs newer ones`];
}

/** "2026-11-22 16:40", in UTC. */
function day(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}

function draftStages(input: PlanInput): Draft[] {
  const { rendered, macs, media } = input;
  const recipe = withoutCredentials(input);
  let previous: string | undefined;
  let oldest: number | undefined;
  return stages.map((stage) => {
    const { commands, keys, omitted, maxAge = oldest } = stage.plan(input);
    oldest = maxAge;
    previous = fingerprint(previous, stage.name, commands, { rendered, macs });
    return {
      stage: stage.name,
      fingerprint: previous,
      parts: stageParts(commands, keys, { recipe, media, rendered, macs }),
      commands,
      omitted,
      ...(maxAge === undefined ? {} : { maxAge }),
    };
  });
}

type Outlook = { forecast: Forecast; because: string; fresh: boolean };

/** The deepest layer that holds is reused, what leads up to it is skipped, everything after it is run. */
function forecast(drafts: readonly Draft[], input: PlanInput): Outlook[] {
  const order = drafts.map(({ stage }) => stage);
  const first = input.from === undefined ? order.length : order.indexOf(input.from);
  const last = input.until === undefined ? order.length - 1 : order.indexOf(input.until);
  const reusable = segments.findLast(({ leaves }) => {
    if (leaves === undefined) return false;
    const at = order.indexOf(leaves);
    const print = drafts[at]?.fingerprint;
    const found = input.existing.get(print ?? '');
    return at < first && at <= last && found && !isOutdated(found, drafts[at]?.maxAge, input.now);
  })?.leaves;
  const deepest = reusable === undefined ? -1 : order.indexOf(reusable);
  let changed = false;
  return drafts.map((draft, index) => {
    const fresh = index >= first;
    if (draft.omitted !== undefined) return { forecast: 'skip', because: draft.omitted, fresh };
    if (index > last) return { forecast: 'skip', because: `after ${input.until}, where this build ends`, fresh };
    if (index < deepest) return { forecast: 'skip', because: `the ${reusable} layer already holds its result`, fresh };
    if (index === deepest) return { forecast: 'reuse', because: 'nothing it depends on has changed', fresh };
    const leads = changed || fresh ? undefined : leadsTo(draft, drafts, input);
    if (leads !== undefined) return { forecast: 'run', because: leads, fresh };
    const unknown = draft.fingerprint === undefined && drafts[index - 1]?.fingerprint !== undefined;
    const reason = changed && !unknown ? undefined : reasonToRun(draft, drafts, input, fresh);
    changed ||= draft.stage !== 'upload';
    return { forecast: 'run', because: reason ?? 'an earlier stage runs', fresh };
  });
}

/** Why a stage runs that is as it was: a later one of its segment is not, and starts from what it leaves. */
function leadsTo({ stage, fingerprint: print }: Draft, drafts: readonly Draft[], input: PlanInput): string | undefined {
  const leaf = segments.find(({ stages: members }) => members.includes(stage))?.leaves;
  const before = (name: StageName) => input.previous?.stages.find((each) => each.stage === name)?.fingerprint;
  if (leaf === undefined || leaf === stage || print === undefined || before(stage) !== print) return undefined;
  const asked = input.from !== undefined && stageNames.indexOf(leaf) >= stageNames.indexOf(input.from);
  const isSame = drafts.find((draft) => draft.stage === leaf)?.fingerprint === before(leaf);
  return asked || !isSame ? `the ${leaf} layer starts with it` : undefined;
}

function reasonToRun(draft: Draft, drafts: readonly Draft[], input: PlanInput, asked: boolean): string {
  if (draft.stage === 'upload') return 'targets are asked every time; an image that is already there is left alone';
  if (asked) return `--from ${input.from} or --no-cache asks for it`;
  if (draft.fingerprint === undefined) return 'the media are not downloaded yet';
  const found = input.existing.get(draft.fingerprint);
  if (found && isOutdated(found, draft.maxAge, input.now)) return `its updates are those of ${day(found.dated ?? '')}`;
  const before = input.previous?.stages.find(({ stage }) => stage === draft.stage);
  if (!before) return 'it has not been built before';
  if (before.fingerprint === draft.fingerprint) return 'its result is not in the checkpoint store';
  const keys = changedParts(before.parts, draft.parts);
  if (keys.length > 0) return `${keys.map((key) => `\`${key}\``).join(', ')} changed`;
  const earlier = drafts[drafts.indexOf(draft) - 1];
  const was = input.previous?.stages.find(({ stage }) => stage === earlier?.stage);
  if (earlier?.fingerprint === was?.fingerprint) return 'this version of vmkiln does something else in it';
  return earlier?.omitted && !was?.omitted ? `${earlier.stage} is not needed any more` : 'an earlier stage changed';
}

function never(): never {
  throw new Error('a stage without a forecast');
}
