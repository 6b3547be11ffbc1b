import { type Image, type Patch, pointer } from '../../openstack/image-api.ts';
import { isSerial, noSerial, type Serial } from '../serial.ts';

/**
 * The serial of an image is in the name of a property. The service has no conditional requests, but refuses a patch (409)
 * that replaces or removes a property which is not there, and then makes none of its changes: `_do_replace`, `_do_remove`
 * and `update` in glance/api/v2/images.py. So whatever a publication decided by a look at an image, it can demand that the
 * serial be the one that it saw, however long it was stopped in between.
 */
const prefix = 'vmkiln_serial_';

/** Says that an image is about to be deleted: nobody takes it up again. */
export const retiredProperty = 'vmkiln_retired';

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
  return isSnapshot(image) ? noSerial : (serialsOf(image).at(-1) ?? noSerial);
}

/** Every serial that an image has: for a moment it may be two. In ascending order. */
function serialsOf(image: Image): Serial[] {
  const names = Object.keys(image).filter(isSerialProperty);
  return names
    .map((name) => name.slice(prefix.length))
    .filter(isSerial)
    .toSorted();
}

/** The changes that make this the only serial of an image; the service refuses them when one it had was taken away. */
export function serialPatches(image: Image, serial: Serial): Patch[] {
  const there = serialsOf(image);
  const add: Patch = { op: 'add', path: pointer(serialProperty(serial)), value: 'true' };
  const others = there.filter((each) => each !== serial);
  return [
    ...others.map((each): Patch => ({ op: 'remove', path: pointer(serialProperty(each)) })),
    ...(there.includes(serial) ? [] : [add]),
  ];
}

/** Gives an image a serial that has none, so that it can be seen whether it is raised. */
export function stampPatches(image: Image): Patch[] {
  return serialsOf(image).length > 0 ? [] : serialPatches(image, noSerial);
}

/** The change that hides an image, if its serials still are what they were; none for an image without one. */
export function hidePatches(image: Image): Patch[] {
  const demands = serialsOf(image).map((serial): Patch => ({
    op: 'replace',
    path: pointer(serialProperty(serial)),
    value: 'true',
  }));
  return [...demands, { op: 'replace', path: '/os_hidden', value: true }];
}

/** The change after which nobody takes an image up, if its serials still are what they were: none can be raised then. */
export function retirePatches(image: Image): Patch[] {
  const removals = serialsOf(image).map((serial): Patch => ({ op: 'remove', path: pointer(serialProperty(serial)) }));
  return [
    ...removals,
    { op: 'add', path: pointer(retiredProperty), value: 'true' },
    { op: 'replace', path: '/os_hidden', value: true },
  ];
}
