type PgClient = new (...options: unknown[]) => NodeJS.EventEmitter;

/** What is used of the package `pg`. */
export type Pg = { Client: PgClient };

/**
 * Has every client of `pg` outlive the end of its connection, those that BullMQ makes by itself among them, and returns them.
 *
 * What was asked of such a client fails. But an error that nobody listens to ends a process, and there are moments in which nobody does: while a client
 * is out of its pool (node-postgres.com/apis/pool, `error`), between its connection and the listener of BullMQ, and once BullMQ closes it
 * (`PostgresConnection`). Whoever listens next is told then, or a client that is of no use any more would be asked again and again.
 */
export function outliving(pg: Pg): PgClient {
  if (known.has(pg.Client)) return pg.Client;
  const Outliving = class extends pg.Client {
    private lost: unknown;

    override emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event !== 'error' || this.listenerCount('error') > 0) return super.emit(event, ...args);
      [this.lost] = args;
      return false;
    }

    override on(...[event, listener]: Parameters<NodeJS.EventEmitter['on']>): this {
      super.on(event, listener);
      const { lost } = this;
      if (event === 'error' && lost !== undefined) {
        this.lost = undefined;
        process.nextTick(() => this.emit('error', lost));
      }
      return this;
    }
  };
  known.add(Outliving);
  pg.Client = Outliving;
  return Outliving;
}

const known = new WeakSet<PgClient>();
