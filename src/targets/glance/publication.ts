import { stat } from 'node:fs/promises';
import type { CloudSession } from '../../openstack/keystone.ts';
import type { Source } from '../../openstack/send-file.ts';
import { identityOf } from '../../store/identity.ts';
import { sameFile } from '../same-file.ts';
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
  const original = await sameFile(image);
  const stats = path === image.path ? original : await stat(path, { bigint: true });
  return { path, size: Number(stats.size), identity: identityOf(stats) };
}
