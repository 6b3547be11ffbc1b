import { fieldOf, type Image, type Patch, pointer } from '../../openstack/image-api.ts';
import type { Follows } from '../follows.ts';
import { higher, type Serial } from '../serial.ts';
import { isInChannel, isRevoked } from './channel-marks.ts';
import { isRetired, isSerialProperty, isSnapshot, serialOf, serialPatches } from './fence.ts';

/** The property that says which image of vmkiln an image is: the SHA-256 of the file that was published. */
export const sha256Property = 'vmkiln_sha256';
/**
 * The `os_hash_value` that the image had when it was published: that of the data which was sent, or of what the service made of it
 * (`image_conversion` of Glance's import plugins). The service lets nobody change the value itself, so whoever copies properties to other data
 * copies this too, and it does not fit.
 */
const dataProperty = 'vmkiln_os_hash_value';
/** Says who uploads, as long as that lasts: an image with it is not finished. */
export const uploadingProperty = 'vmkiln_uploading';

/** An image as it should be. Fields that are undefined are left to the service, and as they are. */
export type Wanted = {
  name: string;
  disk_format: string;
  container_format: string;
  id?: string | undefined;
  visibility?: string | undefined;
  protected?: boolean | undefined;
  hidden: boolean;
  min_disk?: number | undefined;
  min_ram?: number | undefined;
  owner?: string | undefined;
  tags?: readonly string[] | undefined;
  properties: Readonly<Record<string, string>>;
  /** What follows from its contents. It is said when the image is made, and never taken for what somebody has said. */
  follows?: Follows;
  serial: Serial;
};

/** Whether an image is that of an upload that goes on or was killed. */
export function isUnfinished(image: Image): boolean {
  return uploadingProperty in image;
}

/** Whether an image is complete, neither that of an upload that goes on or was killed nor about to be deleted. */
export function isPublished(image: Image): boolean {
  return !isUnfinished(image) && !isRetired(image) && (image.status === 'active' || image.status === 'deactivated');
}

/** Whether vmkiln has published an image: neither a snapshot of one nor other data with the properties of one. */
export function isMadeHere(image: Image): boolean {
  return sha256Property in image && !isSnapshot(image) && !isImitation(image);
}

/** Whether an image has the properties of one that vmkiln has published, and other data. */
export function isImitation(image: Image): boolean {
  return dataProperty in image && !hasDataAsPublished(image);
}

/** Whether the data of an image is what it was when vmkiln published it; false when nothing says so. */
export function hasDataAsPublished(image: Image): boolean {
  return typeof image.os_hash_value === 'string' && image[dataProperty] === image.os_hash_value;
}

export function isSigned(image: Image): boolean {
  return 'img_signature' in image;
}

/** The changes that make an image what is wanted. What is not spoken of stays, and so does a higher serial. */
export function patchesFor(wanted: Wanted, image: Image): Patch[] {
  const patches: Patch[] = [];
  const set = (name: string, value: unknown) => {
    if (value === undefined || JSON.stringify(image[name]) === JSON.stringify(value)) return;
    patches.push({ op: name in image ? 'replace' : 'add', path: pointer(name), value });
  };
  set('visibility', wanted.visibility);
  set('min_disk', wanted.min_disk);
  set('min_ram', wanted.min_ram);
  set('protected', wanted.protected);
  const serial = isUnfinished(image) ? wanted.serial : higher(wanted.serial, serialOf(image));
  const rises = serialPatches(image, serial);
  // Whether a promoted image is seen is a matter of its channels, and not of who publishes the same one again.
  const hidden = (wanted.hidden && !isInChannel(image)) || isRevoked(image);
  // Somebody may be hiding it at this moment, as older than another one: it rises and is seen in one.
  if (rises.length > 0) patches.push({ op: 'replace', path: '/os_hidden', value: hidden });
  else set('os_hidden', hidden);
  if (wanted.tags && wanted.tags.toSorted().join('\n') !== [...image.tags].toSorted().join('\n')) {
    patches.push({ op: 'replace', path: '/tags', value: [...wanted.tags] });
  }
  for (const [name, value] of Object.entries(wanted.properties)) {
    // A signature has random parts: the one that is there stays good.
    if (name.startsWith('img_signature') && name in image) continue;
    if (name === 'vmkiln_build' && name in image) continue;
    set(name, value);
  }
  if (isUnfinished(image) && image.os_hash_value) set(dataProperty, image.os_hash_value);
  if (isUnfinished(image)) patches.push({ op: 'remove', path: pointer(uploadingProperty) });
  return [...patches, ...rises];
}

/** Those of the changes by which an image appears, and takes its place before the others. */
export function showingPatches(wanted: Wanted, image: Image): Patch[] {
  return patchesFor(wanted, image).filter((patch) => {
    const name = fieldOf(patch);
    return isSerialProperty(name) || (name === 'os_hidden' && !wanted.hidden);
  });
}
