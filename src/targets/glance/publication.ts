import { stat } from 'node:fs/promises';
import { VmkilnError } from '../../errors.ts';
import { identityOf, isSame } from '../../media/hash.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import type { Source } from '../../openstack/send-file.ts';
import type { TargetContext } from '../target.ts';
import type { GlancePlace } from './recipe.ts';
import type { Known } from './survey.ts';
import { wantedImage } from './wanted.ts';

/** A publication under way. */
export type Publication = {
  session: CloudSession;
  spec: GlancePlace;
  context: TargetContext;
  /** Marks its image as unfinished. */
  mark: string;
  known: Known;
  /** The file to send, once it was looked at. */
  source?: Source;
};

/**
 * The file to send, or to compare with what the cloud has. It is looked at once, so that any later change is seen.
 *
 * @returns undefined when there is none here, or what the cloud fetches cannot be compared with it: it is in another format.
 * @throws VmkilnError TARGET_FAILED when it is not the file any more whose digest was computed.
 */
export async function sourceOf(publication: Publication): Promise<Source | undefined> {
  const { known, spec } = publication;
  const { image, file } = known;
  const isOther = spec.location !== undefined && image.format !== wantedImage(image, spec).disk_format;
  if (file.path === '' || isOther) return undefined;
  publication.source ??= await lookAtFile(known);
  return publication.source;
}

async function lookAtFile({ image, file }: Known): Promise<Source> {
  const { path } = file;
  const stats = await stat(path, { bigint: true });
  const original = path === image.path ? stats : await stat(image.path, { bigint: true });
  const isGood = image.identity ? isSame(image.identity, original) : Number(original.size) === image.size;
  if (isGood) return { path, size: Number(stats.size), identity: identityOf(stats) };
  throw new VmkilnError('TARGET_FAILED', `${image.path} changed after its checksum was computed`, {
    hint: 'wait until whatever writes it has finished; if it is the image of a build, build it again',
  });
}
