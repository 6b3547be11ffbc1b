import { setTimeout as sleep } from 'node:timers/promises';
import type { Processor, Queue, Worker, WorkerOptions } from 'bullmq';
import { messageOf, VmkilnError } from '../errors.ts';
import { redact } from '../tools/exec.ts';
import { unlessAborted } from '../wait.ts';
import { outliving, type Pg } from './pg-client.ts';
import type { QueueAddress } from './queue-address.ts';

/** The queues of one server. `close` ends every connection but those of the workers, which end by themselves. */
export type QueueStore = {
  queue: (name: string) => Queue;
  worker: (name: string, processor: Processor, options: Omit<WorkerOptions, 'connection'>) => Worker;
  close: () => Promise<void>;
  failure: (error: unknown) => VmkilnError;
  /** Tells of an error with which work goes on. */
  report: (error: unknown) => void;
};

/** Before the names of all keys of Redis. */
const prefix = 'vmkiln';
/** So long a command waits for a server, in milliseconds; so does a worker that has to end. */
export const patience = 10_000;
/** So long a server is told that nothing more will be asked, in milliseconds: what was asked has been answered. */
const farewell = 1000;
/**
 * After so many milliseconds without an answer a connection to Redis begins anew: TCP tries for a quarter of an hour (`tcp_retries2` in tcp(7)),
 * and a firewall that has forgotten a connection never says so. It is longer than BullMQ has a server wait for a job, 10 s
 * (`defaultMaximumBlockTimeout` of its worker).
 */
const silence = 15_000;

/**
 * Opens the queues of a server by BullMQ, which nothing else needs: it is loaded now.
 *
 * @param report what goes wrong later, while a worker works: it goes on by itself.
 * @throws VmkilnError QUEUE_FAILED when the packages are missing, or the server does not answer; the reason of `signal`.
 */
export async function openQueues(
  address: QueueAddress,
  report: (error: VmkilnError) => void,
  signal: AbortSignal,
): Promise<QueueStore> {
  const { store, host, port, user, secret, database, tls } = address;
  const driver = store === 'redis' ? 'ioredis' : 'pg';
  const bullmq = await import('bullmq').catch(missing('bullmq', driver));
  const library = (await import(driver).catch(missing('bullmq', driver))) as { default: Pg };
  const failure = (error: unknown) =>
    error instanceof VmkilnError
      ? error
      : new VmkilnError('QUEUE_FAILED', redact(`${address.name}: ${saidBy(error)}`, secret ? [secret] : []), {
          hint: hintFor(messageOf(error)),
        });
  // BullMQ prints what it finds wrong with a server, for each of its connections.
  console.warn = (text: unknown) => report(failure(new Error(warned(String(text)))));
  const login = { host, port, ...(secret !== undefined && { password: secret }), ...(tls && { tls, ssl: tls }) };
  // A name may have an address of IPv6 alone: the default is 4.
  const redis = {
    ...{ ...login, family: 0, socketTimeout: silence, db: Number(database || 0) },
    ...(user !== undefined && { username: user }),
  };
  const postgres = {
    ...login,
    ...(user !== undefined && { user }),
    ...(database !== '' && { database }),
    schema: prefix,
    migrate: true,
    ...{ connectionTimeoutMillis: patience, query_timeout: patience },
    // Every connection begins with a lock on the schema (BullMQ's `runMigrations`). For two hours a server does not miss a client that was cut off
    // then (`tcp_keepalives_idle` of PostgreSQL), and no other one could begin.
    idle_in_transaction_session_timeout: patience,
    ...(store === 'postgres' && { Client: outliving(library.default) }),
  };
  if (store === 'postgres') bullmq.setDefaultBackendFactory(bullmq.createPostgresBackend);
  const forWorker = store === 'redis' ? { ...redis, maxRetriesPerRequest: null } : postgres;
  // A command ends when the server does not answer; a worker waits for it.
  const forCommand = store === 'redis' ? { ...redis, maxRetriesPerRequest: 3, commandTimeout: patience } : postgres;
  // Until it is open: what was heard last says more than that there was no answer, and a wrong password is none to wait for.
  let opening: { heard?: unknown; refuse: (error: unknown) => void } | undefined = { refuse: () => undefined };
  const refused = new Promise<never>((_, reject) => (opening = { refuse: reject }));
  const heard = <T extends NodeJS.EventEmitter>(each: T): T =>
    each.on('error', (error) => {
      if (!opening) return report(failure(error));
      opening.heard = error;
      if (isRefused(messageOf(error))) opening.refuse(error);
    });
  const queues = new Map<string, Queue>();
  const queue = (name: string) => {
    const known = queues.get(name);
    if (known) return known;
    const opened = heard(new bullmq.Queue(name, { connection: forCommand, prefix }));
    queues.set(name, opened);
    // BullMQ does not try again to open one on PostgreSQL: the next to ask gets a new one.
    opened.waitUntilReady().catch(() => {
      queues.delete(name);
      void opened.close().catch(() => undefined);
    });
    return opened;
  };
  const result: QueueStore = {
    ...{ queue, failure },
    report: (error) => report(failure(error)),
    worker: (name, processor, options) =>
      heard(new bullmq.Worker(name, processor, { ...options, connection: forWorker, prefix })),
    close: async () => {
      const closed = Promise.allSettled([...queues.values()].map((each) => each.close()));
      await Promise.race([closed, sleep(farewell, undefined, { ref: false })]);
    },
  };
  try {
    const ready = async (until: number): Promise<unknown> => {
      return queue('probe')
        .waitUntilReady()
        .catch(async (error: unknown) => {
          if (!isStarting(messageOf(error)) || performance.now() > until) throw error;
          return sleep(500).then(() => ready(until));
        });
    };
    await unlessAborted(Promise.race([answered(ready(performance.now() + patience)), refused]), signal);
  } catch (error) {
    void result.close();
    throw failure(signal.aborted ? error : (opening.heard ?? error));
  }
  opening = undefined;
  return result;
}

