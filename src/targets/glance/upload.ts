import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { interrupted, messageOf, VmkilnError } from '../../errors.ts';
import { ServiceError } from '../../openstack/http.ts';
import {
  createImage,
  createTask,
  deleteImage,
  findImage,
  getImage,
  type Image,
  type ImportRequest,
  patchImage,
} from '../../openstack/image-api.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import { type Digests, type SendOptions, sendFile, type Source } from '../../openstack/send-file.ts';
import { importAndWait, watchTask } from '../../openstack/watch-import.ts';
import { noSerial } from '../serial.ts';
import { chosenIds } from './chosen-id.ts';
import { abandonPatches, isRetired, serialProperty } from './fence.ts';
import type { Method } from './method.ts';
import { sha256Property, uploadingProperty, type Wanted } from './record.ts';
import { verifyUpload } from './verify.ts';

/** What an upload works with. */
export type Upload = {
  session: CloudSession;
  wanted: Wanted;
  method: Method;
  /** The file to send; none when the cloud fetches the image from `location`. */
  source: Source | undefined;
  location: string | undefined;
  stores: readonly string[];
  /** Seconds. */
  importTimeout: number;
  /** Value of the property that marks an image as unfinished. */
  uploader: string;
  signal: AbortSignal;
  progress: (message: string, fraction?: number) => void;
  note: (message: string) => void;
};

/** What `uploadImage` made. */
export type Uploaded = { image: Image; sha256: string | undefined };

/** An import that did not come to an end; the record is of no use any more. */
class ImportFailed extends VmkilnError {}

/** Somebody else has made the record of this very publication since the cloud was looked at. */
export class RecordTaken extends VmkilnError {}

/** Seconds for taking back what was begun, after an abort too. */
const cleanUpTime = 20;

/**
 * Makes an image: a hidden, marked record, the data, verification. Whatever happens, no half image stays: a record
 * that cannot be completed is deleted, and what a kill leaves is marked, so that the next publication finds it.
 *
 * @returns the image, complete and verified, still hidden and marked; and the SHA-256 of what was sent, when the record
 *   had none and it is known now.
 * @throws VmkilnError TARGET_FAILED, CLOUD_FAILED, INTERRUPTED.
 */
export async function uploadImage(upload: Upload): Promise<Uploaded> {
  const { source, method, note, session } = upload;
  try {
    return await attempt(upload, method);
  } catch (error) {
    // The id of a deleted record is never free again.
    if (source === undefined || upload.signal.aborted || upload.wanted.id !== undefined) throw error;
    const refusedPut = method === 'put' && error instanceof ServiceError && error.status === 403;
    if (!(error instanceof ImportFailed) && !isLost(error)) {
      if (refusedPut)
        throw new VmkilnError('TARGET_FAILED', error.message, {
          hint: `${error.hint}; or try method: glance-direct`,
          cause: error,
        });
      throw error;
    }
    const next = method === 'put' ? 'starting again' : 'uploading it directly instead';
    note(`${session.cloud.name}: ${messageOf(error)}; ${next}`);
    return attempt(upload, 'put');
  }
}

/** The record was lost, or stuck, under an upload that could be made anew: a server was killed in the middle. */
function isLost(error: unknown): boolean {
  return error instanceof ServiceError && (error.status === 0 || error.status >= 500);
}

async function attempt(upload: Upload, method: Method): Promise<Uploaded> {
  const { session, signal, wanted, uploader } = upload;
  if (method === 'task') return { image: await byTask(upload), sha256: undefined };
  let id = wanted.id ?? '';
  let isMade = false;
  try {
    await makeRecord(upload, (next) => (id = next));
    isMade = true;
    const digests = await fill(upload, id, method);
    const image = await getImage(session, id, { signal });
    await verifyUpload(image, wanted, upload, digests?.sha512);
    return { image, sha256: digests?.sha256 };
  } catch (error) {
    const wasLost = (await discard(upload, id, uploader)) === 'lost';
    if (signal.aborted) throw interrupted('uploading an image', signal);
    const tells = error instanceof ServiceError && [404, 409, 410].includes(error.status);
    throw isMade && wasLost && tells ? takenOver(id, error) : error;
  }
}

