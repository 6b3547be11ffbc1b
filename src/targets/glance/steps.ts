import type { Image, Patch } from '../../openstack/image-api.ts';
import { pointer } from '../../openstack/image-api.ts';

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
};

/** What a publication does, step by step. */
export type Step =
  | { do: 'discard'; image: Image; because: string }
  | { do: 'resume'; image: Image }
  | { do: 'create' }
  | { do: 'update'; image: Image; patches: readonly Patch[] }
  | { do: 'hide'; image: Image }
  | { do: 'delete'; image: Image }
  | { do: 'keep'; image: Image; because: string };

/** Of an image that has `vmkiln_uploading`: whether its uploader is gone, still at it, or on another host. */
export type Uploader = 'gone' | 'alive' | 'elsewhere';

type Existing = {
  /** All images of this name in the project, hidden ones too. */
  images: readonly Image[];
  /** Ids of those with the same content. */
  same: ReadonlySet<string>;
  uploader: (image: Image) => Uploader;
};

/** Why nothing can be done; `hint` says what would help. */
export type Refusal = { refused: string; hint: string };

/**
 * What it takes to have exactly this image. Pure. In an order in which users always find a good one: a new image is
 * hidden until it is complete and verified, and old ones are hidden only after that.
 */
export function planSteps(
  wanted: Wanted,
  existing: Existing,
  replace: false | { keep?: number | undefined },
): Step[] | Refusal {
  const unfinished = existing.images.filter((image) => uploadingProperty in image);
  // One without a digest may become the same image.
  const maySame = (image: Image) => existing.same.has(image.id) || !(sha256Property in image);
  const busy = unfinished.find((image) => maySame(image) && existing.uploader(image) !== 'gone');
  if (busy) {
    return {
      refused: `${existing.same.has(busy.id) ? 'the same image' : 'an image of that name'} is being uploaded to ${busy.id} (since ${busy.created_at})`,
      hint: `wait for it; if nobody does that any more, delete it: vmkiln image delete ${busy.id}`,
    };
  }
  const finished = existing.images.filter(isPublished);
  const ours = unfinished.filter((image) => existing.uploader(image) === 'gone');
  const complete = ours.find((image) => image.status === 'active' && existing.same.has(image.id));
  const alike = finished.filter((image) => existing.same.has(image.id)).toSorted(newestFirst);
  const same = alike.find((image) => image.status === 'active') ?? complete;
  if (same === undefined && alike[0]) {
    return {
      refused: `the same image is there and deactivated: ${alike[0].id}`,
      hint: `whoever may reactivates it: vmkiln image reactivate ${alike[0].id}`,
    };
  }
  const discards = ours
    .filter((image) => image !== same)
    .map((image): Step => ({ do: 'discard', image, because: `an upload that did not end: it is ${image.status}` }));
  const visible = finished.filter((image) => image !== same && !image.os_hidden);
  const appears = same === undefined || (same.os_hidden && !wanted.hidden);
  if (appears && visible.length > 0 && !replace) return anotherImage(wanted.name, visible);
  const first = ((): Step[] => {
    if (same === undefined) return [{ do: 'create' }];
    if (same === complete) return [{ do: 'resume', image: same }];
    const patches = patchesFor(wanted, same);
    return patches.length > 0 ? [{ do: 'update', image: same, patches }] : [];
  })();
  return [...discards, ...first, ...(replace ? retire(existing.images, same, replace) : [])];
}

/** Why an image does not become visible beside others of its name. */
export function anotherImage(name: string, others: readonly Image[]): Refusal {
  return {
    refused: `there is another image called ${name}: ${others.map(({ id }) => id).join(', ')}`,
    hint: 'replace it (--replace, or `replace: true` in the recipe), or give this one another name',
  };
}

/** Whether an image is complete, and not that of an upload that goes on or was killed. */
export function isPublished(image: Image): boolean {
  return !(uploadingProperty in image) && (image.status === 'active' || image.status === 'deactivated');
}

/** Whether vmkiln has published an image. A snapshot of an instance inherits the properties of its image. */
export function isMadeHere(image: Image): boolean {
  return sha256Property in image && !('base_image_ref' in image) && image['image_type'] !== 'snapshot';
}

/** Hides all but `kept`, and deletes what is beyond `keep`: only what vmkiln made, and never what is protected. */
export function retire(
  images: readonly Image[],
  kept: Image | undefined,
  { keep }: { keep?: number | undefined },
): Step[] {
  const others = images.filter((each) => isPublished(each) && each.id !== kept?.id).toSorted(newestFirst);
  return others.flatMap((image, index): Step[] => {
    const hide: Step[] = image.os_hidden ? [] : [{ do: 'hide', image }];
    if (keep === undefined || index < keep) return hide;
    if (image.protected) return [...hide, { do: 'keep', image, because: 'it is protected' }];
    if (!isMadeHere(image)) return [...hide, { do: 'keep', image, because: 'vmkiln did not make it' }];
    return [...hide, { do: 'delete', image }];
  });
}

function newestFirst(a: Image, b: Image): number {
  return a.created_at < b.created_at ? 1 : -1;
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
  if (uploadingProperty in image) patches.push({ op: 'remove', path: pointer(uploadingProperty) });
  return patches;
}

/** The steps as a diff for people: `+` appears, `~` changes, `-` goes, `=` stays. */
export function describeSteps(wanted: Wanted, steps: readonly Step[], how: string): string[] {
  const named = ({ id, created_at: at }: Image) => `${wanted.name} ${id} (of ${at.slice(0, 10)})`;
  const lines = steps.flatMap((step): string[] => {
    switch (step.do) {
      case 'create':
        return [`+ image ${wanted.name}, ${how}`, ...fieldLines(wanted)];
      case 'resume':
        return [`~ finish ${named(step.image)}: its data is complete, and it is not published yet`];
      case 'discard':
        return [`- delete ${named(step.image)}: ${step.because}`];
      case 'update':
        return [`~ change ${named(step.image)}`, ...step.patches.map((patch) => `~   ${patchLine(step.image, patch)}`)];
      case 'hide':
        return [`~ hide ${named(step.image)}`];
      case 'delete':
        return [`- delete ${named(step.image)}`];
      case 'keep':
        return [`= keep ${named(step.image)}, hidden: ${step.because}`];
    }
  });
  return lines.length > 0 ? lines : [`= image ${wanted.name} is there with the same content and properties`];
}

function fieldLines({ properties, ...fields }: Wanted): string[] {
  const all = { ...fields, ...properties };
  return Object.entries(all).flatMap(([name, value]) => {
    if (value === undefined || name === 'name' || (name === 'hidden' && value === false)) return [];
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    return [`+   ${name} = ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`];
  });
}

function patchLine(image: Image, { path, value, op }: Patch): string {
  const name = path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
  const before = image[name] === undefined ? 'nothing' : JSON.stringify(image[name]);
  return `${name}: ${before} → ${op === 'remove' ? 'nothing' : JSON.stringify(value)}`;
}
