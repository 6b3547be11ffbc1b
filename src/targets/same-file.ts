import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { VmkilnError } from '../errors.ts';
import { isSame } from '../store/identity.ts';
import type { ImageToPublish } from './target.ts';

/**
 * Looks at the file of an image again: before it is read, or after something else has read it.
 *
 * @throws VmkilnError TARGET_FAILED when it is not the one any more that was inspected, or whose digest was computed.
 */
export async function sameFile({ path, size, identity }: ImageToPublish): Promise<BigIntStats> {
  const stats = await stat(path, { bigint: true });
  if (Number(stats.size) === size && (!identity || isSame(identity, stats))) return stats;
  throw new VmkilnError('TARGET_FAILED', `${path} changed after its checksum was computed`, {
    hint: 'wait until whatever writes it has finished; if it is the image of a build, build it again',
  });
}
