import { exitCode } from '../errors.ts';
import type { Plan, World } from '../model.ts';
import type { BuildRequest } from '../pipeline/request.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Paths } from '../store/paths.ts';
import { buildEntry, type Building } from './build-entry.ts';
import { compare, type Reason } from './compare.ts';
import type { Factory } from './form.ts';
import type { gate } from './gate.ts';
import { type Job, startsFromChannel } from './jobs.ts';
import { look, type Sight } from './look.ts';
import { isDue } from './schedule.ts';
import { checkSigned, isInChannel, isPromotionDue, promotedText, promotePublished } from './promote.ts';
import { type Failed, inputsOf, isWaiting, retryOf, waited } from './retry.ts';
import { type EntryState, readState } from './state.ts';
import { type EntrySummary, failureOf, isPromotionAlone, promotion } from './summary.ts';

/** What an entry has of its night. `folder` is the factory's state; `asked` says that a person named the entry. */
export type Night = Omit<Building, 'emit'> & {
  id: string;
  factory: Factory;
  folder: string;
  paths: Paths;
  world: World;
  startedAt: number;
  dryRun: boolean;
  asked: boolean;
  plan: (request: BuildRequest) => Promise<Plan<Recipe>>;
  looking: ReturnType<typeof gate>;
  building: ReturnType<typeof gate>;
  /** Keeps what is known of an entry. What cannot be kept is a matter of the night, and has no part in what came of the entry. */
  keep: (state: EntryState) => Promise<void>;
};

/** What is decided of an entry before anything is launched. */
type Decision = { summary: EntrySummary } | { state: EntryState; sight: Sight; reasons: Reason[]; plan: Plan };

/**
 * One entry of a night: whether it is due, whether anything has changed, and its build. Never throws.
 *
 * @param base what came of the entry that its image starts from.
 */
export async function nightOf(
  job: Job,
  base: EntrySummary | undefined,
  night: Night,
  emit: Building['emit'],
): Promise<EntrySummary> {
  const summary = summaryOf(job, base);
  try {
    const before = await readState(night.folder, job.name);
    if (before?.ended?.night === night.id) return await goOn(job, before, before.ended.summary, night);
    const decision = await night.looking(() => decide(job, base, night, { summary, before }));
    if ('summary' in decision) return decision.summary;
    const { reasons, sight, state } = decision;
    const notes = [...summary.notes, ...sight.notes];
    if (night.dryRun) return { ...summary, outcome: 'planned', reasons, notes };
    if (isPromotionAlone(reasons)) {
      const did = await promoteBuilt(job, state, night);
      const { promoted = [], outcome } = did;
      // People were quicker, and that stays.
      if (outcome === undefined && !isInChannel(promoted)) {
        return { ...summary, notes: [...notes, ...promoted.map(promotedText)] };
      }
      return { ...summary, outcome: 'promoted', reasons, notes, ...did };
    }
    return await night.building(async () => {
      if (night.signal.aborted) return { ...summary, outcome: 'interrupted', reasons, notes };
      const built = await buildEntry(job, decision, { ...night, emit });
      const end = { ...summary, reasons, ...built.summary, notes: [...(built.summary.notes ?? []), ...notes] };
      if (built.state === undefined) return end;
      const after = { ...built.state, ended: { night: night.id, summary: end } };
      await night.keep(after);
      return end.outcome === 'built' ? { ...end, ...(await promoteBuilt(job, after, night)) } : end;
    });
  } catch (error) {
    if (night.signal.aborted || exitCode(error) === 130) return { ...summary, outcome: 'interrupted' };
    const failure = failureOf(error);
    if (!isMissing(base)) return { ...summary, outcome: 'failed', failure };
    const message = `${base.name}, which it starts from, was not ${whatOf(base)}: ${failure.message}`;
    return { ...summary, notes: [], outcome: 'failed', failure: { ...failure, message } };
  }
}

/** What was begun before this night was begun again. */
async function goOn(job: Job, state: EntryState, summary: EntrySummary, night: Night): Promise<EntrySummary> {
  if (summary.outcome !== 'built' || !isPromotionDue(job, state)) return summary;
  return { ...summary, ...(await promoteBuilt(job, state, night)) };
}

/** Promotes what the last good build has published. What does not succeed is tried again in the next night, without another build. */
async function promoteBuilt(job: Job, state: EntryState, night: Night): Promise<Partial<EntrySummary>> {
  const { build, published, statements } = state;
  if (!job.channel || build === undefined || published === undefined) return {};
  const before = state.promoted?.channel === job.channel.name ? (state.promoted.images ?? []) : [];
  const { promoted, error } = await promotePublished(job, { build, published, statements, before }, night);
  if (error === undefined) {
    await night.keep({ ...state, promoted: { build, channel: job.channel.name, images: published } });
    return { promoted };
  }
  if (night.signal.aborted) return { promoted, outcome: 'interrupted' };
  return { promoted, outcome: 'failed', failure: { ...failureOf(error), stage: promotion } };
}

