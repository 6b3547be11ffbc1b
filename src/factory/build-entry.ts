import type { Event, Plan } from '../model.ts';
import type { BuildResult } from '../pipeline/build.ts';
import type { Reason } from './compare.ts';
import type { Job } from './jobs.ts';
import { type LookWorld, seenBy, type Sight } from './look.ts';
import { type Make, type MadeBuild, Postponed, updatingStage, type Wish } from './make-build.ts';
import { failedAgain, inputsOf, retryOf } from './retry.ts';
import type { EntryState } from './state.ts';
import { BuildFailure, type EntrySummary, failureOf } from './summary.ts';

/** What building an entry takes of its night. */
export type Building = LookWorld & {
  signal: AbortSignal;
  emit: (event: Event) => void;
  make: Make;
  /**
   * Layers that this night has made anew for their packages, by their fingerprints, and whether that came to its end; undefined when builds do not
   * share them.
   */
  renewed: Map<string, Promise<boolean>> | undefined;
};

/** What came of it: for the summary, and for the next night, unless it is as if there had been no build. */
type Built = { summary: Partial<EntrySummary> & Pick<EntrySummary, 'outcome'>; state: EntryState | undefined };

/** Builds an entry that has changed, past the checkpoints that the change does not show in. Never throws. */
export async function buildEntry(
  job: Job,
  { sight, reasons, plan, state }: { sight: Sight; reasons: readonly Reason[]; plan: Plan; state: EntryState },
  building: Building,
): Promise<Built> {
  const { reader, make, signal, emit } = building;
  const startedAt = new Date();
  let known: Partial<Pick<BuildResult, 'build' | 'folder'>> = {};
  const began = (build: string, folder?: string) => {
    known = { build, ...(folder !== undefined && { folder }) };
  };
  const whole = () => ({ seconds: (Date.now() - startedAt.getTime()) / 1000, ...known });
  try {
    // Before the build: what comes in while it runs is for the next night to see.
    await Promise.allSettled(sight.watched.map((each) => reader.versions(each)));
    // A download of before the factory may be older than what is looked at now.
    const renewMedia = !state.seen || reasons.some(({ kind }) => kind === 'medium');
    const isOld = reasons.some(({ kind }) => kind === 'packages' || kind === 'age');
    const build = (from: Wish['from']) => make(job, { ...(from && { from }), renewMedia }, { signal, emit, began });
    const made = await (isOld ? renewing(plan, building, build) : build(undefined));
    began(made.build, made.host === undefined ? made.folder : undefined);
    return {
      summary: {
        ...{ outcome: 'built', ...whole(), published: made.published, notes: notesOf(made) },
        ...(made.difference !== undefined && { difference: made.difference }),
      },
      state: {
        ...after(state, made, startedAt),
        seen: await seenBy(
          sight,
          // Another host's plan may say the same in other words.
          { stages: made.stages ?? plan.stages, installed: made.installed, fresh: isOld || made.brought },
          state.seen,
          reader,
        ),
      },
    };
  } catch (error) {
    if (error instanceof Postponed) {
      return { summary: { outcome: 'postponed', notes: [error.message] }, state: undefined };
    }
    const failure = failureOf(error);
    if (signal.aborted || failure.code === 'INTERRUPTED') {
      // Why one alone was stopped is news.
      const notes = signal.aborted ? [] : [failure.message];
      return { summary: { outcome: 'interrupted', ...whole(), failure, notes }, state: undefined };
    }
    const inputs = inputsOf(sight.now, state.seen?.tried);
    const { build } = known;
    const host = error instanceof BuildFailure && error.host !== undefined ? { host: error.host } : {};
    const failed = failedAgain(state.failed, { failure, inputs, ...host, ...(build !== undefined && { build }) });
    return {
      summary: { outcome: 'failed', ...whole(), ...host, failure, retry: retryOf(failed) },
      state: { ...state, failed },
    };
  }
}

function after(state: EntryState, { build, published, host, statements }: MadeBuild, startedAt: Date): EntryState {
  const { failed: _failed, host: _host, statements: _statements, ...kept } = state;
  return {
    ...{ ...kept, build, builtAt: startedAt.toISOString() },
    published: published.map(({ location, sha256 }) => ({ location, sha256 })),
    ...(host !== undefined && { host }),
    ...(statements !== undefined && { statements }),
  };
}

function notesOf({ host, folder }: MadeBuild): string[] {
  return host === undefined ? [] : [`on ${host}: ${folder}`];
}

/**
 * Builds from the stage that brings new packages: no fingerprint shows them, so that it has to be run whatever the store has. Recipes that have
 * its layer in common make it once: those that come later wait, and begin with what follows it.
 */
async function renewing(
  plan: Plan,
  { renewed }: Building,
  build: (from: Wish['from']) => Promise<MadeBuild>,
): Promise<MadeBuild> {
  const stages = plan.stages.filter(({ omitted }) => !omitted);
  const stage = updatingStage(stages);
  const next = stage && stages[stages.indexOf(stage) + 1];
  const layer = stage?.fingerprint;
  if (layer === undefined || renewed === undefined) return build(stage?.stage);
  // Nothing comes between the question whether somebody makes it and the note that this one does.
  const made = renewed.get(layer);
  if (next && made && (await made)) return build(next.stage);
  const result = build(stage?.stage);
  renewed.set(
    layer,
    result.then(
      () => true,
      () => false,
    ),
  );
  return result;
}
