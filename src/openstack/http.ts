import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import type { Readable } from 'node:stream';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';

/** How the certificate of a server is checked. `ca`, `cert` and `key` are paths of PEM files. */
export type Tls = { verify: boolean; ca?: string | undefined; cert?: string | undefined; key?: string | undefined };

/** A connection pool to one cloud. */
export type Client = { tls: Tls; plain: http.Agent; secure: https.Agent };

/** One request. `idle` is the seconds without a byte in either direction after which it has failed. */
export type HttpRequest = {
  method: string;
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Opens a body of `size` bytes; called only when the server is ready to take it. */
  stream?: { open: () => Readable; size: number };
  idle?: number;
  signal: AbortSignal;
};

export type HttpAnswer = { status: number; headers: http.IncomingHttpHeaders; body: http.IncomingMessage };

/** A service that answered with an error, or did not answer (`status` 0). */
export class ServiceError extends VmkilnError {
  readonly status: number;
  /** Seconds after which the service wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    options: { hint?: string | undefined; cause?: unknown; retryAfter?: number | undefined } = {},
  ) {
    const { hint, cause } = options;
    super('CLOUD_FAILED', message, { ...(hint && { hint }), ...(cause === undefined ? {} : { cause }) });
    this.status = status;
    this.retryAfter = options.retryAfter;
  }
}

/** How long the server may keep a body waiting before it is sent all the same, in milliseconds. */
const continueWait = 1000;
/** How long an answer may take to arrive after the server has closed its end, in milliseconds. */
const lastWords = 2000;

/** @throws VmkilnError USAGE when a file of the TLS settings cannot be read. */
export function openClient(tls: Tls): Client {
  const read = (path: string | undefined) => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new VmkilnError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, {
        hint: 'mend the path in clouds.yaml (cacert, cert or key)',
        cause,
      });
    }
  };
  const [ca, cert, key] = [read(tls.ca), read(tls.cert), read(tls.key)];
  const keys = { ...(ca && { ca }), ...(cert && { cert }), ...((key ?? cert) && { key: key ?? cert }) };
  // Connections are not kept: a server closes an idle one just when the next request is on its way.
  const common = { keepAlive: false };
  return {
    tls,
    plain: new http.Agent(common),
    secure: new https.Agent({ ...common, rejectUnauthorized: tls.verify, ...keys }),
  };
}

/**
 * Sends a request and resolves with the head of the answer. A body is sent after the server said `100 Continue`, or
 * after a second: a server that refuses the request at once is heard instead of a broken pipe.
 *
 * @throws ServiceError of status 0 when there is no answer; VmkilnError INTERRUPTED.
 */
export function send(client: Client, request: HttpRequest): Promise<HttpAnswer> {
  const { signal, stream } = request;
  const url = new URL(request.url);
  if (signal.aborted) return Promise.reject(interrupted(`talking to ${url.host}`, signal));
  const secure = url.protocol === 'https:';
  const headers: http.OutgoingHttpHeaders = { Accept: 'application/json', ...request.headers };
  if (request.body !== undefined) headers['Content-Length'] = Buffer.byteLength(request.body);
  if (stream) {
    headers['Content-Length'] = stream.size;
    headers['Expect'] = '100-continue';
  }
  const { method } = request;
  const agent = secure ? client.secure : client.plain;
  const req = (secure ? https : http).request(url, { method, headers, agent });
  return new Promise((resolve, reject) => {
    let source: Readable | undefined;
    let failed: Error | undefined;
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      source?.destroy();
    };
    const fail = (error: Error) => {
      if (failed) return;
      failed = error;
      end();
      // The reason may still be on its way: the server answered and closed before it had read everything.
      setTimeout(
        () => {
          req.destroy();
          reject(signal.aborted ? interrupted(`talking to ${url.host}`, signal) : unreachable(url, failed as Error));
        },
        stream && !signal.aborted && isReset(error) ? lastWords : 0,
      );
    };
    const onAbort = () => {
      fail(new Error('aborted'));
      req.destroy();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    req.on('close', () => signal.removeEventListener('abort', onAbort));
    req.on('error', fail);
    req.setTimeout((request.idle ?? 60) * 1000, () => {
      const seconds = request.idle ?? 60;
      fail(Object.assign(new Error(`nothing came for ${seconds} s`), { code: 'ETIMEDOUT' }));
    });
    req.on('response', (body) => {
      end();
      const status = body.statusCode ?? 0;
      // What is left of the request is of no interest to a server that has refused it.
      if (stream && status >= 400) body.once('end', () => req.destroy());
      body.once('error', () => undefined);
      resolve({ status, headers: body.headers, body });
    });
    if (!stream) {
      req.end(request.body);
      return;
    }
    const start = () => {
      clearTimeout(timer);
      if (source || failed) return;
      source = stream.open();
      source.on('error', fail);
      source.pipe(req);
    };
    req.once('continue', start);
    req.once('socket', (socket) => {
      const arm = () => (timer = setTimeout(start, continueWait));
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', arm);
      else arm();
    });
    req.flushHeaders();
  });
}

function isReset(error: Error): boolean {
  return ['EPIPE', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** @throws ServiceError of status 0 when the body does not come to its end. */
export async function readText(answer: HttpAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer.body) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new ServiceError(0, `the answer broke off: ${messageOf(cause)}`, { hint: 'try again', cause });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What a service said of an error: the JSON of Glance or Keystone, or the text of a page. */
export function wordsOf(text: string): string {
  let said = text;
  try {
    const tree = JSON.parse(text) as {
      message?: unknown;
      error?: { message?: unknown };
      description?: unknown;
      title?: unknown;
    };
    const found = tree.message ?? tree.error?.message ?? tree.description ?? tree.title;
    if (typeof found === 'string') said = found;
  } catch {
    said = text.replace(/<title>.*?<\/title>/s, '');
  }
  const plain = said
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&(lt|gt|amp|quot|#x27|#39);/g, (_, name: string) => entities[name] ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return plain.length > 500 ? `${plain.slice(0, 499)}…` : plain;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', '#x27': "'", '#39': "'" };

function unreachable(url: URL, cause: Error): ServiceError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const hint = /CERT|SELF_SIGNED|UNABLE_TO_/.test(code)
    ? 'name the certificate of the authority as cacert in clouds.yaml'
    : (hints[code] ?? 'see whether the address is right and the service runs');
  return new ServiceError(0, `no answer from ${url.origin}: ${cause.message || code}`, { hint, cause });
}

const hints: Readonly<Record<string, string>> = {
  ENOTFOUND: 'see whether the name in auth_url, or in the catalogue, is known here (DNS, VPN)',
  ECONNREFUSED: 'see whether the service runs, and whether a firewall is in between',
  ETIMEDOUT: 'see whether a firewall or VPN is in between, and try again',
};
