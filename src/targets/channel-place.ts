import { VmkilnError } from '../errors.ts';
import type { End, Generation } from './channel.ts';
import type { Serial } from './serial.ts';

/**
 * Data as a service hashes it: the algorithm, as hashlib of Python names it, and the digest in lower-case hex, if it tells; and whether that is what
 * it was when vmkiln published it.
 */
export type PlaceData = { algorithm: string | undefined; digest: string | undefined; asPublished: boolean };

/** An image of a place, as whoever promotes or revokes it has to know it. */
export type Candidate = {
  /** What the place calls it: the name of a file, the id of an image. */
  id: string;
  name: string;
  sha256: string;
  build: string;
  rehearsal: boolean;
  revoked: boolean;
  /** What the place says of its data, where that need not be what the rest says. */
  data?: PlaceData;
  /** The statements that lie beside it there. */
  statements?: string | undefined;
  /** Digests of the media that it was made from, where the place knows them by itself. */
  media?: readonly string[] | undefined;
};

/** What a promotion is about, besides its image. */
export type Promotion = {
  channel: string;
  /** Although the image of the channel has a higher serial. */
  older: boolean;
  /** Id of the key that signed the statements about it, if a signature was asked for. */
  signedBy?: string | undefined;
  /** Digests of the media that it was made from. */
  media: readonly string[];
};

/** An image of a channel. `--json` prints it as it is. Times are in ISO 8601. */
export type ChannelImage = {
  /** Absolute path, or the id of an image in a cloud. */
  location: string;
  name: string;
  format: string;
  sha256: string;
  serial: Serial;
  build: string;
  generation: Generation;
  since?: string | undefined;
  signedBy?: string | undefined;
};

/** A channel as it is: `earlier` are the images that it can go back to, the nearest first. */
export type ChannelState = {
  channel: string;
  generation: Generation;
  image: ChannelImage | null;
  earlier: ChannelImage[];
};

/** What became of a change. `now` is the image that the channel has after it, whoever promoted that. */
export type Outcome = { end: End; channel: ChannelState };

/** The channels of one place. Everything throws VmkilnError. */
export type ChannelPlace = {
  name: string;
  /**
   * @param options `damaged`: also one whose data is not what it was when it was published, which is known by what was said of it.
   * @throws VmkilnError USAGE when there is no such image
   */
  find(image: string, options?: { damaged: boolean }): Promise<Candidate>;
  /** Every image that could be promoted, or was. */
  all(): Promise<Candidate[]>;
  /** @throws VmkilnError CHANNEL_REFUSED */
  promote(candidate: Candidate, promotion: Promotion): Promise<Outcome>;
  /** @throws VmkilnError CHANNEL_REFUSED */
  rollback(channel: string): Promise<Outcome>;
  /** Has all channels leave these images, for good. Gives the channels that had one of them. */
  revoke(candidates: readonly Candidate[]): Promise<ChannelState[]>;
  channels(): Promise<ChannelState[]>;
  /** The image of a channel as it is at this moment. @throws VmkilnError CHANNEL_REFUSED when it has none */
  resolve(channel: string): Promise<ChannelImage>;
};

/** What to say of a channel that has no image, or is none. */
export function noImage(channel: string, place: string, isKnown: boolean): VmkilnError {
  return isKnown
    ? new VmkilnError('CHANNEL_REFUSED', `${channel} in ${place} has no image: all that it had are revoked or gone`, {
        hint: `promote another one: vmkiln promote IMAGE --to ${channel}`,
      })
    : new VmkilnError('CHANNEL_REFUSED', `there is no channel ${channel} in ${place}`, {
        hint: 'vmkiln channels lists those that are there; the first promotion to one makes it',
      });
}
