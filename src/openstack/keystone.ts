import { VmkilnError } from '../errors.ts';
import { retryAfter } from '../media/retry-after.ts';
import type { Env } from '../model.ts';
import type { CloudConfig } from './clouds-yaml.ts';
import { type Client, openClient } from './connection.ts';
import { type HttpAnswer, type HttpRequest, readText, send, ServiceError, wordsOf } from './http.ts';
import { catalogueUrl, type Catalogue, identity } from './auth.ts';
import { remedyFor } from './remedies.ts';
import { wait } from '../wait.ts';

/** A token and what came with it. `expires` in milliseconds since 1970. */
type Token = { id: string; issued: number; expires: number; project: string | undefined; catalogue: Catalogue };

/** A connection to one cloud: knows where its services are and keeps a valid token. Each call may have to log in first. */
export type CloudSession = {
  cloud: CloudConfig;
  client: Client;
  /** The project of the token. */
  project: (signal: AbortSignal) => Promise<string>;
  /** Address of a service, without a version and without a final slash. @throws VmkilnError CLOUD_FAILED */
  endpoint: (type: string, signal: AbortSignal) => Promise<string>;
  /** The time of the cloud when it answered last (the header Date), in milliseconds since 1970; nothing if it does not say. */
  clock: () => number | undefined;
  /** Makes sure that the token lasts at least this many seconds. */
  refresh: (seconds: number, signal: AbortSignal) => Promise<void>;
  /**
   * Asks a service. A token that has ended is renewed once. A request that was refused with 429 is made again, and with
   * `attempts` above 1 one without an answer or with 5xx too: only for requests that may be made twice.
   *
   * @throws ServiceError for an answer that is none of 2xx or 300.
   */
  ask: (type: string, path: string, request: Ask) => Promise<HttpAnswer>;
};

type Ask = Omit<HttpRequest, 'url'> & { attempts?: number };

/** How often a login, or a request that was refused with 429, is made. */
const patience = 5;

/** A token is renewed when less than this is left of it, in milliseconds. */
const spare = 60_000;

/** Opens a cloud. Nothing is sent before the first question. @throws VmkilnError USAGE */
export function openSession(cloud: CloudConfig, env: Env): CloudSession {
  const client = openClient({ verify: cloud.verify, ca: cloud.cacert, cert: cloud.cert, key: cloud.key }, env);
  const tokens = tokenKeeper(client, cloud);
  let clock: number | undefined;
  const endpoint = async (type: string, signal: AbortSignal) =>
    catalogueUrl(cloud, (await tokens.current(signal)).catalogue, type);

  async function once(type: string, path: string, request: Ask): Promise<HttpAnswer> {
    const url = `${await endpoint(type, request.signal)}${path}`;
    const attempt = async () => {
      const { id } = await tokens.current(request.signal);
      return send(client, { ...request, url, headers: { ...request.headers, 'X-Auth-Token': id } });
    };
    let answer = await attempt();
    if (answer.status === 401) {
      tokens.forget();
      // An upload may have begun: its record has to come to rest before it can be sent again.
      if (!request.stream) {
        answer.body.resume();
        answer = await attempt();
      }
    }
    const date = Date.parse(answer.headers.date ?? '');
    clock = Number.isNaN(date) ? undefined : date;
    if ((answer.status >= 200 && answer.status < 300) || answer.status === 300) return answer;
    throw await serviceError(answer, `${request.method} ${new URL(url).pathname}`, cloud.name);
  }

  return {
    cloud,
    client,
    endpoint,
    project: async (signal) => (await tokens.current(signal)).project ?? '',
    clock: () => clock,
    refresh: tokens.refresh,
    ask: async (type, path, request) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(type, path, request);
        } catch (error) {
          if (!isTransient(error)) throw error;
          // What is refused for there being too many has not been done.
          const isRefused = error.status === 429 && !request.stream;
          const attempts = Math.max(request.attempts ?? 1, isRefused ? patience : 1);
          if (attempt >= attempts) throw isRefused ? final(error) : error;
          await pause(error, attempt, request.signal);
        }
      }
    },
  };
}

/** The same failure for whoever would try all of this again. */
function final({ status, message, hint, cause }: ServiceError): ServiceError {
  return new ServiceError(status, message, { hint, cause, isFinal: true });
}

