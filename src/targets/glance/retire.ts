import type { Image } from '../../openstack/image-api.ts';
import { isInChannel, mayReturn } from './channel-marks.ts';
import { isRetired, serialOf } from './fence.ts';
import { isMadeHere, isPublished } from './record.ts';
import type { Step } from './step.ts';

/**
 * What becomes of the older images: they are hidden, and deleted beyond `keep` (all stay without it): only what vmkiln made,
 * and never what is protected, or what a channel has or may go back to. Pure.
 * None of them is newer: whoever sees a newer one retires nothing.
 */
export function retire(images: readonly Image[], kept: Image | undefined, keep: number | undefined): Step[] {
  const older = images.filter((each) => isPublished(each) && each.id !== kept?.id);
  // What a publication that was killed had begun to delete.
  const retired = images.filter(isRetired).map((image): Step => ({ do: 'delete', image }));
  return [...older.toSorted(newestFirst).flatMap((image, index) => fateOf(image, index, keep)), ...retired];
}

function fateOf(image: Image, index: number, keep: number | undefined): Step[] {
  if (isInChannel(image)) return [];
  const hide: Step[] = image.os_hidden ? [] : [{ do: 'hide', image }];
  if (keep === undefined || index < keep) return hide;
  if (image.protected) return [...hide, { do: 'keep', image, because: 'it is protected' }];
  if (mayReturn(image)) return [...hide, { do: 'keep', image, because: 'a channel may go back to it' }];
  if (!isMadeHere(image)) return [...hide, { do: 'keep', image, because: 'vmkiln did not make it' }];
  return [...hide, { do: 'delete', image }];
}

/** By serial; those without one by the time at which their records were made. */
export function newestFirst(a: Image, b: Image): number {
  const [one, other] = [serialOf(a), serialOf(b)];
  return one === other ? (a.created_at < b.created_at ? 1 : -1) : one < other ? 1 : -1;
}
