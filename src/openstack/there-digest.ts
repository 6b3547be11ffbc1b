import { createHash, getHashes, type Hash } from 'node:crypto';
import { VmkilnError } from '../errors.ts';
import type { Image } from './image-api.ts';

/** A digest under way that ought to become the one that the service has. `isRight` ends it. */
type ThereDigest = { hash: Hash; algorithm: string; isRight: () => boolean; wrong: () => VmkilnError };

/** The digest to compare the data of an image with: `os_hash_value`, or the MD5 of older services; undefined without either. */
export function digestAsThere(image: Image): ThereDigest | undefined {
  const { id, os_hash_algo: algo, os_hash_value: value, checksum } = image;
  const isKnown = algo && value && getHashes().includes(algo);
  const [algorithm, wanted] = isKnown ? [algo, value] : ['md5', checksum];
  if (!wanted) return undefined;
  const hash = createHash(algorithm);
  return {
    hash,
    algorithm,
    isRight: () => hash.digest('hex') === wanted.toLowerCase(),
    wrong: () =>
      new VmkilnError('CLOUD_FAILED', `what came of ${id} is not what the service has: its ${algorithm} differs`, {
        hint: 'save it again; if it happens twice, a proxy in between or the store of the cloud changes data',
      }),
  };
}
