import { rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { VmkilnError } from '../errors.ts';
import type { Published } from '../model.ts';
import { readCloud } from '../openstack/clouds-yaml.ts';
import { ServiceError } from '../openstack/http.ts';
import { deleteImage, type Image, importMethods, listImages, listStores, patchImage } from '../openstack/image-api.ts';
import { openSession, type Session } from '../openstack/keystone.ts';
import { checkProperties, readDefinitions } from '../openstack/metadefs.ts';
import type { Source } from '../openstack/send-file.ts';
import type { GlanceSpec } from '../recipe/glance.ts';
import { withLock } from '../store/lock.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../store/process.ts';
import { chooseMethod, type Method } from './glance-method.ts';
import {
  describeSteps,
  planSteps,
  sha256Property,
  type Step,
  type Uploader,
  uploadingProperty,
  type Wanted,
} from './glance-plan.ts';
import { signImage } from './glance-sign.ts';
import { discard, publishImage, type Upload, uploadImage } from './glance-upload.ts';
import { digestOf, verifyUpload } from './glance-verify.ts';
import { wantedImage } from './glance-wanted.ts';
import { convertImage } from './glance-convert.ts';
import type { ImageToPublish, Target, TargetContext } from './target.ts';

/** One cloud of a `glance` entry of a recipe: `cloud` names it alone. */
export type GlancePlace = Omit<GlanceSpec, 'cloud'> & { cloud?: string | undefined };

/** Publishes to the Image service of OpenStack. */
export const glance: Target<GlancePlace> = { check, changes, publish };

/** What is known of a cloud before anything is decided. */
type Scene = { session: Session; method: Method; stores: readonly string[]; images: Image[] };

/** One entry per cloud: each is published to on its own. */
export function placesOf({ cloud, ...spec }: GlanceSpec): GlancePlace[] {
  return (Array.isArray(cloud) ? cloud : [cloud]).map((each) => ({ ...spec, cloud: each }));
}

/** Opens the cloud `CLOUD` or `CLOUD/REGION`, or that of the environment. @throws VmkilnError USAGE */
export async function openCloud(place: string | undefined): Promise<Session> {
  const [cloud, region] = place?.split('/') ?? [];
  return openSession(await readCloud({ cloud, region, env: process.env, cwd: process.cwd() }));
}

async function check(spec: GlancePlace): Promise<void> {
  const session = await openCloud(spec.cloud);
  const signal = AbortSignal.timeout(60_000);
  await method(session, spec, signal);
}

async function changes(image: ImageToPublish, spec: GlancePlace): Promise<string[]> {
  const signal = new AbortController().signal;
  const wanted = wantedImage(image, spec);
  const scene = await look(wanted, spec, signal);
  await checkAll(scene.session, wanted, signal);
  const { steps, same } = await decide(image, wanted, scene, spec, { signal, progress: () => undefined });
  const how = `${scene.method === 'put' ? 'uploaded directly' : `by ${scene.method}`}${
    image.format === wanted.disk_format || spec.location ? '' : `, converted here from ${image.format}`
  }${spec.sign ? ', signed' : ''}`;
  const late = spec.sign && lacksSignature(same) ? [`~   img_signature of ${same?.id}: nothing → a signature`] : [];
  return [...describeSteps(wanted, steps, how), ...late];
}

async function publish(image: ImageToPublish, spec: GlancePlace, context: TargetContext): Promise<Published> {
  const { signal } = context;
  const wanted = wantedImage(image, spec);
  try {
    const session = await openCloud(spec.cloud);
    const key = `glance ${session.cloud.auth['auth_url']} ${session.cloud.region} ${await session.project()} ${wanted.name}`;
    const waiting = () => context.progress(`waiting for another upload of ${wanted.name} to ${session.cloud.name}`);
    // The lock says that whatever this host has left there unfinished has no living owner.
    return await withLock('/', key, { signal, waiting }, () => publishLocked(image, spec, context));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new VmkilnError('TARGET_FAILED', `cannot publish ${wanted.name}: ${error.message}`, {
      ...(error.hint && { hint: error.hint }),
      cause: error,
    });
  }
}

async function publishLocked(given: ImageToPublish, spec: GlancePlace, context: TargetContext): Promise<Published> {
  const { signal, progress, note } = context;
  const scene = await look(wantedImage(given, spec), spec, signal);
  const image = await withSha256(given, scene, spec);
  const plain = wantedImage(image, spec);
  const { session } = scene;
  for (const doubt of await checkAll(session, plain, signal)) note(doubt);
  const { steps, same } = await decide(image, plain, scene, spec, context);
  const creates = steps.some((step) => step.do === 'create');
  const signs = spec.sign !== undefined && (creates || lacksSignature(same));
  const needsFile = creates || signs || steps.some((step) => step.do === 'resume');
  const converts = needsFile && !spec.location && image.format !== plain.disk_format;
  const file = converts ? await convertImage(image, plain.disk_format, context) : image.path;
  try {
    // What lies at a location in another format cannot be compared with the file here.
    const isOther = spec.location !== undefined && image.format !== plain.disk_format;
    const source = needsFile && file !== '' && !isOther ? await sourceOf(file, image, converts) : undefined;
    const signature =
      signs && spec.sign && source ? await signImage(session, source, spec.sign, plain.name, context) : undefined;
    const wanted = signature ? { ...plain, properties: { ...plain.properties, ...signature } } : plain;
    const { method: chosen, stores } = scene;
    const { location, importTimeout } = spec;
    const how = { method: chosen, source, location, stores, importTimeout, uploader: uploaderMark() };
    const upload: Upload = { session, wanted, ...how, signal, progress, note };
    let result = same;
    let { sha256 } = image;
    const create = async () => {
      const made = await uploadImage(upload);
      sha256 ||= made.sha256 ?? (await image.readSha256?.()) ?? '';
      const properties = { ...(sha256 && { [sha256Property]: sha256 }), ...wanted.properties };
      return publishImage({ ...upload, wanted: { ...wanted, properties } }, made.image);
    };
    for (const step of steps) {
      if (step.do === 'discard') await discard(upload, step.image.id);
      else if (step.do === 'create') result = await create();
      else if (step.do === 'resume') result = await resume(upload, step.image, create);
      else if (step.do === 'update') result = await patchImage(session, step.image.id, step.patches, { signal });
      else await retire(session, step, context);
    }
    if (!result) throw new Error('a publication without an image');
    if (signature && lacksSignature(result)) result = await publishImage(upload, result);
    const at = `${await session.endpoint('image')}/v2/images/${result.id}`;
    const unchanged = result.id === same?.id && !(uploadingProperty in same);
    return { target: 'glance', location: at, sha256, size: result.size ?? image.size, unchanged };
  } finally {
    if (converts) await rm(file, { force: true });
  }
}

/** Whether an image that is there is not signed. */
function lacksSignature(image: Image | undefined): boolean {
  return image !== undefined && !('img_signature' in image);
}

/** An image whose data had arrived when its upload was killed: verified now, and made anew if it is not what was sent. */
async function resume(upload: Upload, image: Image, create: () => Promise<Image>): Promise<Image> {
  try {
    await verifyUpload(image, upload.wanted, upload, undefined);
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code !== 'TARGET_FAILED') throw error;
    await discard(upload, image.id);
    return create();
  }
  return publishImage(upload, image);
}

