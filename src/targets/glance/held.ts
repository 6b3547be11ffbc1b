import type { Image } from '../../openstack/image-api.ts';
import type { Held } from '../channel.ts';
import { isRevoked, markOf, shownProperty, shownValue, signerOf } from './channel-marks.ts';
import { serialOf } from './fence.ts';
import { isMadeHere, isPublished } from './record.ts';

/** What an image is to a channel. A snapshot of an instance inherits the properties of its image, and is nothing to it. */
export function heldOf(image: Image, channel: string): Held {
  const mark = markOf(image, channel);
  return {
    id: image.id,
    serial: serialOf(image),
    generation: mark?.generation,
    shown: image[shownProperty(channel)] === shownValue,
    left: mark?.left ?? false,
    revoked: isRevoked(image),
    usable: isPublished(image) && image.status === 'active' && isMadeHere(image),
    signedBy: signerOf(image),
  };
}
