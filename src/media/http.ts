import { unescape } from 'node:querystring';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response } from 'undici';
import { interrupted, VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { formatDuration } from '../text.ts';
import type { Progress } from './progress.ts';
import { nameNetworkError, nameStatus } from './http-errors.ts';
import { openConnections, type Tls } from './http-connections.ts';
import { proxyFor } from './proxy.ts';
import { retryAfter } from './retry-after.ts';

export type HttpOptions = {
  signal: AbortSignal;
  progress: Progress;
  /** Where proxies are named; without it there is none. */
  env?: Env | undefined;
  /** Milliseconds before the first new attempt; each further one waits twice as long. */
  retryDelay?: number;
  /** Milliseconds without a byte until a connection counts as lost. */
  stallTime?: number;
  /** What a server is shown, and whom else to trust. */
  tls?: Tls;
};

/** How often in a row a transfer is tried again without having gained anything. */
const retries = 4;

/**
 * A failure that may pass. `dead` says that nobody answers at that address: worth a retry only for who was answered
 * before. `after` is the seconds that the server wants to be left alone.
 */
class Lost extends Error {
  readonly error: VmkilnError;
  readonly dead: boolean;
  readonly after: number;

  constructor(error: VmkilnError, { dead = false, after = 0 }: { dead?: boolean; after?: number | undefined } = {}) {
    super(error.message, { cause: error });
    this.error = error;
    this.dead = dead;
    this.after = after;
  }
}

/** The failure of one attempt, as `withRetries` takes it. */
export function lost(message: string): Error {
  return new Lost(
    new VmkilnError('MEDIA_DOWNLOAD', message, { hint: 'try again later: what is there already is kept' }),
  );
}

/** A URL as it may be shown: without user, password and the values of its query, which sign the links of many vendors. */
export function redactUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  if (shown.search !== '') shown.search = '?***';
  return shown.href;
}

/**
 * Requests a URL and gives the answer to `use`. Redirects are followed. User and password of the URL go into an
 * Authorization header, which is not sent on to another host. Each address goes through the proxy of the environment.
 *
 * @throws VmkilnError MEDIA_DOWNLOAD, INTERRUPTED, or USAGE for a proxy that is none; a failure that may pass is thrown
 *   as `withRetries` takes it.
 */
export async function get<T>(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: HttpOptions,
  use: (response: Response, body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { signal, stallTime = 60_000, env = {}, tls } = options;
  const proxy = proxyFor(url, env)?.url.host;
  const shown = redactUrl(url);
  const stall = new AbortController();
  const connections = await openConnections(env, tls);
  const timer = setTimeout(() => stall.abort(), stallTime);
  const named = (error: unknown): unknown => {
    if (signal.aborted) return interrupted(`downloading ${shown}`, signal);
    if (stall.signal.aborted) return lost(`${shown}: no data for ${formatDuration(stallTime / 1000)}`);
    const { error: network, passing } = nameNetworkError(error, url, shown, proxy);
    return passing === 'never' ? network : new Lost(network, { dead: passing === 'dead' });
  };
  async function* read(response: Response): AsyncGenerator<Uint8Array> {
    if (!response.body) return;
    const chunks = response.body[Symbol.asyncIterator]();
    try {
      for (;;) {
        timer.refresh();
        const next = await chunks.next().catch((error: unknown) => Promise.reject(named(error)));
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.().catch(() => undefined);
    }
  }
  try {
    const bare = new URL(url);
    bare.username = '';
    bare.password = '';
    const login = `${unescape(url.username)}:${unescape(url.password)}`;
    const auth = url.username === '' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
    const response = await connections
      .fetch(bare, {
        dispatcher: connections.dispatcher,
        // A compressed answer has another length, and cannot be resumed.
        headers: { 'accept-encoding': 'identity', ...auth, ...headers },
        signal: AbortSignal.any([signal, stall.signal]),
      })
      .catch((error: unknown) => Promise.reject(named(error)));
    try {
      if (response.status >= 500 || response.status === 429) {
        const after = retryAfter(response.headers.get('retry-after'), response.headers.get('date'));
        throw new Lost(nameStatus(response.status, shown), { after });
      }
      if (!response.ok && response.status !== 304 && response.status !== 416) throw nameStatus(response.status, shown);
      return await use(response, read(response));
    } finally {
      if (!response.bodyUsed) await response.body?.cancel().catch(() => undefined);
    }
  } finally {
    clearTimeout(timer);
    await connections.close();
  }
}

/**
 * Makes attempts until one succeeds, fails for good, or too many in a row have gained nothing.
 *
 * @param received bytes that the attempts have brought so far
 */
export async function withRetries<T>(
  options: HttpOptions,
  received: () => number,
  attempt: () => Promise<T>,
): Promise<T> {
  const { signal, progress, retryDelay = 1000 } = options;
  let failures = 0;
  let best = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      if (received() > best) failures = 0;
      best = Math.max(best, received());
      if (failures === retries || (error.dead && best === 0)) throw error.error;
      const wait = Math.max(retryDelay * 2 ** failures++, error.after * 1000);
      progress(`${error.message}; next attempt in ${formatDuration(wait / 1000)}`);
      await delay(wait, undefined, { signal }).catch(() => {
        throw interrupted('waiting for the next attempt to download', signal);
      });
    }
  }
}
