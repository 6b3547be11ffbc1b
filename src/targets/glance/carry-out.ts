import { randomUUID } from 'node:crypto';
import { VmkilnError } from '../../errors.ts';
import { convertFile } from '../../images/convert.ts';
import { ServiceError } from '../../openstack/http.ts';
import { deleteImage, getImage, type Image, type Patch, patchImage } from '../../openstack/image-api.ts';
import { cloudOutput } from '../follows.ts';
import { isInChannel } from './channel-marks.ts';
import { hidePatches, isRetired, retirePatches, returnPatches, serialOf, stampPatches } from './fence.ts';
import { look, sameImages } from './look.ts';
import { type Publication, sourceOf } from './publication.ts';
import { isSigned, patchesFor, uploadingProperty, type Wanted } from './record.ts';
import { signImage } from './sign.ts';
import type { Step } from './step.ts';
import { type Known, nextSteps, wantedBy } from './survey.ts';
import { discard, RecordTaken, takenOver, type Upload, uploadImage } from './upload.ts';
import { hasBytesOf, verifyUpload } from './verify.ts';
import { wait } from '../../wait.ts';

/** What a step found out. With `again` it is more than what follows could be decided by: that is decided anew. */
type Outcome = { known?: Partial<Known>; again?: true };

/** How often a change is decided anew that the cloud did not take, because somebody else was quicker. */
const patience = 8;
/** Milliseconds until then, more each time after the first ones: what it says may be a little old. */
const pause = 200;

/**
 * Publishes: decides, carries out step by step, and decides again by another look where a step says so.
 *
 * @returns the image that is there now.
 * @throws VmkilnError TARGET_FAILED, CLOUD_FAILED, SIGNATURE_INVALID, SECRET_MISSING, INTERRUPTED.
 */
export async function carryOut(publication: Publication): Promise<Image> {
  let { steps, image } = nextSteps(publication.known, publication.spec);
  for (let rounds = 1, wasGone = false; ;) {
    const [step, ...rest] = steps;
    if (step === undefined) break;
    const { known, again } = await perform(publication, step).catch(async (error: unknown): Promise<Outcome> => {
      // Whoever has taken it away may have published by now: that is seen at the next look.
      if (wasGone && isGone(step, error)) throw takenOver(step.image.id, error);
      wasGone = isGone(step, error);
      if (!wasOvertaken(step, error) || rounds > patience) throw error;
      if (rounds > 3) await wait(pause * rounds, 'publishing an image', publication.context.signal);
      return { again: true };
    });
    if (again) rounds += 1;
    publication.known = { ...publication.known, ...known };
    if (again) {
      publication.known = { ...publication.known, ...(await lookAgain(publication)) };
      ({ steps, image } = nextSteps(publication.known, publication.spec));
    } else {
      steps = rest;
    }
  }
  if (image === undefined) throw new Error('a publication without an image');
  return image;
}

/** Whether a step did not find an image as it was when it was looked at. */
function wasOvertaken({ do: verb }: Step, error: unknown): boolean {
  if (error instanceof RecordTaken) return true;
  const changes = ['publish', 'update', 'hide', 'yield', 'delete'].includes(verb);
  return changes && error instanceof ServiceError && [404, 409].includes(error.status);
}

/** Whether the image of this publication was deleted before it was finished. */
function isGone(step: Step, error: unknown): step is Extract<Step, { do: 'publish' }> {
  return step.do === 'publish' && error instanceof ServiceError && error.status === 404;
}

async function lookAgain({ session, known, spec, context }: Publication): Promise<Partial<Known>> {
  const seen = await look(session, wantedBy(known, spec), context.signal);
  // Of the image that was made here it is known what it is, and then the others matter no more.
  return known.own ? seen : { ...seen, same: await sameImages(seen.images, known.image, context) };
}

async function perform(publication: Publication, step: Step): Promise<Outcome> {
  const { session, context } = publication;
  const { signal, note } = context;
  const { name } = session.cloud;
  switch (step.do) {
    case 'refuse':
      throw new VmkilnError('TARGET_FAILED', step.message, { hint: step.hint });
    case 'convert':
      return convert(publication, step.to);
    case 'compare':
      return compare(publication, step.image);
    case 'sign':
      return sign(publication);
    case 'discard':
      await discard({ session, note }, step.image.id, step.image[uploadingProperty]);
      return { known: { discarded: new Set([...publication.known.discarded, step.image.id]) } };
    case 'create':
      return create(publication);
    case 'resume':
      return resume(publication, step.image);
    case 'publish':
      return {
        known: { own: await patchImage(session, step.image.id, step.patches, { signal }), touched: true },
        again: true,
      };
    case 'leave': {
      const build = String(step.image['vmkiln_build'] ?? '');
      const serial = serialOf(step.image);
      note(`${name}: ${step.image.id} of build ${build} is published already under the serial ${serial}: it stays`);
      return { known: { already: build } };
    }
    case 'update': {
      const stamp = stampPatches(step.image);
      await patchImage(session, step.image.id, stamp.length > 0 ? stamp : step.patches, { signal });
      return { known: { touched: stamp.length === 0 }, again: true };
    }
    case 'hide':
      return putAway(publication, step.image, hidePatches);
    case 'yield':
      note(`${name}: ${step.to.id} is newer and was published meanwhile; ${step.image.id} is hidden`);
      return putAway(publication, step.image, hidePatches);
    case 'delete':
      return remove(publication, step.image);
    case 'keep':
      note(`${name}: the old image ${step.image.id} stays, hidden: ${step.because}`);
      return {};
    case 'attach':
      return attach(publication, step.image);
  }
}