function summaryOf({ name, entry }: Job, base: EntrySummary | undefined): EntrySummary {
  const notes = isMissing(base)
    ? [`${base.name}, which it starts from, was not ${whatOf(base)}: it goes by the image that is there`]
    : [];
  return { name, recipe: entry.recipe, outcome: 'unchanged', reasons: [], notes };
}

/** Whether an entry has a base that this night has not made. */
function isMissing(base: EntrySummary | undefined): base is EntrySummary {
  return base !== undefined && ['failed', 'not tried', 'postponed', 'interrupted'].includes(base.outcome);
}

/** What did not come about of an entry. */
function whatOf({ failure }: EntrySummary): string {
  return failure?.stage === promotion ? 'promoted' : 'built';
}

async function decide(
  job: Job,
  base: EntrySummary | undefined,
  night: Night,
  { summary, before }: { summary: EntrySummary; before: EntryState | undefined },
): Promise<Decision> {
  const { entry, request, name } = job;
  night.signal.throwIfAborted();
  if (job.error !== undefined || !job.recipe) throw job.error ?? new Error(`no recipe of ${name}`);
  const at = night.startedAt;
  const isOwn = entry.schedule !== undefined && before !== undefined && before.failed === undefined && !night.asked;
  const isBaseNew = base?.outcome === 'built' || base?.outcome === 'promoted';
  if (isOwn && entry.schedule && !isBaseNew && !isDue(entry.schedule, Date.parse(before.lookedAt), at)) {
    return { summary: { ...summary, outcome: 'not due' } };
  }
  const isPromoted = base?.outcome === 'planned' && isPromotionAlone(base.reasons);
  if (base?.outcome === 'planned' && (!isPromoted || startsFromChannel(job))) {
    const text = `${base.name}, which it starts from, is ${isPromoted ? 'promoted' : 'built'} first`;
    const reason: Reason = { kind: 'base', text };
    return { summary: { ...summary, outcome: 'planned', reasons: [reason] } };
  }
  const plan = await night.plan(request);
  const sight = await look({ entry, recipe: job.recipe, plan }, before, night);
  const age = entry.rebuildAfter ?? night.factory.rebuildAfter;
  const found = compare(before, sight.now, { age, at });
  const lookedAt = new Date(at).toISOString();
  const state: EntryState = { ...before, version: 1, name, recipe: entry.recipe, lookedAt };
  const reasons = found.length > 0 ? found : unseen(job, state, night);
  const failed = before?.failed;
  if (!night.asked && isWaiting(failed, inputsOf(sight.now, before?.seen?.tried))) {
    return { summary: await notTried(failed, { state, summary, notes: sight.notes }, night) };
  }
  if (reasons.length > 0) {
    await checkSigned(job, night);
    return { state, sight, reasons, plan };
  }
  if (!night.dryRun) await night.keep(unchanged(state, sight));
  return { summary: { ...summary, notes: [...summary.notes, ...sight.notes] } };
}

/** Leaves what would fail again alone for this night, and says so: silence would pass for health. */
async function notTried(
  failed: Failed,
  { state, summary, notes }: { state: EntryState; summary: EntrySummary; notes: readonly string[] },
  { id: night, keep, dryRun }: Night,
): Promise<EntrySummary> {
  const after = waited(failed);
  const { failure, build, host } = failed;
  const end: EntrySummary = {
    ...{ ...summary, outcome: 'not tried', failure, retry: retryOf(after), notes: [...summary.notes, ...notes] },
    ...(build !== undefined && { build }),
    ...(host !== undefined && { host }),
  };
  if (!dryRun) await keep({ ...state, failed: after, ended: { night, summary: end } });
  return end;
}

/** What there is to do of an image that would come out the same. */
function unseen(job: Job, state: EntryState, { asked }: Night): Reason[] {
  if (asked) return [{ kind: 'asked', text: 'it was asked for' }];
  return isPromotionDue(job, state)
    ? [{ kind: 'channel', text: `${state.build} is not in ${job.channel?.name} yet` }]
    : [];
}

/** What has been read once need not be read again: that the repositories have changed is known, and that it was nothing installed. */
function unchanged(state: EntryState, { now }: Sight): EntryState {
  if (!state.seen) return state;
  const repositories = { ...state.seen.repositories, ...now.repositories };
  return { ...state, seen: { ...state.seen, repositories, media: { ...now.media, ...state.seen.media } } };
}