/** Makes the record: under the first of its ids that is not burnt. `begins` is told of each before it is asked for. */
async function makeRecord(upload: Upload, begins: (id: string) => void): Promise<void> {
  const { session, signal, wanted, uploader } = upload;
  const isOurs = (image: Image) => image[uploadingProperty] === uploader;
  for (const id of wanted.id === undefined ? await idsFor(upload) : [wanted.id]) {
    begins(id);
    try {
      await createImage(session, recordOf(upload, id), { signal, isOurs });
      return;
    } catch (error) {
      if (wanted.id !== undefined) throw idTaken(error, wanted.id) ?? error;
      if (!(error instanceof ServiceError) || error.status !== 409) throw error;
      const there = await findImage(session, id, { signal });
      // One that this upload could not delete is as good as burnt.
      if (there && !isOurs(there) && !isRetired(there)) {
        throw new RecordTaken('TARGET_FAILED', `the record ${id} of this publication is somebody else's`, {
          hint: 'another host publishes the same: wait for it, and see what is there',
          cause: error,
        });
      }
    }
  }
  throw new VmkilnError('TARGET_FAILED', `the records of ${wanted.name} of ${wanted.serial} are deleted every time`, {
    hint: 'find out who deletes them, and build the image again',
  });
}

async function idsFor({ session, wanted, signal }: Upload): Promise<Iterable<string>> {
  const { name, serial, owner } = wanted;
  if (serial === noSerial) return [randomUUID()];
  return chosenIds({ project: owner ?? (await session.project(signal)), name, serial });
}

/** Whoever repeats a publication takes it over from the one before, whose record it deletes. */
export function takenOver(id: string, cause: unknown): VmkilnError {
  return new VmkilnError('TARGET_FAILED', `the record ${id} was taken away from this publication`, {
    hint: 'another host repeats it, or somebody deleted the record: see what is there, or build the image again',
    cause,
  });
}

function idTaken(error: unknown, id: string | undefined): VmkilnError | undefined {
  if (id === undefined || !(error instanceof ServiceError) || error.status !== 409) return undefined;
  return new VmkilnError('TARGET_FAILED', `the id ${id} is not free: ${error.message}`, {
    hint: 'choose another id, or leave it out: that of a deleted image is never free again',
    cause: error,
  });
}

/**
 * Removes an unfinished record, as far as the cloud lets: its mark tells the next publication of the rest. A record that
 * has not this mark stays: it is somebody else's, or finished. Whoever is about to finish it cannot any more.
 *
 * @returns 'lost' when it was not there any more, or somebody else's.
 */