/** The image with its digest, unless all of the file is read for sending it as it is: the digest is computed then. */
async function withSha256(image: ImageToPublish, { images }: Scene, spec: GlancePlace): Promise<ImageToPublish> {
  if (image.sha256 !== '' || image.readSha256 === undefined) return image;
  const isNew = images.length === 0 && spec.sign === undefined && spec.location === undefined;
  const converts = spec.format !== undefined && spec.format !== image.format;
  return isNew && !converts ? image : { ...image, sha256: await image.readSha256() };
}

/** Hides or deletes an old image. One that is in use stays, hidden. */
async function retire(session: Session, step: Step, { signal, note }: TargetContext): Promise<void> {
  if (step.do === 'hide') {
    await patchImage(session, step.image.id, [{ op: 'replace', path: '/os_hidden', value: true }], { signal });
  } else if (step.do === 'delete') {
    await deleteImage(session, step.image.id, { signal }).catch((error: unknown) => {
      if (!(error instanceof ServiceError) || ![403, 409].includes(error.status)) throw error;
      note(`${session.cloud.name}: the old image ${step.image.id} stays, hidden: ${error.message}`);
    });
  } else if (step.do === 'keep') {
    note(`${session.cloud.name}: the old image ${step.image.id} stays, hidden: ${step.because}`);
  }
}

