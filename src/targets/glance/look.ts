import { findImage, type Image, importMethods, listImages, listStores } from '../../openstack/image-api.ts';
import type { Session } from '../../openstack/keystone.ts';
import { openCloud } from '../../openstack/open-cloud.ts';
import type { GlanceSpec } from './recipe.ts';
import { chooseMethod, type Method } from './method.ts';
import type { Wanted } from './steps.ts';

/** One cloud of a `glance` entry of a recipe: `cloud` names it alone. */
export type GlancePlace = Omit<GlanceSpec, 'cloud'> & { cloud?: string | undefined };

/** What is known of a cloud before anything is decided. `holder` is the image that has the wanted id already. */
export type Scene = {
  session: Session;
  method: Method;
  stores: readonly string[];
  images: Image[];
  holder: Image | undefined;
};

/** How images get into a cloud, by what it offers and what the recipe asks for. @throws VmkilnError TARGET_FAILED */
export async function methodFor(
  session: Session,
  spec: GlancePlace,
  signal: AbortSignal,
): Promise<{ method: Method; stores: readonly string[] }> {
  const stores = spec.stores ?? [];
  const [offered, known] = await Promise.all([
    importMethods(session, { signal }),
    stores.length > 0 ? listStores(session, { signal }) : [],
  ]);
  const chosen = chooseMethod({
    cloud: session.cloud.name,
    wanted: spec.method,
    offered,
    known: known.map(({ id }) => id),
    stores,
    hasLocation: spec.location !== undefined,
    signed: spec.sign !== undefined,
  });
  return { method: chosen, stores };
}

/** Asks a cloud what a decision needs. Changes nothing. */
export async function look(wanted: Wanted, spec: GlancePlace, signal: AbortSignal): Promise<Scene> {
  const session = await openCloud(spec.cloud);
  const chosen = await methodFor(session, spec, signal);
  const images = await namedImages(session, wanted, signal);
  const { id } = wanted;
  const holder = id === undefined ? undefined : await findImage(session, id, { signal });
  return { session, ...chosen, images, holder };
}

/** The images of a name in the project, hidden and unfinished ones too. */
export async function namedImages(session: Session, { name, owner }: Wanted, signal: AbortSignal): Promise<Image[]> {
  const own = await session.project();
  const project = owner ?? own;
  // Those that another project shares with everybody are listed only when asked for.
  const kinds = project === own ? [[]] : [[], [['visibility', 'community']] as const];
  const lists = await Promise.all(
    kinds.flatMap((kind) =>
      ['false', 'true'].map((hidden) =>
        listImages(session, [['name', name], ['owner', project], ['os_hidden', hidden], ...kind], { signal }),
      ),
    ),
  );
  // Some clouds list public images of others even so.
  const found = lists.flat().filter((image) => image.owner === project && image.name === name);
  return [...new Map(found.map((image) => [image.id, image])).values()];
}
