import type { ErrorCode } from '../errors.ts';
import type { Now } from './compare.ts';
import type { NightFailure } from './summary.ts';
import { type Tried, worthwhile } from './updates.ts';

/** All that a build took in, in so far as a change of it may help one that failed: a value for each name. */
type Inputs = Readonly<Record<string, string>>;

/** A build that has failed so many times in a row. `wait` is how many nights are to pass without another try. */
export type Failed = {
  times: number;
  wait: number;
  failure: NightFailure;
  build?: string;
  host?: string;
  inputs: Inputs;
};

/** How often a build has failed in a row, and in how many nights it is tried again: 1 is the next one. */
export type Retry = { failed: number; nights: number };

/** Nights after which a build is tried again at the latest. */
const mostNights = 7;

/** What the host lacks: nothing that a build takes in shows when it has that again. */
const ofTheHost: readonly string[] = ['DISK_FULL', 'HOST_UNFIT', 'TOOL_MISSING'] satisfies ErrorCode[];

/**
 * What is to be remembered of a build that failed: it is tried again after 1, 2, 4 nights, and then after every seventh; in every night when it was
 * for want of something on the host. Pure.
 */
export function failedAgain(before: Failed | undefined, last: Omit<Failed, 'times' | 'wait'>): Failed {
  const times = (before?.times ?? 0) + 1;
  const nights = ofTheHost.includes(last.failure.code) ? 1 : Math.min(2 ** (times - 1), mostNights);
  return { ...last, times, wait: nights - 1 };
}

/** One more night without a try. Pure. */
export function waited(failed: Failed): Failed {
  return { ...failed, wait: failed.wait - 1 };
}

/** Whether a failed build is left alone in this night: another one would take in the same. Pure. */
export function isWaiting(failed: Failed | undefined, inputs: Inputs): failed is Failed {
  return failed !== undefined && failed.wait > 0 && !isChanged(failed.inputs, inputs);
}

export function retryOf({ times, wait }: Failed): Retry {
  return { failed: times, nights: wait + 1 };
}

/** Undefined for what has failed once: that it is tried again in the next night is no news. Pure. */
export function retryText({ failed, nights }: Retry): string | undefined {
  if (failed === 1) return undefined;
  return `failed ${failed} times in a row, next try ${nights === 1 ? 'in the next night' : `in ${nights} nights`}`;
}

/**
 * What a build takes in: recipe, media, targets, the updates that it would bring, and repositories of which nobody can say what they would
 * bring. That a repository answers at all counts, too. Pure.
 */
export function inputsOf(now: Now, tried: Tried = {}): Inputs {
  const { stages, upload, media, repositories, updates, unjudged } = now;
  return Object.fromEntries([
    ...stages.flatMap(({ stage, fingerprint }) => (fingerprint === undefined ? [] : [[`stage ${stage}`, fingerprint]])),
    ['upload', upload],
    ...Object.entries(media).map(([role, { value }]) => [`medium ${role}`, value]),
    ...worthwhile(updates, tried).map(({ key }) => [`update ${key}`, '']),
    ...Object.entries(repositories).map(([place, digest]) => [
      `repository ${place}`,
      unjudged.includes(place) ? digest : '',
    ]),
  ]) as Inputs;
}

/** What is not seen now has not changed: its server does not answer. */
function isChanged(before: Inputs, now: Inputs): boolean {
  return Object.entries(now).some(([name, value]) => before[name] !== value);
}
