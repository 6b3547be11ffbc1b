import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshFolder } from './vmkiln.ts';

/** A server of queues that a test has for itself. */
export type QueueServer = { url: string; port: number; stop: () => Promise<void>; start: () => Promise<void> };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function serverOf(url: string, port: number, run: () => ChildProcess): Promise<QueueServer> {
  let child: ChildProcess | undefined;
  const start = async () => {
    child = run();
    for (let tries = 0; ; tries++) {
      const socket = connect(port, '127.0.0.1');
      const isUp = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'close').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isUp) return;
      if (child.exitCode !== null || tries > 100) throw new Error('the server does not start');
      await sleep(100);
    }
  };
  const stop = async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  };
  await start();
  return { url, port, start, stop };
}

/** redis-server with what docs/factory.md wants of it. */
export async function redisServer(password?: string): Promise<QueueServer> {
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    freshFolder('redis'),
    '--save',
    '',
    '--appendonly',
    'yes',
  ];
  if (password !== undefined) args.push('--requirepass', password);
  return serverOf(`redis://127.0.0.1:${port}`, port, () => spawn('redis-server', args, { stdio: 'ignore' }));
}

/** PostgreSQL of Debian, which does not run as root. */
export async function postgresServer(): Promise<QueueServer> {
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
  const args = [join(bin, 'postgres'), '-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1'];
  const server = await serverOf(`postgres://vmkiln@127.0.0.1:${port}/postgres`, port, () =>
    spawn(program, [...words, ...args], { stdio: 'ignore' }),
  );
  await sleep(500);
  return server;
}
