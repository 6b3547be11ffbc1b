import type { Recipe } from './recipe.ts';

/** The role of a ready image, the disk that a build starts from instead of an empty one. Every other role is its family's. */
export const readyImage = 'image';

/** What the name of a channel is like, which a ready image may be taken from. */
export const channelForm = /^[a-z0-9][a-z0-9.-]{0,62}$/;

const channelScheme = 'channel:';

/** A channel as the place of a medium: as text, since that is what a place is. */
export function channelSource(channel: string, place: string): string {
  return `${channelScheme}//${channel}?in=${encodeURIComponent(place)}`;
}

/** The channel that the place of a medium names, and where it is; undefined for a path or another URL. */
export function channelOf(source: string): { channel: string; place: string } | undefined {
  if (!source.startsWith(`${channelScheme}//`)) return undefined;
  const [channel = '', place = ''] = source.slice(channelScheme.length + 2).split('?in=');
  return { channel, place: decodeURIComponent(place) };
}

/** Whether a place is a folder, and not a cloud. */
export function isFolder(place: string): boolean {
  return /^[./~]/.test(place) || place.endsWith('/');
}

/** The media that a `source` may name, by their role, which is their key in it, and the key of each one's checksum. */
export type MediaKeys = Readonly<Record<string, string>>;

/** A medium of a recipe: its role, and where it and its checksum are found. */
type NamedMedium = { role: string; source: string; sha256?: string };

/** The media that a `source` names, in the order of their keys. */
export function mediaOf(source: Recipe['source'], keys: MediaKeys): NamedMedium[] {
  const text = (key: string) => (typeof source[key] === 'string' ? source[key] : undefined);
  return Object.entries(keys).flatMap(([role, checksum]) => {
    const [place, sha256] = [text(role), text(checksum)];
    return place === undefined ? [] : [{ role, source: place, ...(sha256 && { sha256 }) }];
  });
}

/** A `source` with every place and checksum replaced by what the functions make of them. */
export function mapMedia(
  source: Recipe['source'],
  keys: MediaKeys,
  place: (text: string, role: string) => string,
  checksum: (text: string) => string,
): Recipe['source'] {
  const changed = mediaOf(source, keys).flatMap(({ role, source: text, sha256 }) => [
    [role, place(text, role)],
    ...(sha256 === undefined ? [] : [[keys[role], checksum(sha256)]]),
  ]);
  return { ...source, ...Object.fromEntries(changed) };
}