/** Keeps the token of a session. Whoever needs a new one while it is fetched waits for the same. */
function tokenKeeper(client: Client, cloud: CloudConfig) {
  let token: Token | undefined;
  let login: { signal: AbortSignal; token: Promise<Token> } | undefined;

  const renew = async (signal: AbortSignal): Promise<Token> => {
    // A login that was given up is nobody else's failure.
    if (login === undefined || login.signal.aborted) login = { signal, token: authenticate(client, cloud, signal) };
    const mine = login;
    try {
      token = await mine.token;
      return token;
    } finally {
      if (login === mine) login = undefined;
    }
  };
  const current = async (signal: AbortSignal): Promise<Token> => {
    const isGood = token && token.expires - Date.now() >= Math.min(spare, (token.expires - token.issued) / 4);
    return token && isGood ? token : renew(signal);
  };
  return {
    current,
    forget: () => {
      token = undefined;
    },
    refresh: async (seconds: number, signal: AbortSignal) => {
      const now = await current(signal);
      // A cloud whose tokens are shorter than that cannot give a longer one.
      const old = Date.now() - now.issued > 60_000;
      if (old && now.expires - Date.now() < seconds * 1000) await renew(signal);
    },
  };
}

/** Whether asking again may help. */
export function isTransient(error: unknown): error is ServiceError {
  if (!(error instanceof ServiceError) || error.isFinal) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/** Waits before the next attempt: as long as the service said, else longer each time. */
export async function pause(failure: unknown, attempt: number, signal: AbortSignal): Promise<void> {
  const said = failure instanceof ServiceError ? failure.retryAfter : undefined;
  const seconds = said ?? Math.min(0.5 * 2 ** (attempt - 1), 60);
  await wait(seconds * 1000, 'waiting for the cloud', signal);
}

/** What Keystone says of a token (Identity API v3). */
type Grant = { issued_at: string; expires_at: string; project?: { id: string }; catalog?: Catalogue };

async function authenticate(client: Client, cloud: CloudConfig, signal: AbortSignal): Promise<Token> {
  const { url, body } = identity(cloud);
  const headers = { 'Content-Type': 'application/json' };
  let answer: HttpAnswer;
  for (let attempt = 1; ; attempt++) {
    try {
      answer = await send(client, { method: 'POST', url, headers, body: JSON.stringify(body), signal });
      if (answer.status === 201) break;
      throw await serviceError(answer, 'logging in', cloud.name, noLogin[answer.status]);
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (attempt >= patience) throw final(error);
      await pause(error, attempt, signal);
    }
  }
  const id = answer.headers['x-subject-token'];
  const { token } = await readJson<{ token?: Grant }>(answer);
  if (typeof id !== 'string' || typeof token?.expires_at !== 'string')
    throw new ServiceError(201, `${new URL(url).origin} gave no token`, { hint: 'is auth_url that of Keystone?' });
  // By this machine's clock, which may not be Keystone's.
  const issued = Date.now();
  const expires = issued + (Date.parse(token.expires_at) - Date.parse(token.issued_at));
  return { id, issued, expires, project: token.project?.id, catalogue: token.catalog ?? [] };
}

const noLogin: Readonly<Record<number, string>> = {
  404: 'the application credential or the token is not there any more, or auth_url is not that of Keystone',
};

async function serviceError(answer: HttpAnswer, doing: string, cloud: string, remedy?: string): Promise<ServiceError> {
  const said = wordsOf(await readText(answer).catch(() => ''));
  const { status, headers } = answer;
  const moved = status < 400 && headers.location && URL.canParse(headers.location) && new URL(headers.location).origin;
  return new ServiceError(status, `${cloud} answered ${status} to ${doing}${said === '' ? '' : `: ${said}`}`, {
    hint:
      remedy ??
      (moved ? `it has moved: put ${moved} in the place of the address in clouds.yaml` : undefined) ??
      remedyFor({ status, doing, said }, headers['x-openstack-request-id']?.toString()),
    retryAfter: retryAfter(headers['retry-after'], headers.date),
  });
}

/** Reads the JSON of an answer. @throws VmkilnError CLOUD_FAILED when it is none */
export async function readJson<T>(answer: HttpAnswer): Promise<T> {
  const text = await readText(answer);
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new VmkilnError('CLOUD_FAILED', `the service answered with something other than JSON: ${wordsOf(text)}`, {
      hint: 'is a proxy or a login page in between?',
      cause,
    });
  }
}
