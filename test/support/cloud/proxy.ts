import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What goes wrong with one request. `after` is the number of bytes of the body that are let through before it does.
 * - `cut`: both connections break;
 * - `status`: the server is not asked (any more), and this is the answer;
 * - `lost`: the server does everything, and its answer never arrives;
 * - `slow`: the body goes through at so many bytes per second.
 */
export type Fault =
  | { kind: 'cut'; after: number }
  | { kind: 'status'; status: number; after: number; headers?: Record<string, string> }
  | { kind: 'lost' }
  | { kind: 'slow'; rate: number };

export type Proxy = {
  url: string;
  /** Requests that came, as `PUT /v2/images/…`. */
  seen: string[];
  /** Makes the next requests that match go wrong, one fault each. */
  fail: (match: RegExp, ...faults: Fault[]) => void;
  close: () => void;
};

/** A proxy before a server, that passes everything on until told otherwise. */
export async function startProxy(target: string): Promise<Proxy> {
  const plans: { match: RegExp; faults: Fault[] }[] = [];
  const seen: string[] = [];
  const server = createServer();
  const handle = (client: IncomingMessage, answer: ServerResponse, expects: boolean) => {
    const line = `${client.method} ${client.url}`;
    seen.push(line);
    const plan = plans.find(({ match, faults }) => match.test(line) && faults.length > 0);
    const fault = plan?.faults.shift();
    if (fault?.kind === 'status' && fault.after === 0) {
      client.resume();
      answer.writeHead(fault.status, { Connection: 'close', ...fault.headers }).end('{"message": "made by the proxy"}');
      return;
    }
    if (expects) answer.writeContinue();
    forward(client, answer, target, fault);
  };
  server.on('request', (client, answer) => handle(client, answer, false));
  server.on('checkContinue', (client, answer) => handle(client, answer, true));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    fail: (match, ...faults) => void plans.push({ match, faults }),
    close: () => void server.close(),
  };
}

function forward(client: IncomingMessage, answer: ServerResponse, target: string, fault: Fault | undefined): void {
  const { expect: _, ...headers } = client.headers;
  const server = request(`${target}${client.url}`, {
    method: client.method,
    headers: { ...headers, connection: 'close' },
  });
  const breakBoth = () => {
    client.socket.destroy();
    server.destroy();
  };
  server.on('error', breakBoth);
  client.on('error', breakBoth);
  server.on('response', (reply) => {
    if (fault?.kind === 'lost') {
      reply.resume();
      reply.on('end', breakBoth);
      return;
    }
    answer.writeHead(reply.statusCode ?? 500, reply.headers);
    reply.pipe(answer);
  });
  let passed = 0;
  client.on('data', (chunk: Buffer) => {
    const limit = fault?.kind === 'cut' || fault?.kind === 'status' ? fault.after : Infinity;
    if (passed >= limit) return;
    const part = chunk.subarray(0, limit - passed);
    passed += part.length;
    const go = () => server.write(part);
    if (fault?.kind === 'slow') {
      client.pause();
      setTimeout(
        () => {
          go();
          client.resume();
        },
        (part.length / fault.rate) * 1000,
      );
    } else if (!go()) {
      client.pause();
      server.once('drain', () => client.resume());
    }
    if (passed < limit) return;
    if (fault?.kind === 'cut') setTimeout(breakBoth, 50);
    if (fault?.kind === 'status') {
      server.destroy();
      server.removeAllListeners('error').on('error', () => undefined);
      answer.writeHead(fault.status, { Connection: 'close', ...fault.headers }).end('{"message": "made by the proxy"}');
    }
  });
  client.on('end', () => server.end());
}