/** What a server says, unless it does not within 10 s: BullMQ waits for ever. @throws Error; what `asked` rejects with */
export function answered<T>(asked: Promise<T>): Promise<T> {
  const late = sleep(patience, undefined, { ref: false }).then(() => {
    throw new Error(noAnswer);
  });
  return Promise.race([asked, late]);
}

const noAnswer = `no answer within ${patience / 1000} s`;

/** What ioredis and pg say of a command that was not answered, and pg-pool of a connection. */
const unanswered = /^(Command timed out|Query read timeout|timeout exceeded when trying to connect)$/;

/** Redis names the script of BullMQ that it refuses, each by another name. */
function saidBy(error: unknown): string {
  if (unanswered.test(messageOf(error))) return noAnswer;
  return messageOf(error).replace(/ script: [0-9a-f]+, on @user_script:\d+\.?$/, '');
}

/** What BullMQ warns of, for whoever has to mend it (`getRedisVersionAndType` of its redis-connection). */
function warned(text: string): string {
  const policy = /Eviction policy is ([\w-]+)/.exec(text)?.[1];
  if (policy === undefined) return text;
  return `its maxmemory-policy is ${policy}: when it is full it forgets jobs, and images are not built; set it to noeviction`;
}

/** What PostgreSQL says while it is restarted (57P01 to 57P03): ioredis waits for Redis, and nobody for this one. */
function isStarting(message: string): boolean {
  return /the database system is|terminating connection|Connection terminated|ECONNRESET/.test(message);
}

function hintFor(message: string): string {
  if (isFull(message)) {
    return 'the server of the queue is full: make room there; builds go on by themselves then, and what is published stays';
  }
  if (isRefused(message)) {
    return 'the server wants another user or password: give the user in the address, and --queue-password env:NAME or file:PATH';
  }
  return 'see whether the server runs and is reached from here (docs/factory.md, "Many hosts"); what is published stays';
}

/** What Redis says to who is not let in (redis.io/docs/latest/operate/oss_and_stack/management/security/acl), and PostgreSQL (class 28). */
function isRefused(message: string): boolean {
  return /\bNOAUTH\b|\bWRONGPASS\b|\bNOPERM\b|authentication failed|no pg_hba\.conf entry|client password must be a string/.test(
    message,
  );
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
