import { type Image, type Patch, pointer } from '../../openstack/image-api.ts';
import type { Generation } from '../channel.ts';
import { demandPatches, isSnapshot } from './fence.ts';

/**
 * What an image is to channels, in its properties:
 *
 * - `vmkiln_channel_NAME` = `current`: it is shown as the image of the channel. Whoever has no vmkiln asks for this.
 * - `vmkiln_generation_NAME_N`: it was promoted, or gone back to, as generation N; the value is the time of it.
 * - `vmkiln_left_NAME_N`, in place of that: it was gone back from.
 * - `vmkiln_revoked`: since when nobody is to use it.
 *
 * The service has no `test` in its JSON patches (`_supported_operations` in glance/api/v2/images.py), but makes none of a patch
 * that removes or replaces a property which is not there. A generation is in the name for that reason, as a serial is: a step that was
 * decided by an older look at the image is refused. It writes an image and its properties in one transaction (`_image_update` in
 * glance/db/sqlalchemy/api.py), and its tags in another, which is why none of this is a tag.
 */
const shownPrefix = 'vmkiln_channel_';
const revokedProperty = 'vmkiln_revoked';
const signedProperty = 'vmkiln_signed_by';
/** Digests of the media that an image was made from: of its base image, if it has one. */
const mediaProperty = 'vmkiln_media_sha256';

const markForm = /^vmkiln_(generation|left)_([a-z0-9.-]+)_(\d{1,15})$/;

type Mark = { name: string; channel: string; left: boolean; generation: Generation; since: string };

export function shownProperty(channel: string): string {
  return `${shownPrefix}${channel}`;
}

export const shownValue = 'current';

/** The names of the channels that an image has ever been in. */
export function channelsOf(image: Image): string[] {
  return [...new Set(marksOf(image).map(({ channel }) => channel))];
}

/** Whether a channel has this image: whoever asks for the channel finds it. */
export function isInChannel(image: Image): boolean {
  return Object.keys(image).some((name) => name.startsWith(shownPrefix)) && !isRevoked(image) && !isSnapshot(image);
}

/** Whether a channel may go back to an image. */
export function mayReturn(image: Image): boolean {
  return !isRevoked(image) && channelsOf(image).some((channel) => markOf(image, channel)?.left === false);
}

export function isRevoked(image: Image): boolean {
  return revokedProperty in image;
}

/** Digests of the media that an image was made from; undefined when nobody has said. */
export function mediaOf(image: Image): string[] | undefined {
  const value = image[mediaProperty];
  return typeof value === 'string' ? value.split(' ').filter((each) => each !== '') : undefined;
}

/** The property that says what an image was made from. */
export function mediaProperties(media: readonly string[]): Record<string, string> {
  return media.length > 0 ? { [mediaProperty]: [...new Set(media)].join(' ') } : {};
}

/** Since when an image is that of a channel, in ISO 8601. */
export function sinceOf(image: Image, channel: string): string | undefined {
  return markOf(image, channel)?.since;
}

/** Id of the key that signed the statements about an image, if a signature was asked for. */
export function signerOf(image: Image): string | undefined {
  const signedBy = image[signedProperty];
  return typeof signedBy === 'string' ? signedBy : undefined;
}

/** The changes by which an image becomes that of a channel. `more` are properties that it gets with that. */
export function raisePatches(
  image: Image,
  channel: string,
  generation: Generation,
  more: { signedBy?: string | undefined; media?: readonly string[] | undefined; at: string },
): Patch[] {
  return [
    ...demandPatches(image),
    ...marksOf(image, channel).map(({ name }) => removal(name)),
    set(`vmkiln_generation_${channel}_${generation}`, more.at),
    set(shownProperty(channel), shownValue),
    ...Object.entries(mediaProperties(more.media ?? [])).map(([name, value]) => set(name, value)),
    ...(more.signedBy === undefined ? [] : [set(signedProperty, more.signedBy)]),
    hidden(false),
  ];
}

/** The changes after which a channel does not go back to an image. */
export function leavePatches(image: Image, channel: string): Patch[] {
  const mark = markOf(image, channel);
  if (mark === undefined) return [];
  return [
    ...marksOf(image, channel).map(({ name }) => removal(name)),
    set(`vmkiln_left_${channel}_${mark.generation}`, mark.since),
  ];
}

/** The changes by which an image is not shown any more as that of a channel; what is that of another one stays in lists. */
export function dropPatches(image: Image, channel: string): Patch[] {
  const demands = marksOf(image, channel).map(({ name, since }): Patch => ({ ...set(name, since), op: 'replace' }));
  return [...demands, removal(shownProperty(channel)), ...hiding(image, channel)];
}

/** The changes by which an image is revoked. It leaves its channels, so that nobody who has looked before goes back to it. */
export function revokePatches(image: Image, at: string): Patch[] {
  return [
    ...channelsOf(image).flatMap((channel) => leavePatches(image, channel)),
    set(revokedProperty, at),
    hidden(true),
  ];
}

/** Makes lists show an image that is that of a channel. */
export const unhidePatch = hidden(false);

function hiding(image: Image, channel: string): Patch[] {
  const { [shownProperty(channel)]: _, ...rest } = image;
  return isInChannel(rest as Image) ? [] : [hidden(true)];
}

/** How an image stands in a channel; undefined when it never was in it. */
export function markOf(image: Image, channel: string): Mark | undefined {
  return marksOf(image, channel).toSorted((a, b) => b.generation - a.generation || Number(b.left) - Number(a.left))[0];
}

/** Several at once when somebody raised it who did not see both. */
function marksOf(image: Image, channel?: string): Mark[] {
  return Object.entries(image).flatMap(([name, value]) => {
    const [, kind, of, generation] = markForm.exec(name) ?? [];
    if (of === undefined || (channel !== undefined && of !== channel)) return [];
    return [{ name, channel: of, left: kind === 'left', generation: Number(generation), since: String(value) }];
  });
}

function hidden(value: boolean): Patch {
  return { op: 'replace', path: '/os_hidden', value };
}

function set(name: string, value: string): Patch {
  return { op: 'add', path: pointer(name), value };
}

function removal(name: string): Patch {
  return { op: 'remove', path: pointer(name) };
}
