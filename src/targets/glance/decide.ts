import type { Image, Patch } from '../../openstack/image-api.ts';
import type { Method } from './method.ts';
import { isMadeHere, isPublished, isSigned, isUnfinished, patchesFor, sha256Property, type Wanted } from './record.ts';
import { isSameData } from './words.ts';

/** What a publication does, step by step. */
export type Step =
  /** Ends it: nothing can be done. `hint` says what would help. */
  | { do: 'refuse'; message: string; hint: string }
  /** Converts the file here; later steps work with the result. */
  | { do: 'convert'; from: string; to: string }
  /** Makes sure that an image has the bytes of the file: no signature goes onto other data. */
  | { do: 'compare'; image: Image }
  /** Signs the file. */
  | { do: 'sign' }
  | { do: 'discard'; image: Image; because: string }
  /** Makes a hidden, marked image, complete and verified. */
  | { do: 'create'; method: Method }
  /** Verifies an image whose upload was killed after its data had arrived. */
  | { do: 'resume'; image: Image }
  /** Makes the image of this publication what is wanted, and visible. */
  | { do: 'publish'; image: Image; patches: readonly Patch[] }
  | { do: 'update'; image: Image; patches: readonly Patch[] }
  | { do: 'hide'; image: Image }
  | { do: 'delete'; image: Image }
  | { do: 'keep'; image: Image; because: string }
  /** Gives the signature of the file to an image that has none. */
  | { do: 'attach'; image: Image };

/** Of an image that has `vmkiln_uploading`: whether its uploader is gone, still at it, or on another host. */
export type Uploader = 'gone' | 'alive' | 'elsewhere';

/** What is asked for. */
export type Asked = {
  wanted: Wanted;
  replace: false | { keep?: number | undefined };
  method: Method;
  signed: boolean;
  /** The cloud fetches the image by itself. */
  hasLocation: boolean;
};

/** What is known: of the cloud by a look at it, and of this publication by what it has done so far. */
export type Found = {
  /** All images of the name in the project, hidden ones too. */
  images: readonly Image[];
  /** Ids of those with the same content. */
  same: ReadonlySet<string>;
  /** The image that has the wanted id already. */
  holder: Image | undefined;
  uploader: (image: Image) => Uploader;
  /** The file as it is at hand. */
  file: { format: string; signed: boolean };
  /** The image that this publication has made or taken up: complete, and verified. */
  own: Image | undefined;
  /** Ids of unfinished images whose data turned out not to be that of the file. */
  different: ReadonlySet<string>;
  /** Ids of unfinished images that were discarded. What the cloud did not let go is for the next publication. */
  discarded: ReadonlySet<string>;
};

/** The steps, and the image that is the wanted one, if it is there. */
export type Decision = { steps: Step[]; image: Image | undefined };

/**
 * All that it takes from here to have exactly the wanted image. Pure. In an order in which users always find a good one: a
 * new image is hidden until it is complete and verified, and old ones are hidden only after that.
 *
 * A `create`, `resume` or `publish` takes its time, and what follows it is only likely: it is decided again then, by
 * another look.
 */
export function decide(asked: Asked, found: Found): Decision {
  const image = found.own ?? sameImage(found);
  const refusal = refusalOf(asked, found, image);
  const { own } = found;
  if (refusal && own) return { image, steps: [{ do: 'discard', image: own, because: refusal.message }, refusal] };
  if (refusal) return { image, steps: [refusal] };
  const attaches = asked.signed && !own && image !== undefined && !isSigned(image);
  const retired = asked.replace ? retire(found.images, image, asked.replace) : [];
  return {
    image,
    steps: [
      ...preparation(asked, found, image, attaches),
      ...discards(found, image),
      ...mainStep(asked, found, image),
      ...retired,
      ...(attaches ? [{ do: 'attach' as const, image }] : []),
    ],
  };
}

/** The image with the same content that is there: the newest that is published, else one whose data is complete. */
function sameImage({ images, same, different, uploader }: Found): Image | undefined {
  const alike = images.filter(({ id, status }) => same.has(id) && !different.has(id) && status === 'active');
  const isResumable = (image: Image) => isUnfinished(image) && uploader(image) === 'gone';
  return alike.filter(isPublished).toSorted(newestFirst)[0] ?? alike.find(isResumable);
}

