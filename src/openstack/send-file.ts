import { createHash } from 'node:crypto';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';
import { type Progress, transferReporter } from '../media/progress.ts';
import { type Identity, isSame } from '../store/identity.ts';
import { BodyError, ServiceError } from './http.ts';
import { findImage, type Image, putData } from './image-api.ts';
import { isTransient, pause, type CloudSession } from './keystone.ts';
import { wait } from '../wait.ts';

/** A file to send. `size` in bytes. `identity` is what it had before anything was read of it. */
export type Source = { path: string; size: number; identity: Identity };

export type SendOptions = {
  signal: AbortSignal;
  progress: Progress;
  to: 'file' | 'stage';
  store?: string | undefined;
  /** Whether the SHA-256 is of use. */
  sha256?: boolean;
};

/** Digests of what was sent, in lower-case hex. */
export type Digests = { sha512: string; sha256: string | undefined };

/** Bytes that are read at a time. */
const chunkSize = 1 << 20;
/** How often the data is sent before it is given up. */
const attempts = 5;
/** Seconds without a byte: at the end the store may flush gigabytes before the service answers. */
const idle = 900;
/**
 * Seconds that the service gets to notice that a connection has broken; or to store what it may have received in full:
 * a load balancer hangs up on a store that takes its time.
 */
const settleTime = { cut: 20, complete: 120 };

/**
 * Sends the data of an image to its record. When the connection breaks, the record goes back to where it was and the
 * file is sent again from the beginning (the service has no way to continue); when only the answer was lost, nothing is
 * sent twice.
 *
 * @returns the digests of what was sent, or undefined when that is not known.
 * @throws VmkilnError CLOUD_FAILED with the first error, TARGET_FAILED when the file has changed or cannot be read,
 *   INTERRUPTED.
 */
export async function sendFile(
  session: CloudSession,
  id: string,
  source: Source,
  options: SendOptions,
): Promise<Digests | undefined> {
  const file = await openFile(source.path).catch((cause: unknown) => {
    throw unreadable(source, cause);
  });
  try {
    const digests = await sendData(session, id, { ...source, file }, options);
    if (!isSame(source.identity, await file.stat({ bigint: true }))) throw changed(source);
    return digests;
  } finally {
    await file.close();
  }
}

async function sendData(
  session: CloudSession,
  id: string,
  source: Source & { file: FileHandle },
  options: SendOptions,
): Promise<Digests | undefined> {
  const { signal, to, store, progress } = options;
  let first: unknown;
  let hadNewToken = false;
  for (let attempt = 1; ; attempt++) {
    const what = `uploading to ${session.cloud.name}${attempt > 1 ? ` (attempt ${attempt})` : ''}`;
    const report = transferReporter(what, source.size, 0, progress);
    const begin = () => ({ sha512: createHash('sha512'), sha256: options.sha256 ? createHash('sha256') : undefined });
    let hashes = begin();
    let sent = 0;
    const digests = () => ({ sha512: hashes.sha512.digest('hex'), sha256: hashes.sha256?.digest('hex') });
    const open = () => {
      hashes = begin();
      sent = 0;
      const data = Readable.from(bytesOf(source.file, source.size), { objectMode: false, highWaterMark: chunkSize });
      data.on('data', (chunk: Buffer) => {
        hashes.sha512.update(chunk);
        hashes.sha256?.update(chunk);
        sent += chunk.length;
        report(sent);
      });
      return data;
    };
    try {
      // A token is looked at when a request begins: one that ends during the upload does no harm.
      await session.refresh(1800, signal);
      await putData(session, id, { open, size: source.size }, { signal, to, store, idle });
      return sent === source.size ? digests() : undefined;
    } catch (error) {
      first ??= error;
      if (signal.aborted) throw interrupted('uploading an image', signal);
      if (error instanceof BodyError) throw error.cause ? unreadable(source, error.cause) : changed(source, error);
      const image = await settled(session, id, {
        ...options,
        seconds: sent < source.size ? settleTime.cut : settleTime.complete,
      });
      // Only the answer was lost.
      if (to === 'file' && image?.status === 'active') return sent === source.size ? digests() : undefined;
      const renewed: boolean = error instanceof ServiceError && error.status === 401 && !hadNewToken;
      hadNewToken ||= renewed;
      if (image?.status !== 'queued' || !(isTransient(error) || renewed) || attempt >= attempts) throw first;
      progress(`${session.cloud.name}: ${(error as Error).message}; trying again`);
      await pause(error, attempt, signal);
    }
  }
}

/** A file from its beginning. One that grew meanwhile must not give more than was announced. */
async function* bytesOf(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size;) {
    const length = Math.min(chunkSize, size - position);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(length), position });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function unreadable({ path }: Source, cause: unknown): VmkilnError {
  return new VmkilnError('TARGET_FAILED', `cannot read ${path}: ${messageOf(cause)}`, {
    hint: 'see whether the file is there, and whether the disk or network it lies on has a fault',
    cause,
  });
}

function changed({ path }: Source, cause?: unknown): VmkilnError {
  return new VmkilnError('TARGET_FAILED', `${path} changed while it was sent`, {
    hint: 'wait until whatever writes it has finished, and upload it again',
    ...(cause !== undefined && { cause }),
  });
}

/** The image once the service has noticed that its upload has ended; as it is when it does not notice in time. */
async function settled(
  session: CloudSession,
  id: string,
  { signal, to, seconds }: SendOptions & { seconds: number },
): Promise<Image | undefined> {
  // What is staged stays `uploading`.
  const [busy, end] = to === 'file' ? ['saving', Date.now() + seconds * 1000] : ['uploading', Date.now() + 5000];
  for (;;) {
    try {
      const image = await findImage(session, id, { signal });
      if (image?.status !== busy || Date.now() > end) return image;
    } catch (error) {
      // The server is being started again.
      if (!isTransient(error) || Date.now() > end) throw error;
    }
    await wait(500, 'uploading an image', signal);
  }
}
