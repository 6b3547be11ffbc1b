import { readFileSync } from 'node:fs';
import { readSecret } from '../answers/holes.ts';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Env, SecretRef } from '../model.ts';

/** Where a queue is, as the command line has it: `password` is a reference, `env:NAME` or `file:PATH`, and `ca` a PEM file. */
export type QueueOptions = { queue: string; queuePassword?: string; queueCa?: string };

/** How the server of a queue is reached. `secret` is the password, for what must not be said. */
export type QueueAddress = {
  store: 'redis' | 'postgres';
  /** Without a password: for messages. */
  name: string;
  host: string;
  port: number;
  user: string | undefined;
  secret: string | undefined;
  database: string;
  tls: { ca?: string } | undefined;
  /** The variable that has the password, which no build is to see. */
  secretVariable: string | undefined;
};

const stores: Readonly<Record<string, { store: QueueAddress['store']; port: number; tls: boolean }>> = {
  'redis:': { store: 'redis', port: 6379, tls: false },
  'rediss:': { store: 'redis', port: 6379, tls: true },
  'postgres:': { store: 'postgres', port: 5432, tls: false },
};

/**
 * Reads the address of a queue. A password in it would be seen by everybody who lists processes, and is refused.
 *
 * @throws VmkilnError USAGE, SECRET_MISSING
 */
export function queueAddress({ queue, queuePassword, queueCa }: QueueOptions, env: Env): QueueAddress {
  const url = URL.canParse(queue) ? new URL(queue) : undefined;
  const kind = url && stores[url.protocol];
  if (!url || !kind || url.hostname === '' || !isWhole(url)) {
    // The text itself is not repeated: it may have a password.
    throw new VmkilnError('USAGE', 'the address of the queue is none that vmkiln knows', {
      hint: 'give redis://USER@HOST:6379/NUMBER, rediss://… (TLS) or postgres://USER@HOST:5432/DATABASE, without more',
    });
  }
  if (url.password !== '') {
    throw new VmkilnError(
      'USAGE',
      'the address of the queue has a password in it, which everybody on this host can read',
      {
        hint: 'leave it out, and give --queue-password env:NAME or file:PATH; change the one that was shown',
      },
    );
  }
  const password = queuePassword === undefined ? undefined : secretOf(queuePassword);
  if (password && 'env' in password && !env[password.env]) {
    throw new VmkilnError('SECRET_MISSING', `the environment variable ${password.env} has no password of the queue`, {
      hint: `--queue-password names it: export ${password.env}=…`,
    });
  }
  const sslmode = url.searchParams.get('sslmode');
  if (kind.store === 'postgres' && ![null, 'disable', 'verify-full'].includes(sslmode)) {
    throw new VmkilnError('USAGE', 'sslmode in the address of the queue is neither verify-full nor disable', {
      hint: 'give ?sslmode=verify-full, with --queue-ca FILE where the CA is one of your own',
    });
  }
  const isTls = kind.tls || sslmode === 'verify-full';
  if (queueCa !== undefined && !isTls) {
    throw new VmkilnError('USAGE', '--queue-ca is given for a connection without TLS', {
      hint: 'give rediss://… or postgres://…?sslmode=verify-full',
    });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? kind.port : Number(url.port);
  return {
    ...{ store: kind.store, name: `${url.protocol}//${url.host}${url.pathname}`, host, port },
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    secret: password && readSecret(password, env),
    secretVariable: password && 'env' in password ? password.env : undefined,
    database: decodeURIComponent(url.pathname.slice(1)),
    tls: isTls ? (queueCa === undefined ? {} : { ca: readCa(queueCa) }) : undefined,
  };
}

/** Whether an address has nothing that would be passed over, or that is the rest of a password with a `#`, `/` or `?` in it. */
function isWhole({ protocol, username, pathname, hash, searchParams }: URL): boolean {
  const isDecoded = [username, pathname].every((part) => !/%(?![0-9a-f]{2})/i.test(part));
  const isName = protocol === 'postgres:' ? /^\/?[^/@]*$/ : /^\/?\d*$/;
  const parameters = [...searchParams.keys()].every((name) => protocol === 'postgres:' && name === 'sslmode');
  return hash === '' && isDecoded && isName.test(pathname) && parameters;
}

function secretOf(text: string): SecretRef {
  const [, kind, value = ''] = /^(env|file):(.+)$/s.exec(text) ?? [];
  if (kind === 'env') return { env: value };
  if (kind === 'file') return { file: value };
  throw new VmkilnError('USAGE', '--queue-password is neither env:NAME nor file:PATH', {
    hint: 'it names where the password is: env:VMKILN_QUEUE_PASSWORD, file:/etc/vmkiln/queue-password',
  });
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VmkilnError('USAGE', `the file of --queue-ca cannot be read: ${messageOf(cause)}`, {
      hint: 'give a PEM file with the certificate of the CA',
      cause,
    });
  }
}
