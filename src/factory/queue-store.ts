import { setTimeout as sleep } from 'node:timers/promises';
import type { Processor, Queue, Worker, WorkerOptions } from 'bullmq';
import { messageOf, VmkilnError } from '../errors.ts';
import { redact } from '../tools/exec.ts';
import type { QueueAddress } from './queue-address.ts';

/** The queues of one server. `close` ends every connection but those of the workers, which end by themselves. */
export type QueueStore = {
  queue: (name: string) => Queue;
  worker: (name: string, processor: Processor, options: Omit<WorkerOptions, 'connection'>) => Worker;
  close: () => Promise<void>;
  failure: (error: unknown) => VmkilnError;
};

/** Before the names of all keys of Redis. */
const prefix = 'vmkiln';
/** So long a command waits for a server, in milliseconds; so does a worker that has to end, and one that works for ever. */
export const patience = 10_000;

/**
 * Opens the queues of a server by BullMQ, which nothing else needs: it is loaded now.
 *
 * @param report what goes wrong later, while a worker works: it goes on by itself.
 * @throws VmkilnError QUEUE_FAILED when the packages are missing, or the server does not answer.
 */
export async function openQueues(address: QueueAddress, report: (error: VmkilnError) => void): Promise<QueueStore> {
  const { store, host, port, user, secret, database, tls } = address;
  const driver = store === 'redis' ? 'ioredis' : 'pg';
  const bullmq = await import('bullmq').catch(missing('bullmq', driver));
  const library = (await import(driver).catch(missing('bullmq', driver))) as { Client?: PgClient };
  const failure = (error: unknown) =>
    error instanceof VmkilnError
      ? error
      : new VmkilnError('QUEUE_FAILED', redact(`${address.name}: ${saidBy(error)}`, secret ? [secret] : []), {
          hint: isFull(messageOf(error))
            ? 'the server of the queue is full: make room there; builds go on by themselves then, and what is published stays'
            : 'see whether the server runs and is reached from here (docs/factory.md, "Many hosts"); what is published stays',
        });
  const login = { host, port, ...(secret !== undefined && { password: secret }), ...(tls && { tls, ssl: tls }) };
  const redis = { ...login, ...(user !== undefined && { username: user }), db: Number(database || 0) };
  const postgres = {
    ...login,
    ...(user !== undefined && { user }),
    ...(database !== '' && { database }),
    schema: prefix,
    migrate: true,
    ...(library.Client && { Client: outliving(library.Client) }),
  };
  if (store === 'postgres') bullmq.setDefaultBackendFactory(bullmq.createPostgresBackend);
  const forWorker = store === 'redis' ? { ...redis, maxRetriesPerRequest: null } : postgres;
  // A command ends when the server does not answer; a worker waits for it.
  const forCommand =
    store === 'redis' ? { ...redis, maxRetriesPerRequest: 3 } : { ...postgres, connectionTimeoutMillis: patience };
  const heard = <T extends NodeJS.EventEmitter>(each: T): T => each.on('error', (error) => report(failure(error)));
  const queues = new Map<string, Queue>();
  const queue = (name: string) => {
    const known = queues.get(name) ?? heard(new bullmq.Queue(name, { connection: forCommand, prefix }));
    queues.set(name, known);
    return known;
  };
  const result: QueueStore = {
    ...{ queue, failure },
    worker: (name, processor, options) =>
      heard(new bullmq.Worker(name, processor, { ...options, connection: forWorker, prefix })),
    close: async () => {
      const closed = Promise.allSettled([...queues.values()].map((each) => each.close()));
      await Promise.race([closed, sleep(patience, undefined, { ref: false })]);
    },
  };
  const late = sleep(patience, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${patience / 1000} s`);
  });
  try {
    await Promise.race([queue('probe').waitUntilReady(), late]);
  } catch (error) {
    void result.close();
    throw failure(error);
  }
  return result;
}

type PgClient = new (...options: unknown[]) => NodeJS.EventEmitter;

/**
 * A client of `pg` whose connection may end while it is taken out of its pool: what it was asked fails then. The pool does not listen to it meanwhile
 * (node-postgres.com/apis/pool, `error`), and an error that nobody listens to ends a process.
 */
function outliving(Client: PgClient): PgClient {
  return class extends Client {
    constructor(...options: unknown[]) {
      super(...options);
      this.on('error', () => undefined);
    }
  };
}

/** Redis names the script of BullMQ that it refuses, each by another name. */
function saidBy(error: unknown): string {
  return messageOf(error).replace(/ script: [0-9a-f]+, on @user_script:\d+\.?$/, '');
}

/** What Redis says at `maxmemory` or when it cannot write its log, and PostgreSQL when it cannot extend a table (53100, disk_full). */
function isFull(message: string): boolean {
  return /\bOOM command not allowed|\bMISCONF\b|No space left on device/.test(message);
}

function missing(...packages: string[]): (cause: unknown) => never {
  return (cause) => {
    throw new VmkilnError(
      'QUEUE_FAILED',
      `the queue needs the npm packages ${packages.join(' and ')}, which are not installed`,
      {
        hint: `npm install ${packages.join(' ')}, where vmkiln is installed (--global, if it is)`,
        cause,
      },
    );
  };
}
