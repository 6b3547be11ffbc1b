import { VmkilnError } from '../errors.ts';
import { getImage, type Image, type ImageQuery, listImages, nameFilter } from '../openstack/image-api.ts';
import { ServiceError } from '../openstack/http.ts';
import type { CloudSession } from '../openstack/keystone.ts';
import { harmless, jsonText } from '../text.ts';

/** Options that every command about a cloud has. */
export type CloudOptions = { osCloud?: string; json?: boolean };

/**
 * An image by its id, or by its name if that is the only one; hidden images count only if no other has the name, and with
 * `pending` those that are shared with the project and not accepted only if none of its own has.
 *
 * @throws VmkilnError USAGE when there is none, or several
 */
export async function findByIdOrName(
  cloud: CloudSession,
  idOrName: string,
  signal: AbortSignal,
  { pending = false } = {},
): Promise<Image> {
  if (/^[0-9a-f-]{32,36}$/i.test(idOrName)) {
    try {
      return await getImage(cloud, idOrName, { signal });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 404) throw error;
    }
  }
  const places: ImageQuery[] = [[['os_hidden', 'false']], [['os_hidden', 'true']]];
  if (pending)
    places.push(...places.map((each) => [...each, ['visibility', 'shared'], ['member_status', 'all']] as const));
  for (const place of places) {
    const found = (await listImages(cloud, [nameFilter(idOrName), ...place], { signal })).filter(
      ({ name }) => name === idOrName,
    );
    if (found.length > 1) {
      throw new VmkilnError('USAGE', `${found.length} images are called ${idOrName}`, {
        hint: `name one by its id: ${found.map(({ id }) => id).join(', ')}`,
      });
    }
    if (found[0]) return found[0];
  }
  throw new VmkilnError('USAGE', `there is no image ${idOrName} in ${cloud.cloud.name}`, {
    hint: 'vmkiln image list --all shows those that are there',
  });
}

/** Prints a value as JSON, or what `words` makes of it. */
export function print(json: boolean | undefined, value: unknown, words: () => string): void {
  process.stdout.write(json ? `${jsonText(value)}\n` : harmless(words()));
}