/** The name of an image may be `a/b` or `../a`: its file has a name of its own. */
async function convert({ known, context }: Publication, format: string): Promise<Outcome> {
  const { signal, progress, exec: run } = context;
  const out = context.work(`vmkiln-${randomUUID()}.${format}`);
  progress(`converting ${known.image.format} to ${format}`);
  await convertFile(known.image.path, cloudOutput(format), {
    ...{ out, replace: false, allowExternal: false, allowUnfit: false, check: false, is: known.image.format },
    ...{ signal, progress, run },
  });
  return { known: { file: { path: out, format } } };
}

async function compare(publication: Publication, image: Image): Promise<Outcome> {
  const source = await sourceOf(publication);
  if (source === undefined || (await hasBytesOf(image, source, publication.context))) return {};
  throw new VmkilnError('TARGET_FAILED', `${image.id} cannot be signed: its data is not that of the file here`, {
    hint: 'the cloud has converted it, or it was converted anew: delete it, and upload it signed',
  });
}

async function sign(publication: Publication): Promise<Outcome> {
  const { session, spec, context } = publication;
  const source = await sourceOf(publication);
  if (spec.sign === undefined || source === undefined) throw new Error('nothing to sign, or nothing to sign it with');
  const { name } = wantedOf(publication);
  return { known: { signature: await signImage(session, source, spec.sign, name, context) } };
}

async function create(publication: Publication): Promise<Outcome> {
  const { image } = publication.known;
  const made = await uploadImage(await uploadOf(publication));
  const sha256 = image.sha256 || made.sha256 || ((await image.readSha256?.()) ?? '');
  return { known: { own: made.image, image: { ...image, sha256 } }, again: true };
}

/** Takes an image up whose data had arrived when its upload was killed, if that is what would be sent now. */
async function resume(publication: Publication, image: Image): Promise<Outcome> {
  if (await isAsSent(await uploadOf(publication), image)) return { known: { own: image }, again: true };
  return { known: { different: new Set([...publication.known.different, image.id]) }, again: true };
}

async function isAsSent(upload: Upload, image: Image): Promise<boolean> {
  const { wanted, source } = upload;
  try {
    await verifyUpload(image, wanted, upload, undefined);
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code !== 'TARGET_FAILED') throw error;
    return false;
  }
  const getsSignature = 'img_signature' in wanted.properties && !isSigned(image);
  return !getsSignature || (source !== undefined && (await hasBytesOf(image, source, upload)));
}

/** Changes an image that somebody may take up at the same time: only if its serial is the one that was looked at. */
async function putAway(
  { session, context }: Publication,
  image: Image,
  patches: (image: Image) => Patch[],
): Promise<Outcome> {
  const { signal } = context;
  const stamp = stampPatches(image);
  const now = stamp.length > 0 ? await patchImage(session, image.id, stamp, { signal }) : image;
  if (serialOf(now) !== serialOf(image)) return { again: true };
  const away = await patchImage(session, image.id, patches(now), { signal });
  if (!isInChannel(away)) return {};
  // Promoted since it was looked at: whoever lists images must find it.
  await patchImage(session, image.id, returnPatches(away, serialOf(image)), { signal });
  return { again: true };
}

/** Deletes an old image, once nobody will take it up any more. One that is in use stays, hidden. */
async function remove(publication: Publication, image: Image): Promise<Outcome> {
  const { session, context } = publication;
  if (!isRetired(image) && (await putAway(publication, image, retirePatches)).again) return { again: true };
  await deleteImage(session, image.id, { signal: context.signal }).catch((error: unknown) => {
    if (!(error instanceof ServiceError) || ![403, 409].includes(error.status)) throw error;
    context.note(`${session.cloud.name}: the old image ${image.id} stays, hidden: ${error.message}`);
  });
  return {};
}

/** The image may have been changed by an earlier step. */
async function attach(publication: Publication, { id }: Image): Promise<Outcome> {
  const { session, context } = publication;
  const { signal } = context;
  const now = await getImage(session, id, { signal });
  await patchImage(session, id, patchesFor(wantedOf(publication), now), { signal });
  return {};
}

async function uploadOf(publication: Publication): Promise<Upload> {
  const { session, spec, context, mark, known } = publication;
  const { signal, progress, note } = context;
  return {
    ...{ session, signal, progress, note, ...known.way },
    wanted: wantedOf(publication),
    source: await sourceOf(publication),
    location: spec.location,
    importTimeout: spec.importTimeout,
    uploader: mark,
  };
}

function wantedOf({ known, spec }: Publication): Wanted {
  return wantedBy(known, spec);
}
