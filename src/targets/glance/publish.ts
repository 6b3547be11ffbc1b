import { rm } from 'node:fs/promises';
import { VmkilnError } from '../../errors.ts';
import type { Published } from '../../model.ts';
import { ServiceError } from '../../openstack/http.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import { withLock } from '../../store/lock.ts';
import type { ImageToPublish, Looking, TargetContext } from '../target.ts';
import { carryOut } from './carry-out.ts';
import { describeSteps } from './describe.ts';
import { wayInto } from './look.ts';
import { uploaderMark } from './mark.ts';
import { openPlace } from './open.ts';
import type { Publication } from './publication.ts';
import type { GlancePlace } from './recipe.ts';
import { sha256Property } from './record.ts';
import { nextSteps, survey } from './survey.ts';
import { wantedImage } from './wanted.ts';

/** How long a cloud may take to say what it offers, in milliseconds. */
const patience = 60_000;

/** Whether the cloud can be reached and offers what is asked for. */
export async function check(given: GlancePlace, looking: Looking): Promise<void> {
  const { signal } = looking;
  const { session, spec } = await openPlace(given, looking);
  await session.project(signal);
  await wayInto(session, spec, AbortSignal.any([signal, AbortSignal.timeout(patience)]));
}

/** What `publish` would do in the cloud. */
export async function changes(image: ImageToPublish, given: GlancePlace, looking: Looking): Promise<string[]> {
  const { signal } = looking;
  const { session, spec } = await openPlace(given, looking);
  const { known } = await survey(session, image, spec, { signal, progress: () => undefined });
  const { steps } = nextSteps(known, spec);
  for (const step of steps) {
    if (step.do === 'refuse') throw new VmkilnError('TARGET_FAILED', step.message, { hint: step.hint });
  }
  return describeSteps(wantedImage(known.image, spec), steps);
}

/** Publishes to the cloud. @throws VmkilnError TARGET_FAILED, SIGNATURE_INVALID, SECRET_MISSING, INTERRUPTED. */
export async function publish(image: ImageToPublish, given: GlancePlace, context: TargetContext): Promise<Published> {
  const { signal } = context;
  const { name } = wantedImage(image, given);
  try {
    const { session, spec } = await openPlace(given, context);
    const { cloud } = session;
    const key = `glance ${cloud.auth['auth_url']} ${cloud.region} ${spec.owner ?? (await session.project(signal))} ${name}`;
    const waiting = () => context.progress(`waiting for another upload of ${name} to ${cloud.name}`);
    // The lock says that whatever this host has left there unfinished has no living owner.
    return await withLock('/', key, { signal, waiting }, () => publishAlone(session, image, spec, context));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new VmkilnError('TARGET_FAILED', `cannot publish ${name}: ${error.message}`, {
      ...(error.hint && { hint: error.hint }),
      cause: error,
    });
  }
}

async function publishAlone(
  session: CloudSession,
  given: ImageToPublish,
  spec: GlancePlace,
  context: TargetContext,
): Promise<Published> {
  const { known, doubts } = await survey(session, given, spec, context);
  for (const doubt of doubts) context.note(doubt);
  const publication: Publication = { session, spec, context, mark: uploaderMark(), known };
  try {
    const there = await carryOut(publication);
    const { image, own, already } = publication.known;
    const location = `${await session.endpoint('image', context.signal)}/v2/images/${there.id}`;
    const published = { target: 'glance', location, size: there.size ?? image.size };
    if (already !== undefined) {
      return { ...published, sha256: String(there[sha256Property]), unchanged: true, already };
    }
    return { ...published, sha256: image.sha256, unchanged: own === undefined };
  } finally {
    const { file } = publication.known;
    if (file.path !== given.path) await rm(file.path, { force: true });
  }
}
