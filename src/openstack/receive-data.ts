import { interrupted, messageOf, VmkilnError } from '../errors.ts';
import { ServiceError } from './http.ts';
import { type CloudSession, isTransient, pause } from './keystone.ts';

/** How often in a row the data is asked for without getting any. */
const attempts = 5;
/** Seconds without a byte: a store may take its time to find the data. */
const idle = 300;

/**
 * The data of an image from a position on. A connection that breaks is made again from there (`Range`, which the service
 * knows since Queens; one that does not gives all of it, and what is there already is skipped).
 *
 * @param from how many bytes are there already; `size` of the whole.
 * @throws VmkilnError CLOUD_FAILED, INTERRUPTED.
 */
export async function* receiveData(
  session: CloudSession,
  image: { id: string; size: number },
  { from, signal, note }: { from: number; signal: AbortSignal; note: (message: string) => void },
): AsyncGenerator<Buffer> {
  let at = from;
  for (let attempt = 1; at < image.size; attempt++) {
    const before = at;
    try {
      for await (const chunk of piece(session, image, at, signal)) {
        at += chunk.length;
        yield chunk;
      }
      if (at < image.size)
        throw new ServiceError(0, `the data of ${image.id} ended after ${at} of ${image.size} bytes`);
    } catch (error) {
      if (signal.aborted) throw interrupted('downloading an image', signal);
      if (!isTransient(error)) throw error;
      if (at > before) attempt = 1;
      if (attempt >= attempts) throw error;
      note(`${session.cloud.name}: ${error.message}; going on from there`);
      await pause(error, attempt, signal);
    }
  }
}

/** What one connection gives, beginning exactly where it should, and never more than the rest. */
async function* piece(
  session: CloudSession,
  { id, size }: { id: string; size: number },
  at: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const ask = (range: Record<string, string>) => {
    const headers = { Accept: 'application/octet-stream', ...range };
    return session.ask('image', `/v2/images/${id}/file`, { method: 'GET', headers, signal, idle });
  };
  const whole = (error: unknown) => {
    // Some stores cannot begin in the middle (StoreRandomGetNotSupported).
    if (error instanceof ServiceError && error.status === 400) return ask({});
    throw error;
  };
  const answer = await (at === 0 ? ask({}) : ask({ Range: `bytes=${at}-` }).catch(whole));
  const { status, headers: said, body } = answer;
  const start = status === 206 ? Number(/^bytes (\d+)-/.exec(said['content-range'] ?? '')?.[1]) : 0;
  if (status === 204 || (start !== at && start !== 0)) {
    body.resume();
    const what = status === 204 ? 'no data' : `the data from byte ${start}, not ${at}`;
    throw new VmkilnError('CLOUD_FAILED', `${session.cloud.name} gave ${what} of ${id}`, { hint: 'try again later' });
  }
  let skip = at - start;
  let left = size - at;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const fresh = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, left);
      skip -= Math.min(skip, chunk.length);
      left -= fresh.length;
      if (fresh.length > 0) yield fresh;
    }
  } catch (cause) {
    throw new ServiceError(0, `the data of ${id} broke off: ${messageOf(cause)}`, { hint: 'try again', cause });
  } finally {
    body.destroy();
  }
}
