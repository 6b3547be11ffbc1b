import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resolveMedia } from '../../src/media/find.ts';
import { retryAfter } from '../../src/media/retry-after.ts';
import { startForwardProxy } from '../support/cloud/forward-proxy.ts';

const content = randomBytes(1000);
const sha256 = createHash('sha256').update(content).digest('hex');
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let base: string;
let answers: Answer[];
let requests: IncomingMessage[];

beforeEach(async () => {
  answers = [];
  requests = [];
  // Answers are used in turn; the last one stays.
  server = createServer((request, response) => {
    requests.push(request);
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const whole: Answer = (_request, response) => void response.end(content);
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(code, headers).end();

async function fetchFile(source: string, { env, said = [] }: { env?: Record<string, string>; said?: string[] } = {}) {
  const mediaDir = mkdtempSync(join(tmpdir(), 'vmkiln-http-'));
  const progress = (message: string) => void said.push(message);
  const options = { mediaDir, signal: new AbortController().signal, progress, download: true, retryDelay: 1, env };
  return (await resolveMedia({ iso: { source } }, options))['iso'];
}

test('a server that asks for fewer requests is asked again when it says', async () => {
  const said: string[] = [];
  const date = new Date('2026-11-28T00:00:00Z');
  const later = new Date(date.getTime() + 1000).toUTCString();
  answers = [
    status(429, { 'retry-after': '1' }),
    status(503, { 'retry-after': later, date: date.toUTCString() }),
    whole,
  ];
  expect(await fetchFile(`${base}/x.iso`, { said })).toMatchObject({ sha256 });
  expect(said.filter((line) => /HTTP (429|503)\); next attempt in 1s/.test(line))).toHaveLength(2);
  answers = [status(429)];
  await expect(fetchFile(`${base}/y.iso`)).rejects.toMatchObject({
    message: expect.stringContaining('fewer requests'),
  });
});

test('Retry-After is seconds or a date, at most five minutes', () => {
  const now = 'Sat, 28 Nov 2026 10:00:00 GMT';
  const at = (text: string | undefined) => retryAfter(text, now);
  expect([at('7'), at(' 0 '), at('86400'), at('Sat, 28 Nov 2026 10:00:30 GMT')]).toEqual([7, 0, 300, 30]);
  expect([at('Sat, 28 Nov 2026 09:00:00 GMT'), at('Sun, 29 Nov 2026 10:00:00 GMT')]).toEqual([0, 300]);
  expect([at(undefined), at(''), at('soon'), at('-1'), at('1.5')]).toEqual(Array(5).fill(undefined));
});

test('downloads go through the proxy of the environment, and what no_proxy names does not', async () => {
  const proxy = await startForwardProxy('me:p w@x');
  const named = proxy.url.replace('//', '//me:p%20w%40x@');
  answers = [status(302, { location: '/x.iso' }), whole];
  expect(await fetchFile(`${base}/to`, { env: { http_proxy: named, HTTP_PROXY: 'http://no.invalid' } })).toMatchObject({
    sha256,
  });
  expect(proxy.seen).toEqual([`GET ${base}/to`, `GET ${base}/x.iso`]);
  expect(requests[0]?.headers['proxy-authorization']).toBeUndefined();
  proxy.seen.length = 0;
  expect(await fetchFile(`${base}/y.iso`, { env: { HTTP_PROXY: named, NO_PROXY: '127.0.0.0/8' } })).toMatchObject({
    sha256,
  });
  expect(proxy.seen).toEqual([]);

  const env = { all_proxy: proxy.url.replace('//', '//me:Wr0ng@') };
  const refused = async (source: string): Promise<unknown> =>
    fetchFile(source, { env }).catch((error: unknown) => error);
  const message = expect.stringMatching(`the proxy ${new URL(proxy.url).host} answered 407`);
  expect(await refused(`${base}/z.iso`)).toMatchObject({ message });
  // To TLS it is asked for a tunnel.
  const tunnel = await refused(`${base.replace('http', 'https')}/z.iso`);
  expect(tunnel).toMatchObject({ message });
  expect(proxy.seen.at(-1)).toBe(`CONNECT ${new URL(base).host}`);
  expect(inspect(tunnel, { depth: 9 })).not.toContain('Wr0ng');
  proxy.close();
  const nobody = fetchFile(`${base}/z.iso`, { env: { http_proxy: named } });
  await expect(nobody).rejects.toMatchObject({
    message: expect.stringMatching(/the proxy 127\.0\.0\.1:\d+ refuses/),
    hint: expect.stringContaining('no_proxy'),
  });
  const socks = fetchFile(`${base}/z.iso`, { env: { http_proxy: 'socks5://me:Wr0ng@127.0.0.1:1' } });
  await expect(socks).rejects.toMatchObject({ code: 'USAGE', message: expect.not.stringContaining('Wr0ng') });
});
