import { randomBytes } from 'node:crypto';
import { type Image, type Patch, pointer } from '../../openstack/image-api.ts';
import { isSerial, noSerial, type Serial } from '../serial.ts';

/**
 * The serial of an image is in the name of a property. The service has no conditional requests, but refuses a patch (409)
 * that replaces or removes a property which is not there, and then makes none of its changes: `_do_replace`, `_do_remove`
 * and `update` in glance/api/v2/images.py. So whatever was decided by a look at an image is done only if its serial is
 * still the one that was seen, however long a publication was stopped in between: what hides an image demands the
 * properties that it saw, and what raises its serial removes them.
 */
const prefix = 'vmkiln_serial_';
const stampPrefix = `${prefix}0-`;

/** Says that an image is about to be deleted: nobody takes it up again. */
const retiredProperty = 'vmkiln_retired';

export function serialProperty(serial: Serial): string {
  return `${prefix}${serial}`;
}

export function isSerialProperty(name: string): boolean {
  return name.startsWith(prefix);
}

export function isRetired(image: Image): boolean {
  return retiredProperty in image;
}

/** A snapshot of an instance, which inherits the properties of its image. */
export function isSnapshot(image: Image): boolean {
  return 'base_image_ref' in image || image['image_type'] === 'snapshot';
}

/** The serial of an image; the lowest of all for one that another tool or an older vmkiln has made. */
export function serialOf(image: Image): Serial {
  if (isSnapshot(image)) return noSerial;
  const serials = marksOf(image).map((name) => name.slice(prefix.length));
  return serials.filter(isSerial).toSorted().at(-1) ?? noSerial;
}

/** Where an image stands in the order of publications. Of two with one serial it is the id that decides. */
export type Rank = { serial: Serial; id: string };

export function rankOf(image: Image): Rank {
  return { serial: serialOf(image), id: image.id };
}

export function isBelow(one: Rank, other: Rank): boolean {
  return one.serial === other.serial ? one.id < other.id : one.serial < other.serial;
}

/** All properties that say something of its serial: two at once when it was raised by somebody who did not see both. */
function marksOf(image: Image): string[] {
  return Object.keys(image).filter(isSerialProperty);
}

/** The changes that make this the only serial of an image. */
export function serialPatches(image: Image, serial: Serial): Patch[] {
  const [there, wanted] = [marksOf(image), serialProperty(serial)];
  const removals = there.filter((name) => name !== wanted).map(removal);
  return there.includes(wanted) ? removals : [...removals, set(wanted)];
}

/**
 * What an image without a serial needs before it is hidden or raised: a property to go by. No two are alike, so that
 * one that was removed does not come again.
 */
export function stampPatches(image: Image): Patch[] {
  return marksOf(image).length > 0 ? [] : [set(`${stampPrefix}${randomBytes(4).toString('hex')}`)];
}

/** Changes of nothing, which the service refuses when an image has another serial by then, or is about to be deleted. */
export function demandPatches(image: Image): Patch[] {
  return marksOf(image).map((name): Patch => ({ ...set(name), op: 'replace' }));
}

/** The changes that hide an image. */
export function hidePatches(image: Image): Patch[] {
  return [...demandPatches(image), { op: 'replace', path: '/os_hidden', value: true }];
}

/** The changes after which nobody takes an image up. */
export function retirePatches(image: Image): Patch[] {
  const hide: Patch = { op: 'replace', path: '/os_hidden', value: true };
  return [...marksOf(image).map(removal), set(retiredProperty), hide];
}

/** The changes after which nobody finishes an image: they demand the property that says it is not. */
export function abandonPatches(image: Image, unfinished: string): Patch[] {
  return [removal(unfinished), ...marksOf(image).map(removal), set(retiredProperty)];
}

/** The changes that take back what `hidePatches` and `retirePatches` do. */
export function returnPatches(image: Image, serial: Serial): Patch[] {
  const shown: Patch = { op: 'replace', path: '/os_hidden', value: false };
  const retired = isRetired(image) ? [removal(retiredProperty)] : [];
  return [...retired, ...(serial === noSerial ? [] : serialPatches(image, serial)), shown];
}

function set(name: string): Patch {
  return { op: 'add', path: pointer(name), value: 'true' };
}

function removal(name: string): Patch {
  return { op: 'remove', path: pointer(name) };
}