export async function discard(
  { session, note }: Pick<Upload, 'session' | 'note'>,
  id: string,
  mark: unknown,
): Promise<'lost' | undefined> {
  const signal = AbortSignal.timeout(cleanUpTime * 1000);
  for (let tries = 0, wasRetired = false; ; tries++) {
    try {
      const image = await findImage(session, id, { signal });
      if (image === undefined) return tries === 0 ? 'lost' : undefined;
      if (isRetired(image)) {
        wasRetired ||= tries === 0;
      } else if (image[uploadingProperty] === mark) {
        if (!(await isAbandoned(session, image, signal))) return 'lost';
      } else {
        return 'lost';
      }
      await deleteImage(session, id, { signal });
      return wasRetired ? 'lost' : undefined;
    } catch (error) {
      // The service still holds a file that it was just given.
      const held = error instanceof ServiceError && error.status === 409 && tries < 10;
      if (!held) {
        note(`${session.cloud.name}: the unfinished image ${id} could not be deleted: ${messageOf(error)}`);
        return undefined;
      }
      await sleep(1000, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Sees to it that nobody finishes a record. @returns false when somebody has, or deletes it */
async function isAbandoned(session: CloudSession, image: Image, signal: AbortSignal): Promise<boolean> {
  try {
    await patchImage(session, image.id, abandonPatches(image, uploadingProperty), { signal });
    return true;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 409) return false;
    throw error;
  }
}

function recordOf({ wanted, uploader }: Upload, id: string): Record<string, unknown> & { id: string } {
  const { properties, follows, hidden: _, protected: __, name, id: ___, serial, ...fields } = wanted;
  const min_disk = wanted.min_disk ?? follows?.minDisk;
  const said = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const size = min_disk === undefined ? {} : { min_disk };
  const marks = { [serialProperty(serial)]: 'true', [uploadingProperty]: uploader };
  return { ...follows?.properties, ...properties, ...said, ...size, id, name, os_hidden: true, ...marks };
}

/** Gets the data into the record. */
async function fill(upload: Upload, id: string, method: Method): Promise<Digests | undefined> {
  const { session, signal, progress, source, stores, location, wanted } = upload;
  const several = stores.length > 1 ? { stores, all_stores_must_succeed: true } : stores.length === 1 ? { stores } : {};
  const send = (options: Pick<SendOptions, 'to' | 'store'>) => {
    if (source === undefined) throw new Error(`no file for the method ${method}`);
    const sha256 = !(sha256Property in wanted.properties);
    return sendFile(session, id, source, { signal, progress, sha256, ...options });
  };
  if (method === 'put') {
    const digests = await send({ to: 'file', store: stores[0] });
    const rest = stores.slice(1);
    if (rest.length > 0)
      await runImport(upload, id, { method: { name: 'copy-image' }, stores: rest, all_stores_must_succeed: true });
    return digests;
  }
  if (method === 'glance-direct') {
    const digests = await send({ to: 'stage' });
    await runImport(upload, id, { method: { name: 'glance-direct' }, ...several });
    return digests;
  }
  if (location === undefined) throw new Error('no location for web-download');
  await runImport(upload, id, { method: { name: 'web-download', uri: location }, ...several });
  return undefined;
}

async function runImport(upload: Upload, id: string, request: ImportRequest): Promise<void> {
  const { session, signal, progress, importTimeout } = upload;
  const end = await importAndWait(session, id, request, { signal, progress, timeout: importTimeout });
  if (end.how === 'active') return;
  const { name } = request.method;
  throw new ImportFailed(
    'TARGET_FAILED',
    `the import (${name}) ${end.how === 'stuck' ? 'does not end' : 'failed'}: ${end.message}`,
    {
      hint: 'the operator of the cloud finds the reason in the log of Glance; `method: put` goes without an import',
    },
  );
}

/** The import task of the Tasks API: makes the record itself, so what is said of the image follows afterwards. */
async function byTask(upload: Upload): Promise<Image> {
  const { session, wanted, location, signal, importTimeout: timeout, progress, uploader } = upload;
  const { name, disk_format, container_format } = wanted;
  // What the address serves is not known yet: the image is marked, and gets its digest once it is verified.
  const { [sha256Property]: _, ...properties } = wanted.properties;
  const image_properties = { name, disk_format, container_format, ...properties, [uploadingProperty]: uploader };
  const input = { import_from: location, import_from_format: disk_format, image_properties };
  const { id } = await createTask(session, input, { signal });
  const { image: made, message } = await watchTask(session, id, { signal, progress, timeout });
  if (made === undefined || message !== undefined) {
    if (made !== undefined) await discard(upload, made, uploader);
    throw new VmkilnError('TARGET_FAILED', `the import task failed: ${message}`, {
      hint: 'the operator of the cloud finds the reason in the log of Glance',
    });
  }
  try {
    const image = await getImage(session, made, { signal });
    await verifyUpload(image, wanted, upload, undefined);
    return image;
  } catch (error) {
    await discard(upload, made, uploader);
    throw error;
  }
}
