import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { exec } from '../../../src/tools/exec.ts';
import { signal } from './tools.ts';

/** Paths of PEM files. */
export type Pair = { key: string; cert: string };

const openssl = (...args: string[]) => exec({ program: 'openssl', args, timeout: 60, signal });

/** Makes an authority in a folder: nobody but its own certificate vouches for it. */
export async function makeAuthority(folder: string, name: string): Promise<Pair> {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const files = ['-keyout', key, '-out', cert];
  await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, '-days', '2', '-subj', `/CN=${name}`);
  return { key, cert };
}

/** Has an authority issue a certificate for what openssl calls an alternative name (`IP:127.0.0.1`); days may be negative. */
export async function issue(authority: Pair, name: string, alternative: string, days = 2): Promise<Pair> {
  const base = authority.cert.replace(/[^/]*$/, name);
  const [key, cert] = [`${base}.key`, `${base}.pem`];
  const request = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', `${base}.csr`, '-subj', `/CN=${name}`];
  await openssl('req', ...request);
  writeFileSync(`${base}.ext`, `subjectAltName=${alternative}\n`);
  const by = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial', '-extfile', `${base}.ext`];
  await openssl('x509', '-req', '-in', `${base}.csr`, ...by, '-days', String(days), '-out', cert);
  return { key, cert };
}

/** Speaks TLS for a server that does not; with `clients` only to those who have a certificate of this authority. */
export async function startTls(target: string, own: Pair, clients?: Pair): Promise<{ url: string; close: () => void }> {
  const [key, cert] = [readFileSync(own.key), readFileSync(own.cert)];
  const { hostname, port } = new URL(target);
  const asks = clients && { requestCert: true, rejectUnauthorized: true, ca: readFileSync(clients.cert) };
  const server = createServer({ key, cert, ...asks }, (client) => {
    passOn(client, connect(Number(port), hostname));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port: here } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${here}`, close: () => void server.close() };
}

/** Passes on what comes, both ways, until one of them ends. */
export function passOn(one: Socket, other: Socket): void {
  one.on('error', () => other.destroy()).on('close', () => other.destroy());
  other.on('error', () => one.destroy());
  one.pipe(other).pipe(one);
}
