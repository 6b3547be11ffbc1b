import type { Image } from '../../openstack/image-api.ts';
import type { Method } from './method.ts';
import { hintForOlder, higher, noSerial } from '../serial.ts';
import { isBelow, isRetired, type Rank, rankOf, serialOf, serialProperty } from './fence.ts';
import {
  isMadeHere,
  isPublished,
  isSigned,
  isUnfinished,
  patchesFor,
  sha256Property,
  showingPatches,
  type Wanted,
} from './record.ts';
import { newestFirst, retire } from './retire.ts';
import type { Step } from './step.ts';

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
  /** What the cloud says the time is, in milliseconds since 1970. */
  clock: number | undefined;
  /** The file as it is at hand. */
  file: { format: string; signed: boolean };
  /** The image that this publication has made or taken up: complete, and verified. */
  own: Image | undefined;
  /** Whether its image, or the one with the same content, has been changed by it. */
  touched: boolean;
  /** Ids of unfinished images whose data turned out not to be that of the file. */
  different: ReadonlySet<string>;
  /** Ids of unfinished images that were discarded. What the cloud did not let go is for the next publication. */
  discarded: ReadonlySet<string>;
};

/** The steps, and the image that is the wanted one, if it is there. */
export type Decision = { steps: Step[]; image: Image | undefined };

/**
 * All that it takes from here to have exactly the wanted image. Pure. In an order in which users always find a good one: a
 * new image is hidden until it is complete and verified, and old ones are hidden only after that. What has a higher serial
 * is neither hidden nor deleted.
 *
 * A `create`, `resume`, `publish` or `update` takes its time, and what follows it is only likely: it is decided again
 * then, by another look.
 */
export function decide(asked: Asked, found: Found): Decision {
  const image = ownImage(found) ?? sameImage(asked, found);
  const first = firstOf(asked, found);
  if (first) return leaveTo(first, asked, found);
  const newer = newerThan(asked, found, image);
  if (newer && image && found.touched && !isUnfinished(image)) {
    return { image, steps: isShown(image, found) ? [{ do: 'yield', image, to: newer }] : [] };
  }
  const refusal = refusalOf(asked, found, image, newer);
  if (refusal) return { image, steps: [...(image && found.own ? discardOf(image, refusal.message) : []), refusal] };
  const isOlder = image !== undefined && isPublished(image) && serialOf(image) > asked.wanted.serial;
  const attaches = asked.signed && !found.own && image !== undefined && !isSigned(image) && !isOlder;
  const main = isOlder ? [] : mainStep(asked, found, image);
  const isSeen = !asked.wanted.hidden && (main.length > 0 || isShown(image, found));
  return {
    image,
    steps: [
      ...preparation(asked, found, image, attaches),
      ...discards(asked, found, image),
      ...main,
      ...(asked.replace && isSeen ? retire(found.images, image, asked.replace.keep) : []),
      ...(attaches ? [{ do: 'attach' as const, image }] : []),
    ],
  };
}

/** The image of this publication, as the cloud has it by the last look. */
function ownImage({ own, images }: Found): Image | undefined {
  return own && (images.find(({ id }) => id === own.id) ?? own);
}

/**
 * The image that was published in place of this one: by the same publication, which somebody has repeated with other bytes. Of these the first stays.
 */
function firstOf({ wanted }: Asked, { images, same, own, touched }: Found): Image | undefined {
  const { serial, properties } = wanted;
  if (touched || serial === noSerial) return undefined;
  // One that says it is the same and is not has the properties of another.
  const isOther = (image: Image) => !same.has(image.id) && image[sha256Property] !== properties[sha256Property];
  const isFirst = (image: Image) => isMadeHere(image) && serialOf(image) === serial && isOther(image);
  const published = images.filter(isPublished);
  if (published.some((image) => serialOf(image) > serial)) return undefined;
  return published.filter((image) => isFirst(image) && image.id !== own?.id).toSorted(highestFirst)[0];
}

function highestFirst(one: Image, other: Image): number {
  return isBelow(rankOf(one), rankOf(other)) ? 1 : -1;
}

/** Whoever published the first may not have come to put the older ones away. */
function leaveTo(first: Image, asked: Asked, found: Found): Decision {
  const isSeen = !first.os_hidden;
  return {
    image: first,
    steps: [
      ...discards(asked, found, undefined),
      { do: 'leave', image: first },
      ...(asked.replace && isSeen ? retire(found.images, first, asked.replace.keep) : []),
    ],
  };
}

/** Whether whoever looks finds it. */
function isShown(image: Image | undefined, { images }: Found): boolean {
  return images.some((each) => each.id === image?.id && isPublished(each) && !each.os_hidden);
}

/** Where the image stands in the end; one that is still to be made is above those of the same serial. */
function rankIn({ wanted }: Asked, image: Image | undefined): Rank {
  const { serial } = wanted;
  if (image === undefined) return { serial, id: '~' };
  return { serial: isPublished(image) ? higher(serialOf(image), serial) : serial, id: image.id };
}

