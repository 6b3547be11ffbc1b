import { VmkilnError } from '../errors.ts';
import { channelForm } from '../recipe/media.ts';
import type { Serial } from './serial.ts';

/**
 * A channel is a name, such as `rhel9-prod`, that stands for one image of a place at a time. Its images are in the order of their generations:
 * a number that each promotion and each rollback raises, whatever the serials of the images are. The highest that is shown is the channel's
 * image. To go back, the image that is there is marked as left, and the one before it gets the next generation.
 */
export type Generation = number;

/** How many images a channel remembers, with the one that it has: so far back can be gone. */
export const remembered = 10;

/** @throws VmkilnError USAGE for a name that no channel can have */
export function checkChannel(name: string): void {
  if (channelForm.test(name)) return;
  throw new VmkilnError('USAGE', `${JSON.stringify(name)} cannot be the name of a channel`, {
    hint: 'use up to 63 lower-case letters, digits, dots and dashes, such as rhel9-prod',
  });
}

/** What a place knows of one of its images and one channel. */
export type Held = {
  /** What the place calls it: the name of a file, the id of an image. */
  id: string;
  serial: Serial;
  /** When it was last promoted or gone back to; undefined when it never was. */
  generation: Generation | undefined;
  /** It is shown as the image of the channel. For a moment two may be: the higher generation counts. */
  shown: boolean;
  /** It was gone back from: nobody goes back to it. */
  left: boolean;
  revoked: boolean;
  /** Its data is there, and whole. */
  usable: boolean;
  /** Id of the key by which its statements were signed, if one was asked for. */
  signedBy?: string | undefined;
};

/** The smallest changes of a channel: each leaves it with exactly one image, if it had one. */
export type Step =
  /** Becomes the image of the channel. */
  | { do: 'raise'; id: string; generation: Generation }
  /** Is marked as left, and still shown. */
  | { do: 'leave'; id: string }
  /** Is not shown any more: another one is, or it is revoked. */
  | { do: 'drop'; id: string };

/** What somebody wants of a channel. */
export type Goal =
  /** `older`: although the image that is there has a higher serial. */
  | { do: 'promote'; id: string; older: boolean; signedBy?: string | undefined }
  /** To leave the image that was there with that generation. */
  | { do: 'roll back'; from: Pick<Held, 'id' | 'generation'> }
  /** To have none of these images, which are about to be revoked, or are. */
  | { do: 'avoid'; ids: ReadonlySet<string> };

/** `unchanged`: it was reached before. `overtaken`: somebody else was later, whose image is there. */
export type End = 'reached' | 'unchanged' | 'overtaken';

/** A step; why there is none that helps; or that the goal is reached. */
export type Next = { step: Step } | { refused: Refusal } | { end: End };

export type Refusal = { message: string; hint: string };

type Raised = Extract<Step, { do: 'raise' }> | undefined;

/**
 * The image of a channel: what whoever asks is told. There is exactly one, unless all are revoked or gone. That none is shown lasts a moment, in
 * which it is the one that comes next.
 */
export function currentOf(images: readonly Held[]): Held | undefined {
  return shownOf(images) ?? returnable(images)[0];
}

/** The images that a channel can go back to from the one that it has, the nearest first. */
export function earlierOf(images: readonly Held[]): Held[] {
  const now = currentOf(images);
  return returnable(images).filter(({ id }) => id !== now?.id);
}

function shownOf(images: readonly Held[]): Held | undefined {
  return images.filter((each) => each.shown && isGood(each)).toSorted(highestFirst)[0];
}

function returnable(images: readonly Held[]): Held[] {
  const all = images.filter((each) => each.generation !== undefined && !each.left && isGood(each));
  return all.toSorted(highestFirst);
}

/** The highest generation that a channel has had, as far as its images tell; 0 for one that never had any. */
export function generationOf(images: readonly Held[]): Generation {
  return Math.max(0, ...images.map(({ generation = 0 }) => generation));
}

/**
 * What to do next. Pure. It is asked again after each step, with what the place says then, so that whoever is killed, or meets somebody else,
 * leaves a channel that the next one can go on from.
 *
 * @param raised the last step of that kind that was made for this goal.
 */
export function nextStep(channel: string, goal: Goal, images: readonly Held[], raised: Raised): Next {
  if (goal.do === 'promote') return promotion(channel, goal, images, raised);
  return goal.do === 'avoid' ? avoidance(goal.ids, images, raised) : rollback(channel, goal.from, images);
}

