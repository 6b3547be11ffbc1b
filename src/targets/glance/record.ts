import { type Image, type Patch, pointer } from '../../openstack/image-api.ts';
import type { Follows } from '../follows.ts';

/** The property that says which image of vmkiln an image is: the SHA-256 of the file that was published. */
export const sha256Property = 'vmkiln_sha256';
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
};

/** Whether an image is that of an upload that goes on or was killed. */
export function isUnfinished(image: Image): boolean {
  return uploadingProperty in image;
}

/** Whether an image is complete, and not that of an upload that goes on or was killed. */
export function isPublished(image: Image): boolean {
  return !isUnfinished(image) && (image.status === 'active' || image.status === 'deactivated');
}

/** Whether vmkiln has published an image. A snapshot of an instance inherits the properties of its image. */
export function isMadeHere(image: Image): boolean {
  return sha256Property in image && !('base_image_ref' in image) && image['image_type'] !== 'snapshot';
}

export function isSigned(image: Image): boolean {
  return 'img_signature' in image;
}

/** The changes that make an image what is wanted. What is not spoken of stays. */
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
  set('os_hidden', wanted.hidden);
  if (wanted.tags && wanted.tags.toSorted().join('\n') !== [...image.tags].toSorted().join('\n')) {
    patches.push({ op: 'replace', path: '/tags', value: [...wanted.tags] });
  }
  for (const [name, value] of Object.entries(wanted.properties)) {
    // A signature has random parts: the one that is there stays good.
    if (name.startsWith('img_signature') && name in image) continue;
    if (name === 'vmkiln_build' && name in image) continue;
    set(name, value);
  }
  if (isUnfinished(image)) patches.push({ op: 'remove', path: pointer(uploadingProperty) });
  return patches;
}