type Refusal = Extract<Step, { do: 'refuse' }>;

function refusalOf(asked: Asked, found: Found, image: Image | undefined): Refusal | undefined {
  const { wanted, replace } = asked;
  const { images, same, own, holder } = found;
  const busy = own ? undefined : busyImage(found);
  if (busy) {
    return {
      do: 'refuse',
      message: `${same.has(busy.id) ? 'the same image' : 'an image of that name'} is being uploaded to ${busy.id} (since ${busy.created_at})`,
      hint: `wait for it; if nobody does that any more, delete it: vmkiln image delete ${busy.id}`,
    };
  }
  const published = images.filter(isPublished);
  const deactivated = published.filter(({ id }) => same.has(id)).toSorted(newestFirst)[0];
  if (image === undefined && deactivated) {
    return {
      do: 'refuse',
      message: `the same image is there and deactivated: ${deactivated.id}`,
      hint: `reactivate it, if you may: vmkiln image reactivate ${deactivated.id}`,
    };
  }
  const visible = published.filter(({ id, os_hidden: hidden }) => id !== image?.id && !hidden);
  if (visible.length > 0 && !replace && appears(asked, found, image)) {
    return {
      do: 'refuse',
      message: `there is another image called ${wanted.name}: ${visible.map(({ id }) => id).join(', ')}`,
      hint: 'replace it (--replace, or `replace: true` in the recipe), or give this one another name',
    };
  }
  if (image === undefined && holder) {
    return {
      do: 'refuse',
      message: `the id ${holder.id} is that of ${holder.name ?? 'another image'} already`,
      hint: 'choose another id, or leave it out: each image has its own, and not even a deleted one gives it back',
    };
  }
  return undefined;
}

/** An upload of the same image that goes on elsewhere. One without a digest may become the same image. */
function busyImage({ images, same, uploader }: Found): Image | undefined {
  const maySame = (image: Image) => same.has(image.id) || !(sha256Property in image);
  return images.find((image) => isUnfinished(image) && maySame(image) && uploader(image) !== 'gone');
}

/** Whether an image becomes visible that was not. */
function appears({ wanted }: Asked, { own }: Found, image: Image | undefined): boolean {
  if (image === undefined) return true;
  return !wanted.hidden && (image.os_hidden || (own !== undefined && isUnfinished(own)));
}

/** What is done with the file before anything is changed in the cloud. */
function preparation(asked: Asked, { file, own }: Found, image: Image | undefined, attaches: boolean): Step[] {
  const isSent = !own && (image === undefined || isUnfinished(image));
  if (!isSent && !attaches) return [];
  const { disk_format: format } = asked.wanted;
  const converts = !asked.hasLocation && !isSameData(file.format, format);
  return [
    ...(converts ? [{ do: 'convert' as const, from: file.format, to: format }] : []),
    ...(!isSent && image ? [{ do: 'compare' as const, image }] : []),
    ...(asked.signed && !file.signed ? [{ do: 'sign' as const }] : []),
  ];
}

function discards({ images, uploader, discarded }: Found, kept: Image | undefined): Step[] {
  return images
    .filter((image) => isUnfinished(image) && uploader(image) === 'gone')
    .filter(({ id }) => id !== kept?.id && !discarded.has(id))
    .map((image) => ({ do: 'discard', image, because: `an upload that did not end: it is ${image.status}` }));
}

function mainStep({ wanted, method }: Asked, { own }: Found, image: Image | undefined): Step[] {
  if (image === undefined) return [{ do: 'create', method }];
  const patches = patchesFor(wanted, image);
  if (own) return isUnfinished(own) ? [{ do: 'publish', image: own, patches }] : [];
  if (isUnfinished(image)) return [{ do: 'resume', image }];
  return patches.length > 0 ? [{ do: 'update', image, patches }] : [];
}

/** Hides all but `kept`, and deletes what is beyond `keep`: only what vmkiln made, and never what is protected. */
function retire(images: readonly Image[], kept: Image | undefined, { keep }: { keep?: number | undefined }): Step[] {
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
