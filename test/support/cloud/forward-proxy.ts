import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { passOn } from './tls.ts';

/** A proxy as companies have it. With `login` (`USER:PASSWORD`) it wants that. `seen` has `CONNECT host:port`, `GET http://…`. */
export async function startForwardProxy(login?: string): Promise<{ url: string; seen: string[]; close: () => void }> {
  const seen: string[] = [];
  const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((client, answer) => {
    seen.push(`${client.method} ${client.url}`);
    const { 'proxy-authorization': said, ...headers } = client.headers;
    if (said !== wanted) {
      answer.writeHead(407, { Connection: 'close' }).end('who are you?');
      return;
    }
    const onward = request(String(client.url), { method: client.method, headers: { ...headers, connection: 'close' } });
    onward.on('response', (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => client.destroy());
    client.pipe(onward);
  });
  server.on('connect', ({ url, headers }, client: Socket) => {
    seen.push(`CONNECT ${url}`);
    if (headers['proxy-authorization'] !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host = '', port] = String(url).split(':');
    const there = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      passOn(client, there);
    });
    there.on('error', () => client.destroy());
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen, close: () => void server.close() };
}