/** The highest image, if this is not the one that is published here. */
function newerThan(asked: Asked, { images }: Found, image: Image | undefined): Image | undefined {
  const rank = rankIn(asked, image);
  const newer = images.filter((each) => each.id !== image?.id && isPublished(each) && isBelow(rank, rankOf(each)));
  return newer.toSorted(newestFirst)[0];
}

/** The image with the same content that is there: the newest that is published, else one whose data is complete. */
function sameImage(asked: Asked, found: Found): Image | undefined {
  const { images, same, different } = found;
  const alike = images.filter(({ id, status }) => same.has(id) && !different.has(id) && status === 'active');
  const isResumable = (image: Image) => isUnfinished(image) && isAbandoned(asked, found, image);
  return alike.filter(isPublished).toSorted(newestFirst)[0] ?? alike.find(isResumable);
}

/**
 * Whether nobody is to finish an unfinished image: its uploader is gone, or it is of this very publication, which is repeated here. Who has made a
 * record takes none over, so that two do not go on doing it to each other.
 */
function isAbandoned({ wanted }: Asked, { uploader, own }: Found, image: Image): boolean {
  const who = uploader(image);
  const isRepeated = own === undefined && wanted.serial !== noSerial && serialOf(image) === wanted.serial;
  return who === 'gone' || (who === 'elsewhere' && isRepeated);
}

type Refusal = Extract<Step, { do: 'refuse' }>;

function refusalOf(
  asked: Asked,
  found: Found,
  image: Image | undefined,
  newer: Image | undefined,
): Refusal | undefined {
  const { wanted, replace } = asked;
  const { images, same, own, touched, holder } = found;
  if (own && image && isRetired(image)) {
    return {
      do: 'refuse',
      message: `the record ${image.id} was taken away from this publication`,
      hint: 'another host repeats it: see what is there, or build the image again',
    };
  }
  // Who has taken its image up already has nothing to wait for: it has to put the older ones away.
  const busy = own || touched ? undefined : busyImage(asked, found);
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
  if (newer) {
    const [theirs, ours] = [serialOf(newer), wanted.serial];
    return {
      do: 'refuse',
      message: `a newer image called ${wanted.name} is there: ${newer.id}, of ${theirs}, and this one is of ${ours}`,
      hint: hintForOlder(theirs, found.clock, `vmkiln image unset ${newer.id} --property ${serialProperty(theirs)}`),
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
function busyImage(asked: Asked, found: Found): Image | undefined {
  const maySame = (image: Image) => found.same.has(image.id) || !(sha256Property in image);
  return found.images.find((image) => isUnfinished(image) && maySame(image) && !isAbandoned(asked, found, image));
}

/** Whether an image becomes visible that was not. */
function appears({ wanted }: Asked, { own }: Found, image: Image | undefined): boolean {
  if (image === undefined) return true;
  return !wanted.hidden && (image.os_hidden || (own !== undefined && isUnfinished(image)));
}

/** What is done with the file before anything is changed in the cloud. */
function preparation(asked: Asked, { file, own }: Found, image: Image | undefined, attaches: boolean): Step[] {
  const isSent = !own && (image === undefined || isUnfinished(image));
  if (!isSent && !attaches) return [];
  const { disk_format: format } = asked.wanted;
  const converts = !asked.hasLocation && file.format !== format;
  return [
    ...(converts ? [{ do: 'convert' as const, from: file.format, to: format }] : []),
    ...(!isSent && image && !file.signed ? [{ do: 'compare' as const, image }] : []),
    ...(asked.signed && !file.signed ? [{ do: 'sign' as const }] : []),
  ];
}

function discardOf(image: Image, because: string): Step[] {
  return isUnfinished(image) ? [{ do: 'discard', image, because }] : [];
}

function discards(asked: Asked, found: Found, kept: Image | undefined): Step[] {
  const { images, discarded } = found;
  return images
    .filter((image) => isUnfinished(image) && isAbandoned(asked, found, image))
    .filter(({ id }) => id !== kept?.id && !discarded.has(id))
    .map((image) => ({ do: 'discard', image, because: `an upload that did not end: it is ${image.status}` }));
}

function mainStep({ wanted, method }: Asked, { own, touched }: Found, image: Image | undefined): Step[] {
  if (image === undefined) return [{ do: 'create', method }];
  if (isUnfinished(image)) {
    return own ? [{ do: 'publish', image, patches: patchesFor(wanted, image) }] : [{ do: 'resume', image }];
  }
  // What the service did not take over is not asked for again; whether the image is seen is another matter.
  const patches = touched ? showingPatches(wanted, image) : patchesFor(wanted, image);
  return patches.length > 0 ? [{ do: 'update', image, patches }] : [];
}
