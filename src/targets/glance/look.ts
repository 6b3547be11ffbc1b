import { wayTo } from '../../images/disk-format.ts';
import { findImage, type Image, importMethods, listImages, listStores, nameFilter } from '../../openstack/image-api.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import type { ImageToPublish, TargetContext } from '../target.ts';
import { chooseMethod, type Method } from './method.ts';
import type { GlancePlace } from './recipe.ts';
import { hasDataAsPublished, isMadeHere, isUnfinished, sha256Property, type Wanted } from './record.ts';
import { digestOf } from './verify.ts';

/** How images get into a cloud. */
export type Way = { method: Method; stores: readonly string[] };

/** How images get into a cloud, by what it offers and what the recipe asks for. @throws VmkilnError TARGET_FAILED */
export async function wayInto(session: CloudSession, spec: GlancePlace, signal: AbortSignal): Promise<Way> {
  const stores = spec.stores ?? [];
  const [offered, known] = await Promise.all([
    importMethods(session, { signal }),
    stores.length > 0 ? listStores(session, { signal }) : [],
  ]);
  const method = chooseMethod({
    cloud: session.cloud.name,
    wanted: spec.method,
    offered,
    known: known.map(({ id }) => id),
    stores,
    hasLocation: spec.location !== undefined,
    signed: spec.sign !== undefined,
  });
  return { method, stores };
}

/** What a cloud has of a name. `holder` is the image that has the wanted id already, `clock` its time (as `CloudSession` has it). */
export type Look = { images: Image[]; holder: Image | undefined; clock: number | undefined };

/** Asks a cloud what a decision needs. Changes nothing. */
export async function look(session: CloudSession, wanted: Wanted, signal: AbortSignal): Promise<Look> {
  const images = await namedImages(session, wanted, signal);
  const { id } = wanted;
  const holder = id === undefined ? undefined : await findImage(session, id, { signal });
  return { images, holder, clock: session.clock() };
}

/** The images of a name in the project, hidden and unfinished ones too. */
async function namedImages(session: CloudSession, { name, owner }: Wanted, signal: AbortSignal): Promise<Image[]> {
  const own = await session.project(signal);
  const project = owner ?? own;
  // Those that another project shares with everybody are listed only when asked for.
  const kinds = project === own ? [[]] : [[], [['visibility', 'community']] as const];
  const list = (hidden: boolean) =>
    Promise.all(
      kinds.map((kind) =>
        listImages(session, [nameFilter(name), ['owner', project], ['os_hidden', String(hidden)], ...kind], { signal }),
      ),
    );
  // One after the other, so that an image that is shown meanwhile is in one of them at least.
  const lists = [...(await list(true)), ...(await list(false))];
  // Some clouds list public images of others even so.
  const found = lists.flat().filter((image) => image.owner === project && image.name === name);
  return [...new Map(found.map((image) => [image.id, image])).values()];
}

/**
 * Ids of the images that have the content of this one. An image of vmkiln has it by its property, if its data is what the property says: by the
 * service's hash, or, where the service has made another format of it, as it was when it was published. One of another tool has it by the
 * service's hash alone, for which the file is read.
 */
export async function sameImages(
  images: readonly Image[],
  image: ImageToPublish,
  world: Pick<TargetContext, 'signal' | 'progress'>,
): Promise<Set<string>> {
  const same = new Set<string>();
  let hash = image.sha512;
  for (const there of images) {
    const isOurs = image.sha256 !== '' && isMadeHere(there) && there[sha256Property] === image.sha256;
    if (isOurs && (await hasItsData(there, image, world))) same.add(there.id);
    const isAlike = there.size === image.size && wayTo(there.disk_format ?? '', image.format) === 'as it is';
    if (sha256Property in there || !isAlike || there.os_hash_algo !== 'sha512' || image.path === '') continue;
    hash ??= await digestOf(image, 'sha512', world);
    if (there.os_hash_value === hash) same.add(there.id);
  }
  return same;
}

/** Whether an image has the data of this one, whose digest it names. What is unfinished is looked at when it is taken up. */
async function hasItsData(
  there: Image,
  image: ImageToPublish,
  world: Pick<TargetContext, 'signal' | 'progress'>,
): Promise<boolean> {
  const { os_hash_algo: algorithm, os_hash_value: value } = there;
  if (isUnfinished(there)) return true;
  const isAlike = wayTo(there.disk_format ?? '', image.format) === 'as it is';
  // A service that hashes nothing.
  if (!algorithm || !value) return !isAlike || there.size === image.size;
  if (!isAlike) return hasDataAsPublished(there);
  if (there.size !== image.size) return false;
  const known = algorithm === 'sha256' ? image.sha256 : algorithm === 'sha512' ? image.sha512 : undefined;
  if (known !== undefined) return known === value;
  return hasDataAsPublished(there) || (image.path !== '' && (await digestOf(image, algorithm, world)) === value);
}
