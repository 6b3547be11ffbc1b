import { VmkilnError } from '../errors.ts';
import type { Forecast, Plan, StageName, StagePlan } from '../model.ts';
import type { Stage } from '../stages/stage.ts';
import { isOutdated, type Layer } from '../store/checkpoints.ts';
import { changedParts } from './parts.ts';
import { imageSegment, lastStages, type Segment, segmentsOf } from './segments.ts';

/** A stage with its commands and fingerprint, before it is decided whether it runs. `omitted` says why it has nothing to do. */
export type Draft = Pick<StagePlan, 'stage' | 'fingerprint' | 'parts' | 'maxAge'> & { omitted: string | undefined };

/** What decides whether stages run, besides what they are. */
export type Circumstances = {
  /** The layers that are there now, by their fingerprints. */
  existing: ReadonlyMap<string, Pick<Layer, 'dated'>>;
  /** Milliseconds since 1970. */
  now: number;
  /** The plan of the last build of this name: it gives the reasons their words. */
  previous: Plan | undefined;
  /** Whether layers may be reused at all. */
  cache: boolean;
  /** The first stage that must not be reused, and the last one to run. */
  from: StageName | undefined;
  until: StageName | undefined;
};

type Outlook = { forecast: Forecast; because: string; fresh: boolean };

/** What every decision about a stage looks at. */
type Scene = Circumstances & {
  stages: readonly Stage[];
  segments: readonly Segment[];
  drafts: readonly Draft[];
  /** Index of the first stage that must run, and of the last that may. */
  first: number;
  last: number;
  /** Index of the stage whose layer is reused; -1 for none. */
  deepest: number;
};

/**
 * The deepest layer that holds is reused, what leads up to it is skipped, everything after it is run. Pure.
 *
 * @throws VmkilnError USAGE when `until` names a stage after which there is nothing to keep.
 */
export function forecast(stages: readonly Stage[], drafts: readonly Draft[], input: Circumstances): Outlook[] {
  const order = stages.map(({ name }) => name);
  checkEnd(stages, input.until);
  const from = input.from === undefined ? order.length : order.indexOf(input.from);
  const base = {
    ...input,
    stages,
    drafts,
    segments: segmentsOf(stages),
    first: input.cache ? from : 0,
    last: input.until === undefined ? order.length - 1 : order.indexOf(input.until),
  };
  const scene = { ...base, deepest: deepestLayer(base, order) };
  let changed = false;
  return drafts.map((draft, index) => {
    const fresh = index >= scene.first;
    const [verdict, because, changes] = decide(draft, index, scene, changed);
    changed ||= changes === 'changes what follows';
    return { forecast: verdict, because, fresh };
  });
}

function checkEnd(stages: readonly Stage[], until: StageName | undefined): void {
  const ends = lastStages(stages);
  if (until === undefined || ends.includes(until)) return;
  throw new VmkilnError('USAGE', `--until ${until}: that stage leaves nothing that could be kept`, {
    hint: `end at ${ends.slice(0, -1).join(', ')} or ${ends.at(-1)}`,
  });
}

/** Of the image and what it is made from, the last that the store has. A document about the image is looked for on its own. */
function deepestLayer({ segments, drafts, ...scene }: Omit<Scene, 'deepest'>, order: readonly StageName[]): number {
  const chain = segments.slice(0, imageSegment(segments) + 1);
  const found = chain.findLast(({ leaves }) => {
    if (leaves === undefined) return false;
    const at = order.indexOf(leaves.stage);
    return at < scene.first && at <= scene.last && holds(drafts[at], scene);
  });
  return found?.leaves === undefined ? -1 : order.indexOf(found.leaves.stage);
}

function holds(draft: Draft | undefined, { existing, now }: Pick<Circumstances, 'existing' | 'now'>): boolean {
  const found = existing.get(draft?.fingerprint ?? '');
  return found !== undefined && !isOutdated(found, draft?.maxAge, now);
}

type Decision = [forecast: Forecast, because: string, changes?: 'changes what follows'];

function decide(draft: Draft, index: number, scene: Scene, changed: boolean): Decision {
  const { drafts, deepest } = scene;
  const segment = scene.segments.find(({ stages }) => stages.includes(draft.stage));
  if (draft.omitted !== undefined) return ['skip', draft.omitted];
  if (index > scene.last) return ['skip', `after ${scene.until}, where this build ends`];
  if (index < deepest) return ['skip', `the ${drafts[deepest]?.stage} checkpoint already holds its result`];
  if (index === deepest) return ['reuse', 'nothing it depends on has changed'];
  if (segment?.leaves === undefined) return ['run', changed ? 'an earlier stage runs' : everyTime(draft, scene)];
  if (segment.leaves.as === 'document' && !changed && index < scene.first) {
    const document = drafts.find(({ stage }) => stage === segment.leaves?.stage);
    if (holds(document, scene)) {
      return draft === document
        ? ['reuse', 'nothing it depends on has changed']
        : ['skip', `the ${document?.stage} checkpoint already holds its result`];
    }
  }
  const start = changed || index >= scene.first ? undefined : startsLayer(draft, segment.leaves.stage, scene);
  if (start !== undefined) return ['run', start];
  const unknown = draft.fingerprint === undefined && drafts[index - 1]?.fingerprint !== undefined;
  const reason = changed && !unknown ? 'an earlier stage runs' : reasonToRun(draft, index, scene);
  return ['run', reason, 'changes what follows'];
}

function everyTime({ stage }: Draft, { stages }: Scene): string {
  return stages.find(({ name }) => name === stage)?.publishes?.because ?? 'it leaves nothing to reuse';
}

/** Why a stage runs that is as it was: a later one of its segment is not, and starts from what it leaves. */
function startsLayer({ stage, fingerprint }: Draft, leaf: StageName, scene: Scene): string | undefined {
  const before = (name: StageName) => scene.previous?.stages.find((each) => each.stage === name)?.fingerprint;
  if (leaf === stage || fingerprint === undefined || before(stage) !== fingerprint) return undefined;
  const at = scene.drafts.findIndex((draft) => draft.stage === leaf);
  const isSame = scene.drafts[at]?.fingerprint === before(leaf);
  return at >= scene.first || !isSame ? `the ${leaf} layer starts with it` : undefined;
}

function reasonToRun(draft: Draft, index: number, { drafts, previous, ...scene }: Scene): string {
  if (index >= scene.first) return `${scene.cache ? `--from ${scene.from}` : '--no-cache'} asks for it`;
  if (draft.fingerprint === undefined) return 'the media are not downloaded yet';
  const found = scene.existing.get(draft.fingerprint);
  if (found && isOutdated(found, draft.maxAge, scene.now)) return `its updates are those of ${day(found.dated ?? '')}`;
  const before = previous?.stages.find(({ stage }) => stage === draft.stage);
  if (!before) return 'it has not been built before';
  if (before.fingerprint === draft.fingerprint) return 'its result is not in the checkpoint store';
  const earlier = drafts[index - 1];
  const was = previous?.stages.find(({ stage }) => stage === earlier?.stage);
  // Some of its work has moved here then.
  if (earlier?.omitted && !was?.omitted) return `${earlier.stage} is not needed any more`;
  const keys = changedParts(before.parts, draft.parts);
  if (keys.length > 0) return `${keys.map((key) => `\`${key}\``).join(', ')} changed`;
  return earlier?.fingerprint === was?.fingerprint
    ? 'this version of vmkiln does something else in it'
    : 'an earlier stage changed';
}

/** "2026-11-22 16:40", in UTC, of a time in ISO 8601. */
export function day(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}
