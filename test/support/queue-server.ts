import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshFolder } from './vmkiln.ts';

/** A server of queues that a test has for itself. */
export type QueueServer = {
  url: string;
  port: number;
  /** Where its data is. */
  data: string;
  stop: () => Promise<void>;
  /** Without a warning. */
  kill: () => Promise<void>;
  start: () => Promise<void>;
};

/** How a server is set up besides what docs/factory.md says. `settings` are PostgreSQL's. */
export type ServerOptions = { password?: string; tls?: Certificates; settings?: readonly string[]; address?: string };
type Certificates = { ca: string; cert: string; key: string };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function serverOf(
  { url, port, data, address }: Pick<QueueServer, 'url' | 'port' | 'data'> & { address: string },
  run: () => ChildProcess,
  ends: NodeJS.Signals = 'SIGTERM',
): Promise<QueueServer> {
  let child: ChildProcess | undefined;
  const start = async () => {
    child = run();
    for (let tries = 0; ; tries++) {
      const socket = connect(port, address);
      const isUp = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'close').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isUp) return;
      if (tries > 100) throw new Error('the server does not start');
      // One that was killed may leave for a moment what another one cannot begin with.
      if (child.exitCode !== null) child = run();
      await sleep(100);
    }
  };
  const end = (signal: NodeJS.Signals) => async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
  };
  await start();
  return { url, port, data, start, stop: end(ends), kill: end('SIGKILL') };
}

/** redis-server with what docs/factory.md wants of it. */
export async function redisServer({ password, tls, address = '127.0.0.1' }: ServerOptions = {}): Promise<QueueServer> {
  const port = await freePort();
  const data = freshFolder('redis');
  const args = [
    ...(tls ? ['--port', '0', '--tls-port'] : ['--port']),
    String(port),
    '--bind',
    address,
    '--protected-mode',
    'no',
    '--dir',
    data,
    '--save',
    '',
    '--appendonly',
    'yes',
  ];
  if (password !== undefined) args.push('--requirepass', password);
  if (tls) {
    const { ca, cert, key } = tls;
    args.push('--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no');
  }
  const url = `redis${tls ? 's' : ''}://${address}:${port}`;
  return serverOf({ url, port, data, address }, () => spawn('redis-server', args, { stdio: 'ignore' }));
}

/** PostgreSQL of Debian, which does not run as root. */
export async function postgresServer({
  tls,
  settings = [],
  address = '127.0.0.1',
}: ServerOptions = {}): Promise<QueueServer> {
  const port = await freePort();
  const [version = ''] = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a));
  const bin = join('/usr/lib/postgresql', version, 'bin');
  const folder = freshFolder('postgres');
  chmodSync(folder, 0o777);
  const as =
    process.getuid?.() === 0 ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] : ['env'];
  const [program = '', ...words] = as;
  const data = join(folder, 'data');
  execFileSync(program, [...words, join(bin, 'initdb'), '-D', data, '-A', 'trust', '-U', 'vmkiln', '-N'], {
    stdio: 'ignore',
  });
  appendFileSync(join(data, 'pg_hba.conf'), 'host all all samenet trust\n');
  const args = [join(bin, 'postgres'), '-D', data, '-p', String(port), '-k', folder, '-h', address];
  args.push(...settings.flatMap((each) => ['-c', each]));
  if (tls) {
    const [cert, key] = [join(data, 'server.crt'), join(data, 'server.key')];
    execFileSync(program, [...words, 'cp', tls.cert, cert]);
    execFileSync(program, [...words, 'install', '-m', '0600', tls.key, key]);
    args.push('-c', 'ssl=on');
  }
  const mode = tls ? '?sslmode=verify-full' : '';
  const url = `postgres://vmkiln@${address}:${port}/postgres${mode}`;
  // SIGTERM would have it wait until all that are connected have left: postgres(1).
  const server = await serverOf(
    { url, port, data, address },
    () => spawn(program, [...words, ...args], { stdio: 'ignore' }),
    'SIGINT',
  );
  await sleep(500);
  return server;
}

/** A certificate for 127.0.0.1, and the CA that has signed it. */
export function certificates(): Certificates {
  const folder = freshFolder('tls');
  chmodSync(folder, 0o755);
  const [ca, caKey, cert, key] = ['ca.pem', 'ca.key', 'cert.pem', 'cert.key'].map((name) => join(folder, name));
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'ignore' });
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...made, '-keyout', `${caKey}`, '-out', `${ca}`, '-subj', '/CN=test CA');
  const signed = ['-CA', `${ca}`, '-CAkey', `${caKey}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('req', '-x509', ...made, ...signed, '-keyout', `${key}`, '-out', `${cert}`, '-subj', '/CN=127.0.0.1');
  // The user that PostgreSQL runs as reads it.
  chmodSync(`${key}`, 0o644);
  return { ca: `${ca}`, cert: `${cert}`, key: `${key}` };
}
