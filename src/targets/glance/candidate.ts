import { VmkilnError } from '../../errors.ts';
import type { Image } from '../../openstack/image-api.ts';
import type { Candidate } from '../channel-place.ts';
import { isRevoked, mediaOf } from './channel-marks.ts';
import { hasDataAsPublished, isImitation, isMadeHere, isPublished, sha256Property } from './record.ts';
import { newestFirst } from './retire.ts';

/**
 * The image that somebody means by an id or a name: of several with the name the newest. Pure.
 *
 * @throws VmkilnError USAGE when vmkiln has published none, CHANNEL_REFUSED for other data with the properties of one
 */
export function findCandidate(images: readonly Image[], wanted: string, cloud: string): Candidate {
  const found = images.filter(({ id, name }) => id === wanted || name === wanted);
  const usable = found.filter((each) => isPublished(each) && isMadeHere(each));
  const newest = usable.find(({ id }) => id === wanted) ?? usable.toSorted(newestFirst)[0];
  if (newest) return candidateOf(newest);
  const imitation = found.find(isImitation);
  if (imitation) {
    const what = `${imitation.id} has the properties of an image of vmkiln, and other data`;
    throw new VmkilnError('CHANNEL_REFUSED', what, {
      hint: 'find out who made it, and delete it; what is to be promoted has to be published by vmkiln',
    });
  }
  const why = found.length > 0 ? ' that vmkiln has published' : '';
  throw new VmkilnError('USAGE', `there is no image ${wanted}${why} in ${cloud}`, {
    hint: 'vmkiln image list --all shows those that are there; say where it is: --os-cloud, --in',
  });
}

/** An image as whoever promotes or revokes it has to know it. Pure. */
export function candidateOf(image: Image): Candidate {
  const { id, name } = image;
  return {
    id,
    name: name ?? id,
    sha256: String(image[sha256Property]),
    build: String(image['vmkiln_build'] ?? ''),
    rehearsal: 'vmkiln_rehearsal' in image,
    revoked: isRevoked(image),
    data: {
      algorithm: image.os_hash_algo ?? undefined,
      digest: image.os_hash_value ?? undefined,
      asPublished: hasDataAsPublished(image),
    },
    media: mediaOf(image),
  };
}
