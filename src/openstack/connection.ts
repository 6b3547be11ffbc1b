import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { proxyFor, tunnel } from './proxy.ts';

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
export function begin(
  client: Client,
  url: URL,
  { method, headers, signal }: { method: string; headers: http.OutgoingHttpHeaders; signal: AbortSignal },
): http.ClientRequest {
  const proxy = proxyFor(url, client.env);
  if (url.protocol === 'https:') {
    const { agent, tls } = client.secure();
    const way = proxy ? { createConnection: tunnel(proxy, url, { tls, signal }), defaultPort: 443 } : { agent };
    return https.request(url, { method, headers, ...way });
  }
  if (!proxy) return http.request(url, { method, headers, agent: client.plain });
  const { hostname, port, protocol } = proxy.url;
  const there = { hostname: hostname.replaceAll(/[[\]]/g, ''), port, agent: false, method, path: url.href };
  const all = { Host: url.host, ...headers, ...proxy.headers };
  return (protocol === 'https:' ? https : http).request({ ...there, headers: all });
}

/** How long a server may take to show its certificate, in milliseconds. */
const patience = 5000;

/**
 * The certificate that a server shows, in words, for an error that says that it is not trusted. Nothing is sent there.
 * Undefined when it cannot be had.
 */
export function describeCertificate(client: Client, url: URL): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patience);
  const proxy = proxyFor(url, client.env);
  const tls = { ...client.secure().tls, rejectUnauthorized: false };
  const way = proxy
    ? { createConnection: tunnel(proxy, url, { tls, signal }), defaultPort: 443 }
    : { ...tls, agent: false };
  return new Promise((resolve) => {
    const request = https.request(url, { ...way, signal });
    request.on('error', () => resolve(undefined));
    request.on('socket', (socket: TLSSocket) => {
      socket.on('secureConnect', () => {
        const shown = socket.getPeerX509Certificate();
        const line = (name: string | undefined) => name?.trim().replaceAll('\n', ', ') || 'nobody';
        resolve(shown && `${line(shown.subject)}; issued by ${line(shown.issuer)}; valid until ${shown.validTo}`);
        request.destroy();
      });
    });
  });
}