function promotion(
  channel: string,
  { id, older, signedBy }: Extract<Goal, { do: 'promote' }>,
  images: readonly Held[],
  raised: Raised,
): Next {
  const image = images.find((each) => each.id === id);
  const now = shownOf(images);
  if (image === undefined || !isGood(image)) {
    // Revoked at the moment in which it was promoted: what was there before it may have been put away.
    const next = raised ? avoidance(new Set([id]), images, undefined) : undefined;
    return next && 'step' in next ? next : { refused: refusalOf(id, image) };
  }
  if (now?.id === id) return tidied(images, now) ?? { end: raised ? 'reached' : 'unchanged' };
  // Of two at once that had the same look at the channel neither was later: the one that counts less comes again.
  const isTie = now?.generation === raised?.generation;
  if (raised && now && !isTie) return tidied(images, now) ?? { end: 'overtaken' };
  if (!raised && now && image.serial < now.serial && !older) {
    return {
      refused: {
        message: `${channel} has a newer image, ${now.id}: its serial is ${now.serial}, and that of ${id} ${image.serial}`,
        hint: `vmkiln rollback ${channel} goes back to the one before; to promote the older one all the same, add --older`,
      },
    };
  }
  if (!raised && now?.signedBy !== undefined && signedBy === undefined) {
    return {
      refused: {
        message: `the images of ${channel} are signed: that of now with the key ${now.signedBy.slice(0, 16)}`,
        hint: 'say whose signature is asked for: --key FILE',
      },
    };
  }
  return { step: { do: 'raise', id, generation: generationOf(images) + 1 } };
}

function rollback(channel: string, from: Pick<Held, 'id' | 'generation'>, images: readonly Held[]): Next {
  const leaving = images.find(({ id }) => id === from.id);
  const now = shownOf(images);
  const isThere = leaving?.generation === from.generation;
  if (now?.id !== from.id || !isThere) {
    if (leaving && isThere && !leaving.left) return { step: { do: 'leave', id: from.id } };
    return now
      ? (tidied(images, now) ?? { end: isThere ? 'reached' : 'overtaken' })
      : avoidance(new Set(), images, undefined);
  }
  const before = returnable(images).find(({ id }) => id !== from.id);
  if (before === undefined) {
    return {
      refused: {
        message: `${channel} has no image that it could go back to from ${from.id}`,
        hint: 'promote another one; if this one must not be used by anybody, revoke it',
      },
    };
  }
  if (!now.left) return { step: { do: 'leave', id: from.id } };
  return { step: { do: 'raise', id: before.id, generation: generationOf(images) + 1 } };
}

/** The one before takes the place of such an image first, so that nobody finds none in between. */
function avoidance(ids: ReadonlySet<string>, images: readonly Held[], raised: Raised): Next {
  const now = shownOf(images);
  const before = returnable(images).find(({ id }) => !ids.has(id));
  // Once is enough before they are revoked: somebody else may be avoiding the others.
  const isLost = now === undefined || (ids.has(now.id) && !raised);
  if (isLost && before) return { step: { do: 'raise', id: before.id, generation: generationOf(images) + 1 } };
  if (now && !ids.has(now.id)) return tidied(images, now) ?? { end: 'reached' };
  const revoked = images.find((each) => each.shown && each.revoked && ids.has(each.id));
  return revoked ? { step: { do: 'drop', id: revoked.id } } : { end: 'reached' };
}

/** What is left to do once `now` is the image of the channel. */
function tidied(images: readonly Held[], now: Held): Next | undefined {
  const other = images.find((each) => each.shown && each.id !== now.id);
  if (other) return { step: { do: 'drop', id: other.id } };
  const forgotten = earlierOf(images)[remembered - 1];
  return forgotten && { step: { do: 'leave', id: forgotten.id } };
}

/** Makes a step in memory, as a place makes it. */
export function afterStep(images: readonly Held[], step: Step): Held[] {
  return images.map((each) => (each.id === step.id ? { ...each, ...changeOf(step) } : each));
}

function changeOf(step: Step): Partial<Held> {
  switch (step.do) {
    case 'raise':
      return { generation: step.generation, shown: true, left: false };
    case 'leave':
      return { left: true };
    case 'drop':
      return { shown: false };
  }
}

function isGood({ revoked, usable }: Held): boolean {
  return usable && !revoked;
}

function highestFirst(a: Held, b: Held): number {
  return (b.generation ?? 0) - (a.generation ?? 0) || (a.id < b.id ? 1 : -1);
}

function refusalOf(id: string, image: Held | undefined): Refusal {
  if (image?.revoked) return { message: `${id} is revoked`, hint: 'build another one: a revocation is for good' };
  return image
    ? { message: `${id} is not what it was when it was published`, hint: 'publish it again' }
    : { message: `${id} is not there any more`, hint: 'vmkiln channels shows what is there' };
}

/**
 * Goes all the way to a goal in memory, for a place that changes a channel at once.
 *
 * @throws VmkilnError CHANNEL_REFUSED
 */
export function reach(channel: string, goal: Goal, given: readonly Held[]): { images: readonly Held[]; end: End } {
  let images = given;
  let raised: Raised;
  for (;;) {
    const next = nextStep(channel, goal, images, raised);
    if ('refused' in next) throw refusedChange(next.refused);
    if ('end' in next) return { images, end: next.end };
    images = afterStep(images, next.step);
    if (next.step.do === 'raise') raised = next.step;
  }
}

export function refusedChange({ message, hint }: Refusal): VmkilnError {
  return new VmkilnError('CHANNEL_REFUSED', message, { hint });
}
