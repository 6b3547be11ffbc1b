import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network between a worker and its server, that can be cut: what was sent is lost, and nobody hears that it is. */
export type CutProxy = { port: number; cut: () => void; mend: () => void; close: () => void };

export async function cutProxy(to: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => void (isCut || into.write(data)));
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        into.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => (isCut = true),
    mend: () => {
      isCut = false;
      // What was lost on the way is not sent again: as after a time-out both ends begin anew.
      drop();
    },
    close: () => {
      drop();
      server.close();
    },
  };
}
