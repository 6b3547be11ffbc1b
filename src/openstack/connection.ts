import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import {
  checkServerIdentity,
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { messageOf, VmkilnError } from '../errors.ts';
import { type Proxy, proxyFor } from '../media/proxy.ts';
import type { Env } from '../model.ts';

/** How the certificate of a server is checked. `ca`, `cert` and `key` are paths of PEM files. */
type Tls = { verify: boolean; ca?: string | undefined; cert?: string | undefined; key?: string | undefined };

/** What all connections to one cloud have in common. */
export type Client = {
  plain: http.Agent;
  /** Made when it is first wanted: a cloud on plain HTTP needs no certificates. @throws VmkilnError USAGE */
  secure: () => { agent: https.Agent; tls: ConnectionOptions };
  env: Env;
};

/** What distributions give their own Python, and so the clients of OpenStack: Debian, and Red Hat. */
const bundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/**
 * Prepares connections to a cloud. Without a `ca` the authorities are those of this host, or of `REQUESTS_CA_BUNDLE`,
 * as for the clients of OpenStack: companies add their own there. They are not read when nothing is verified.
 */
export function openClient({ verify, ca, cert, key }: Tls, env: Env): Client {
  // Connections are not kept: a server closes an idle one just when the next request is on its way.
  const common = { keepAlive: false };
  let secure: ReturnType<Client['secure']> | undefined;
  const open = () => {
    const [authority, own, ownKey] = [verify ? ca : undefined, cert, key ?? cert].map((path) =>
      path === undefined ? undefined : readPem(path, 'cacert, cert or key of the cloud'),
    );
    const trusted = verify ? (authority ?? hostAuthorities(env)) : undefined;
    // Once, because reading a bundle takes longer than a request.
    const tls = { secureContext: makeContext({ ca: trusted, cert: own, key: ownKey }), rejectUnauthorized: verify };
    return { agent: new https.Agent({ ...common, ...tls }), tls };
  };
  return { plain: new http.Agent(common), secure: () => (secure ??= open()), env };
}

function makeContext(files: Record<'ca' | 'cert' | 'key', Buffer | Buffer[] | undefined>): SecureContext {
  try {
    return createSecureContext(Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined)));
  } catch (cause) {
    throw new VmkilnError('USAGE', `the certificates of the cloud cannot be used: ${messageOf(cause)}`, {
      hint: 'cacert, cert and key of the cloud are files in PEM, and the key is that of the certificate',
      cause,
    });
  }
}

/** The authorities of this host, and Node.js's extra ones; undefined when those that Node.js brings count. */
function hostAuthorities(env: Env): Buffer[] | undefined {
  const named = env['REQUESTS_CA_BUNDLE'] || env['CURL_CA_BUNDLE'];
  const bundle = named ? readPem(named, 'REQUESTS_CA_BUNDLE') : bundles.map(readIfThere).find(Boolean);
  const extra = readIfThere(env['NODE_EXTRA_CA_CERTS'] ?? '');
  return bundle && [bundle, ...(extra ? [extra] : [])];
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function readPem(path: string, where: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new VmkilnError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, {
      hint: `correct the path (${where})`,
      cause,
    });
  }
}

/** Begins a request, through the proxy of the environment if there is one for this address. @throws VmkilnError USAGE */
export async function begin(
  client: Client,
  url: URL,
  { method, headers, signal }: { method: string; headers: http.OutgoingHttpHeaders; signal: AbortSignal },
): Promise<http.ClientRequest> {
  const proxy = proxyFor(url, client.env);
  if (url.protocol === 'https:') {
    const { agent, tls } = client.secure();
    return proxy
      ? tunnelled(proxy, url, { method, headers, ...tls }, signal)
      : https.request(url, { method, headers, agent });
  }
  if (!proxy) return http.request(url, { method, headers, agent: client.plain });
  const { hostname, port, protocol } = proxy.url;
  const there = { hostname: bare(hostname), port, agent: false, method, path: url.href };
  const all = { Host: url.host, ...headers, ...proxy.headers };
  return (protocol === 'https:' ? https : http).request({ ...there, headers: all });
}

/** How long a proxy may take to open a tunnel, in milliseconds. */
const tunnelTime = 60_000;

/** A request through a tunnel that a proxy opens (CONNECT). */
async function tunnelled(
  proxy: Proxy,
  url: URL,
  options: https.RequestOptions,
  signal: AbortSignal,
): Promise<http.ClientRequest> {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), tunnelTime);
  const agent = new HttpsProxyAgent(proxy.url.origin, {
    ...{ headers: { ...proxy.headers }, keepAlive: false },
    signal: AbortSignal.any([signal, late.signal]),
  });
  const host = bare(url.hostname);
  // In a tunnel, Node.js does not know whom it talks to by an address.
  const isHost: ConnectionOptions['checkServerIdentity'] = (_, certificate) => checkServerIdentity(host, certificate);
  const request = https.request(url, { ...options, agent, checkServerIdentity: isHost });
  const fail = (words: string, code: string) => request.destroy(Object.assign(new Error(words), { code }));
  late.signal.addEventListener('abort', () => fail('it does not answer', 'ETIMEDOUT'));
  request.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    clearTimeout(timer);
    if (statusCode === 200) return;
    fail(`it answered ${statusCode}${statusCode === 407 ? ' (it wants a user and password)' : ''}`, 'EPROXY');
  });
  request.once('close', () => clearTimeout(timer));
  return request;
}

function bare(hostname: string): string {
  return hostname.replaceAll(/[[\]]/g, '');
}

/** How long a server may take to show its certificate, in milliseconds. */
const patience = 5000;

/**
 * The certificate that a server shows, in words, for an error that says that it is not trusted. Nothing is sent there.
 * Undefined when it cannot be had.
 */
export async function describeCertificate(client: Client, url: URL): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patience);
  const proxy = proxyFor(url, client.env);
  const tls = { ...client.secure().tls, rejectUnauthorized: false };
  const request = proxy
    ? await tunnelled(proxy, url, { ...tls, signal }, signal)
    : https.request(url, { ...tls, agent: false, signal });
  return new Promise((resolve) => {
    request.on('error', () => resolve(undefined));
    request.on('socket', (socket: TLSSocket) => {
      const show = () => {
        const shown = socket.getPeerX509Certificate();
        const line = (name: string | undefined) => name?.trim().replaceAll('\n', ', ') || 'nobody';
        resolve(shown && `${line(shown.subject)}; issued by ${line(shown.issuer)}; valid until ${shown.validTo}`);
        request.destroy();
      };
      socket.on('secureConnect', show);
    });
  });
}
