import type { Plan } from '../model.ts';
import { changedParts } from '../pipeline/parts.ts';
import { formatDuration } from '../text.ts';
import type { EntryState, Seen } from './state.ts';
import { causeOf } from './summary.ts';
import { type Update, updatesText, worthwhile } from './updates.ts';

/** Why an image is built: what kind of change, and in words. */
export type Reason = {
  kind: 'first' | 'failed' | 'asked' | 'recipe' | 'base' | 'medium' | 'packages' | 'target' | 'age' | 'channel';
  text: string;
};

/** All that could change an image, as it is now. */
export type Now = Pick<Seen, 'upload' | 'media' | 'repositories'> & {
  stages: Pick<Plan['stages'][number], 'stage' | 'fingerprint' | 'parts'>[];
  /** What is newer than what is installed, in the repositories that have changed or that an earlier night still waits for. */
  updates: readonly Update[];
  /** Repositories that have changed, nobody can say in what. */
  unjudged: readonly string[];
  /** Files of the last build that are not where it published them. */
  gone: readonly string[];
};

/**
 * Why an image has to be built, each reason once; nothing when it would come out the same. Pure.
 *
 * @param age the seconds at which it is built in any case. `now` is in milliseconds since 1970.
 */
export function compare(before: EntryState | undefined, now: Now, { age, at }: { age: number; at: number }): Reason[] {
  const { seen, builtAt = '', failed } = before ?? {};
  if (failed) {
    return [{ kind: 'failed', text: `its last build failed: ${causeOf(failed.failure)}` }, ...changes(seen, now)];
  }
  if (!seen) return [{ kind: 'first', text: 'it has not been built by this factory before' }];
  const old = (at - Date.parse(builtAt)) / 1000;
  return [
    ...changes(seen, now),
    ...(old > age ? [{ kind: 'age' as const, text: `its last build is ${formatAge(old)} old` }] : []),
  ];
}

function changes(seen: Seen | undefined, now: Now): Reason[] {
  if (!seen) return [];
  const media = Object.entries(now.media).flatMap(([role, identity]): Reason[] => {
    if (seen.media[role] === undefined || seen.media[role].value === identity.value) return [];
    return [
      { kind: 'medium', text: `the ${role === 'image' ? 'base image' : role} is another one: ${identity.how} changed` },
    ];
  });
  return [
    ...stageChanges(seen, now),
    ...media,
    ...packageChanges(seen, now),
    ...(seen.upload === now.upload ? [] : [{ kind: 'target' as const, text: '`upload` changed' }]),
    ...now.gone.map((file): Reason => ({ kind: 'target', text: `${file} is gone` })),
  ];
}

/** The first stage with another fingerprint says why: what follows it has another one for that alone. */
function stageChanges(seen: Seen, now: Now): Reason[] {
  for (const { stage, fingerprint, parts } of now.stages) {
    const before = seen.stages.find((each) => each.stage === stage);
    if (before?.fingerprint === fingerprint && fingerprint !== undefined) continue;
    const isUnknown = fingerprint === undefined && before !== undefined && before.fingerprint === undefined;
    if (fingerprint === undefined && !isUnknown) {
      return [{ kind: 'medium', text: 'its media are not downloaded any more' }];
    }
    const keys = changedParts(before?.parts ?? [], parts);
    // Where nothing is built nothing is downloaded: its media are looked at where they come from.
    if (isUnknown && keys.length === 0) continue;
    if (keys.length === 0) return [{ kind: 'recipe', text: `this version of vmkiln does something else in ${stage}` }];
    if (keys.includes('source')) return [{ kind: 'base', text: 'the medium that it starts from changed' }];
    return [{ kind: 'recipe', text: `${keys.map((key) => `\`${key}\``).join(', ')} changed` }];
  }
  return [];
}

function packageChanges(seen: Seen, now: Now): Reason[] {
  const updates = worthwhile(now.updates, seen.tried);
  if (updates.length > 0) return [{ kind: 'packages', text: updatesText(updates) }];
  // A repository that is looked at for the first time has not changed.
  const places = now.unjudged.filter((place) => seen.repositories[place] !== undefined);
  const why =
    seen.installed === undefined
      ? 'what is installed is not known (describe: false)'
      : 'its packages could not be read';
  return places.map((place) => ({ kind: 'packages', text: `${place} changed, and ${why}` }));
}

/** "31 days", or less in hours and minutes. */
function formatAge(seconds: number): string {
  return seconds < 2 * 86_400 ? formatDuration(seconds) : `${Math.floor(seconds / 86_400)} days`;
}
