import type * as http from 'node:http';
import type { Readable } from 'node:stream';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';
import { proxyFor } from '../media/proxy.ts';
import { begin, type Client, describeCertificate } from './connection.ts';

/** One request. `idle` is the seconds without a byte in either direction after which it has failed. */
export type HttpRequest = {
  method: string;
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Opens a body of `size` bytes; called once, and only when the server is ready to take it. */
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
  /** Whether it will be the same when it is tried again. */
  readonly isFinal: boolean;

  constructor(
    status: number,
    message: string,
    options: { hint?: string | undefined; cause?: unknown; retryAfter?: number | undefined; isFinal?: boolean } = {},
  ) {
    const { hint, cause } = options;
    super('CLOUD_FAILED', message, { ...(hint && { hint }), ...(cause === undefined ? {} : { cause }) });
    this.status = status;
    this.retryAfter = options.retryAfter;
    this.isFinal = options.isFinal ?? false;
  }
}

/** The body of a request could not be read, or ended too soon: the fault is on this side, and `cause` has it. */
export class BodyError extends Error {}

/** How long the server may keep a body waiting before it is sent all the same, in milliseconds. */
const continueWait = 1000;
/** How long an answer may take to arrive after the server has closed its end, in milliseconds. */
const lastWords = 2000;

/** A request on its way. Whichever comes first settles it: an answer, or a failure. */
type Exchange = {
  client: Client;
  url: URL;
  request: HttpRequest;
  sent: http.ClientRequest;
  resolve: (answer: HttpAnswer | Promise<never>) => void;
  reject: (error: Error) => void;
  isAnswered: boolean;
  hasFailed: boolean;
  /** The body, once it is being sent. */
  body: Readable | undefined;
  /** Until the body is sent without having been asked for. */
  timer: NodeJS.Timeout | undefined;
};

/**
 * Sends a request and resolves with the head of the answer. A body is sent after the server said `100 Continue`, or
 * after a second: a server that refuses the request at once is heard instead of a broken pipe.
 *
 * @throws ServiceError of status 0 when there is no answer; BodyError; VmkilnError INTERRUPTED.
 */
export async function send(client: Client, request: HttpRequest): Promise<HttpAnswer> {
  const { method, signal, stream } = request;
  const url = new URL(request.url);
  if (signal.aborted) throw interrupted(`talking to ${url.host}`, signal);
  const sent = await begin(client, url, { method, headers: headersOf(request), signal });
  return new Promise((resolve, reject) => {
    const state = { isAnswered: false, hasFailed: false, body: undefined, timer: undefined };
    const exchange: Exchange = { client, url, request, sent, resolve, reject, ...state };
    sent.on('error', (error) => fail(exchange, error));
    sent.on('response', (answer) => receive(exchange, answer));
    failOnAbort(exchange);
    failWhenIdle(exchange);
    if (stream) sendWhenWanted(exchange, stream);
    else sent.end(request.body);
  });
}

function headersOf({ headers, body, stream }: HttpRequest): http.OutgoingHttpHeaders {
  return {
    Accept: 'application/json',
    ...headers,
    ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
    ...(stream && { 'Content-Length': stream.size, Expect: '100-continue' }),
  };
}

function receive(exchange: Exchange, body: http.IncomingMessage): void {
  const { request, sent, resolve } = exchange;
  const status = body.statusCode ?? 0;
  exchange.isAnswered = true;
  stopBody(exchange);
  // What is left of the request is of no interest to a server that has refused it.
  if (request.stream && status >= 400) body.once('end', () => sent.destroy());
  body.once('error', () => undefined);
  resolve({ status, headers: body.headers, body });
}

/** Gives an exchange up. The reason may still be on its way: the server answered and closed before it had read everything. */
function fail(exchange: Exchange, error: Error): void {
  if (exchange.hasFailed) return;
  exchange.hasFailed = true;
  stopBody(exchange);
  const { signal, stream } = exchange.request;
  setTimeout(() => giveUp(exchange, error), stream && !signal.aborted && isReset(error) ? lastWords : 0);
}

function giveUp(exchange: Exchange, error: Error): void {
  const { client, url, request, sent, resolve, reject } = exchange;
  const { signal } = request;
  sent.destroy();
  // Whoever reads the answer sees that it broke off.
  if (exchange.isAnswered) return;
  if (signal.aborted) reject(interrupted(`talking to ${url.host}`, signal));
  else if (error instanceof BodyError) reject(error);
  else resolve(unreachable(client, url, error));
}

