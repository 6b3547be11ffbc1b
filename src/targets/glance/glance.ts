import { rm, stat } from 'node:fs/promises';
import { VmkilnError } from '../../errors.ts';
import { identityOf, isSame } from '../../media/hash.ts';
import type { Published } from '../../model.ts';
import { ServiceError } from '../../openstack/http.ts';
import { deleteImage, type Image, patchImage } from '../../openstack/image-api.ts';
import type { Session } from '../../openstack/keystone.ts';
import { checkProperties, readDefinitions } from '../../openstack/metadefs.ts';
import { openCloud } from '../../openstack/open-cloud.ts';
import type { Source } from '../../openstack/send-file.ts';
import type { GlanceSpec } from './recipe.ts';
import { withLock } from '../../store/lock.ts';
import { type GlancePlace, look, methodFor, namedImages, type Scene } from './look.ts';
import { uploaderMark, uploaderOf } from './mark.ts';
import {
  anotherImage,
  describeSteps,
  isMadeHere,
  isPublished,
  planSteps,
  type Refusal,
  retire,
  sha256Property,
  type Step,
  uploadingProperty,
  type Wanted,
} from './steps.ts';
import { signImage } from './sign.ts';
import { discard, publishImage, type Upload, uploadImage } from './upload.ts';
import { digestOf, hasBytesOf, verifyUpload } from './verify.ts';
import { wantedImage } from './wanted.ts';
import { convertImage } from './convert.ts';
import type { ImageToPublish, Target, TargetContext } from '../target.ts';

/** Publishes to the Image service of OpenStack. */
export const glance: Target<GlancePlace> = { check, changes, publish };

/** One entry per cloud: each is published to on its own. */
export function placesOf({ cloud, ...spec }: GlanceSpec): GlancePlace[] {
  return (Array.isArray(cloud) ? cloud : [cloud]).map((each) => ({ ...spec, cloud: each }));
}

async function check(spec: GlancePlace): Promise<void> {
  const session = await openCloud(spec.cloud);
  const signal = AbortSignal.timeout(60_000);
  await methodFor(session, spec, signal);
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
    const key = `glance ${session.cloud.auth['auth_url']} ${session.cloud.region} ${wanted.owner ?? (await session.project())} ${wanted.name}`;
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
  const resumes = steps.some((step) => step.do === 'resume');
  const signs = spec.sign !== undefined && (creates || resumes || lacksSignature(same));
  const needsFile = creates || signs || resumes;
  const converts = needsFile && !spec.location && image.format !== plain.disk_format;
  const file = converts ? await convertImage(image, plain.disk_format, context) : image.path;
  try {
    // What lies at a location in another format cannot be compared with the file here.
    const isOther = spec.location !== undefined && image.format !== plain.disk_format;
    const source = needsFile && file !== '' && !isOther ? await sourceOf(file, image, converts) : undefined;
    if (signs && !creates && !resumes && same && source && !(await hasBytesOf(same, source, context))) {
      throw new VmkilnError('TARGET_FAILED', `${same.id} cannot be signed: its data is not that of the file here`, {
        hint: 'the cloud has converted it, or it was converted anew: delete it, and upload it signed',
      });
    }
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
      return appear({ ...upload, wanted: { ...wanted, properties } }, made.image);
    };
    const appear = async (finished: Upload, made: Image) => {
      await refuseBeside(finished, made, spec);
      return publishImage(finished, made);
    };
    for (const step of steps) {
      if (step.do === 'discard') await discard(upload, step.image.id, step.image[uploadingProperty]);
      else if (step.do === 'create') result = await create();
      else if (step.do === 'resume')
        result = (await isAsSent(upload, step.image)) ? await appear(upload, step.image) : await create();
      else if (step.do === 'update') result = await patchImage(session, step.image.id, step.patches, { signal });
    }
    if (!result) throw new Error('a publication without an image');
    // Others may have appeared while the data was sent.
    const replaces = spec.replace === true ? {} : spec.replace;
    const images = creates || resumes ? await namedImages(session, plain, signal) : scene.images;
    for (const step of replaces ? retire(images, result, replaces) : []) await putAway(session, step, context);
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

/** Whether an image whose data had arrived when its upload was killed is what is sent now; it is removed if not. */
async function isAsSent(upload: Upload, image: Image): Promise<boolean> {
  const { wanted, source } = upload;
  try {
    await verifyUpload(image, wanted, upload, undefined);
    const getsSignature = 'img_signature' in wanted.properties && lacksSignature(image);
    if (!getsSignature || (source && (await hasBytesOf(image, source, upload)))) return true;
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code !== 'TARGET_FAILED') throw error;
  }
  await discard(upload, image.id, image[uploadingProperty]);
  return false;
}

/** Another host may have published an image of the name while this one was sent. @throws VmkilnError TARGET_FAILED */
async function refuseBeside(upload: Upload, image: Image, { replace }: GlancePlace): Promise<void> {
  const { session, wanted, signal } = upload;
  if (replace || wanted.hidden) return;
  const images = await namedImages(session, wanted, signal);
  const others = images.filter((each) => each.id !== image.id && isPublished(each) && !each.os_hidden);
  if (others.length === 0) return;
  await discard(upload, image.id, image[uploadingProperty]);
  throw refusal(anotherImage(wanted.name, others));
}

function refusal({ refused, hint }: Refusal): VmkilnError {
  return new VmkilnError('TARGET_FAILED', refused, { hint });
}

/** The image with its digest, unless all of the file is read for sending it as it is: the digest is computed then. */
async function withSha256(image: ImageToPublish, { images }: Scene, spec: GlancePlace): Promise<ImageToPublish> {
  if (image.sha256 !== '' || image.readSha256 === undefined) return image;
  const isNew = images.length === 0 && spec.sign === undefined && spec.location === undefined;
  const converts = spec.format !== undefined && spec.format !== image.format;
  return isNew && !converts ? image : { ...image, sha256: await image.readSha256() };
}

/** Hides or deletes an old image. One that is in use stays, hidden. */
async function putAway(session: Session, step: Step, { signal, note }: TargetContext): Promise<void> {
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
  { images, holder }: Scene,
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
  const steps = planSteps(wanted, { images, same, uploader: uploaderOf }, replace === true ? {} : replace);
  if ('refused' in steps) throw refusal(steps);
  if (holder && steps.some((step) => step.do === 'create')) {
    throw new VmkilnError('TARGET_FAILED', `the id ${holder.id} is that of ${holder.name ?? 'another image'} already`, {
      hint: 'choose another id, or leave it out: each image has its own, and not even a deleted one gives it back',
    });
  }
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
  return sha256 !== '' && isMadeHere(there) && there[sha256Property] === sha256;
}

async function sourceOf(path: string, image: ImageToPublish, converted: boolean): Promise<Source> {
  const stats = await stat(path, { bigint: true });
  const original = converted ? await stat(image.path, { bigint: true }) : stats;
  const isGood = image.identity ? isSame(image.identity, original) : Number(original.size) === image.size;
  if (isGood) return { path, size: Number(stats.size), identity: identityOf(stats) };
  throw new VmkilnError('TARGET_FAILED', `${image.path} changed after its checksum was computed`, {
    hint: 'wait until whatever writes it has finished; if it is the image of a build, build it again',
  });
}