async function method(
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

async function look(wanted: Wanted, spec: GlancePlace, signal: AbortSignal): Promise<Scene> {
  const session = await openCloud(spec.cloud);
  const chosen = await method(session, spec, signal);
  const owner = wanted.owner ?? (await session.project());
  const lists = await Promise.all(
    ['false', 'true'].map((hidden) =>
      listImages(
        session,
        [
          ['name', wanted.name],
          ['owner', owner],
          ['os_hidden', hidden],
        ],
        { signal },
      ),
    ),
  );
  // Some clouds list public images of others even so.
  const images = lists.flat().filter((image) => image.owner === owner && image.name === wanted.name);
  return { session, ...chosen, images };
}

/** @throws VmkilnError TARGET_FAILED for values that the cloud's catalogue does not allow. Returns what looks like a slip. */
async function checkAll(session: Session, { properties }: Wanted, signal: AbortSignal): Promise<string[]> {
  const { wrong, doubtful } = checkProperties(properties, await readDefinitions(session, { signal }));
  if (wrong.length === 0) return doubtful;
  throw new VmkilnError(
    'TARGET_FAILED',
    `the cloud ${session.cloud.name} does not know these values:\n${wrong.join('\n')}`,
    {
      hint: 'correct the properties; the catalogue of the cloud (metadefs) says what they may be',
    },
  );
}

async function decide(
  image: ImageToPublish,
  wanted: Wanted,
  { images }: Scene,
  { replace }: GlancePlace,
  world: Pick<TargetContext, 'signal' | 'progress'>,
): Promise<{ steps: Step[]; same: Image | undefined }> {
  const same = new Set<string>();
  let hash: string | undefined;
  for (const there of images) {
    if (isSameContent(there, image)) same.add(there.id);
    const isForeign = !(sha256Property in there) && there.size === image.size && there.disk_format === image.format;
    if (!isForeign || there.os_hash_algo !== 'sha512' || image.path === '') continue;
    hash ??= await digestOf(image, 'sha512', world);
    if (there.os_hash_value === hash) same.add(there.id);
  }
  const steps = planSteps(wanted, { images, same, uploader }, replace === true ? {} : replace);
  if ('refused' in steps) throw new VmkilnError('TARGET_FAILED', steps.refused, { hint: steps.hint });
  const isUnfinished = (there: Image) => uploadingProperty in there;
  const alike = images
    .filter((there) => same.has(there.id) && there.status === 'active')
    .toSorted((a, b) => b.created_at.localeCompare(a.created_at));
  const resumed = steps.find((step) => step.do === 'resume')?.image;
  return {
    steps,
    same: resumed ?? alike.find((there) => !isUnfinished(there) && !steps.some((step) => step.do === 'create')),
  };
}

function isSameContent(there: Image, { sha256 }: ImageToPublish): boolean {
  return sha256 !== '' && there[sha256Property] === sha256;
}

async function sourceOf(path: string, image: ImageToPublish, converted: boolean): Promise<Source> {
  const { size } = await stat(path);
  if (converted || size === image.size) return { path, size };
  throw new VmkilnError('TARGET_FAILED', `${path} has ${size} bytes now, and had ${image.size}`, {
    hint: 'something changed the finished image: build it again',
  });
}

type Mark = ProcessIdentity & { host: string; at: string };

function uploaderMark(): string {
  return JSON.stringify({ host: hostname(), at: new Date().toISOString(), ...ownIdentity() } satisfies Mark);
}

/** A mark of another host is believed for a day: nothing shows whether its process lives. */
function uploader(image: Image): Uploader {
  try {
    const mark = JSON.parse(String(image[uploadingProperty])) as Mark;
    if (isAlive(mark)) return mark.pid === process.pid ? 'gone' : 'alive';
    if (mark.host === hostname() || mark.bootId === ownIdentity().bootId) return 'gone';
    return Date.now() - Date.parse(mark.at) > 86_400_000 ? 'gone' : 'elsewhere';
  } catch {
    return 'gone';
  }
}