function failOnAbort(exchange: Exchange): void {
  const { request, sent } = exchange;
  const onAbort = () => {
    fail(exchange, new Error('aborted'));
    sent.destroy();
  };
  request.signal.addEventListener('abort', onAbort, { once: true });
  sent.on('close', () => request.signal.removeEventListener('abort', onAbort));
}

function failWhenIdle(exchange: Exchange): void {
  const seconds = exchange.request.idle ?? 60;
  exchange.sent.setTimeout(seconds * 1000, () => {
    fail(exchange, Object.assign(new Error(`nothing came for ${seconds} s`), { code: 'ETIMEDOUT' }));
  });
}

type Stream = NonNullable<HttpRequest['stream']>;

/** Sends the head, and the body when the server asks for it, or has kept it waiting since it was connected. */
function sendWhenWanted(exchange: Exchange, stream: Stream): void {
  const { sent, url } = exchange;
  const start = () => sendBody(exchange, stream);
  sent.once('continue', start);
  sent.once('socket', (socket) => {
    const wait = () => {
      exchange.timer = setTimeout(start, continueWait);
    };
    if (url.protocol === 'https:') socket.once('secureConnect', wait);
    else if (socket.connecting) socket.once('connect', wait);
    else wait();
  });
  sent.flushHeaders();
}

function sendBody(exchange: Exchange, { open, size }: Stream): void {
  clearTimeout(exchange.timer);
  if (exchange.body || exchange.hasFailed) return;
  const body = open();
  exchange.body = body;
  let passed = 0;
  body.on('data', (chunk: Buffer) => {
    passed += chunk.length;
  });
  body.on('error', (cause) => fail(exchange, new BodyError(messageOf(cause), { cause })));
  // The server would wait for the rest.
  body.on('end', () => {
    if (passed < size) fail(exchange, new BodyError(`the body ended after ${passed} of ${size} bytes`));
  });
  body.pipe(exchange.sent);
}

function stopBody({ timer, body }: Exchange): void {
  clearTimeout(timer);
  body?.destroy();
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

/** What OpenSSL and Node.js say of a server's certificate; refusals of ours begin with ERR_SSL. */
const distrust = /^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/;

/** @throws ServiceError that says why there is no answer; VmkilnError USAGE */
async function unreachable(client: Client, url: URL, cause: Error): Promise<never> {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const words = cause.message || code;
  if (distrust.test(code)) {
    const shown = await describeCertificate(client, url).catch(() => undefined);
    const message = `the certificate of ${url.origin} is not trusted: ${words}${shown ? ` (it is of ${shown})` : ''}`;
    const hint = hints[code] ?? 'name the certificate of its authority as cacert in clouds.yaml, or in OS_CACERT';
    throw new ServiceError(0, message, { hint, cause, isFinal: true });
  }
  const proxy = proxyFor(url, client.env)?.url.host;
  const isProxy = proxy !== undefined && ['ENOTFOUND', 'ECONNREFUSED'].includes(code);
  const hint = hints[isProxy ? 'EPROXY' : code] ?? 'see whether the address is right and the service runs';
  const way = proxy === undefined ? '' : ` through the proxy ${proxy}`;
  const isFinal = /^(EPROTO$|ERR_SSL_)/.test(code);
  throw new ServiceError(0, `no answer from ${url.origin}${way}: ${words}`, { hint, cause, isFinal });
}

const hints: Readonly<Record<string, string>> = {
  ENOTFOUND: 'see whether the name in auth_url, or in the catalogue, is known here (DNS, VPN)',
  ECONNREFUSED: 'see whether the service runs, and whether a firewall is in between',
  ETIMEDOUT: 'see whether a firewall or VPN is in between, and try again',
  EPROTO: 'see whether the service speaks TLS there, or plain HTTP',
  CERT_HAS_EXPIRED: 'see whether the clock of this machine is right; the operator of the cloud renews the certificate',
  CERT_NOT_YET_VALID: 'see whether the clock of this machine is right',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a name that the certificate has, in auth_url or as image_endpoint_override',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the server wants a certificate from us: name it as cert and key in clouds.yaml',
  EPROXY: 'see whether https_proxy and no_proxy are right in the environment, and what the proxy allows',
};
