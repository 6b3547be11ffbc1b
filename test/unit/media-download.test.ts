import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resolveMedia } from '../../src/media/find.ts';
import { nameNetworkError } from '../../src/media/http-errors.ts';
import { removeStale } from '../../src/media/stale.ts';
import { withLock } from '../../src/store/lock.ts';

const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest('hex');
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let base: string;
let mediaDir: string;
let answers: Answer[];
let requests: IncomingMessage[];

beforeEach(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), 'vmkiln-download-'));
  answers = [];
  requests = [];
  // Answers are used in turn; the last one stays.
  server = createServer((request, response) => {
    requests.push(request);
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

type Extra = {
  stallTime?: number;
  sum?: string;
  download?: boolean;
  signal?: AbortSignal;
  progress?: (message: string) => void;
};
const find = async (source: string, extra: Extra = {}) => {
  // A busy machine is slow, and not silent.
  const {
    sum,
    download = true,
    signal = new AbortController().signal,
    progress = () => {},
    stallTime = 20_000,
  } = extra;
  const wanted = { iso: { source, sha256: sum } };
  const options = { mediaDir, signal, progress, download, retryDelay: 1, stallTime };
  const { iso } = await resolveMedia(wanted, options);
  if (!iso) throw new Error('no such role');
  return iso;
};

/** A good server: ranges, entity tags, lengths. */
const serve =
  (body: Buffer, tag = '"v1"'): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const partial = from > 0 && request.headers['if-range'] === tag;
    const rest = partial ? body.subarray(from) : body;
    const range = partial ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {};
    response.writeHead(partial ? 206 : 200, { etag: tag, 'content-length': rest.length, ...range }).end(rest);
  };

/** Promises the whole file and hangs up after some of it. */
const cut =
  (bytes: number, headers: Record<string, string> = { etag: '"v1"' }): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': content.length, ...headers });
    response.write(content.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
  };

const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (_request, response) =>
    response.writeHead(code, headers).end(body);

const kept = async () => (await readdir(mediaDir)).filter((name) => name !== 'hashes.json');

test('a file is fetched once, verified, and found again without a request', async () => {
  answers = [serve(content)];
  const url = `${base}/isos/RHEL%20Server.iso`;
  expect(await find(url, { download: false })).toMatchObject({ sha256: undefined, size: undefined });
  const found = await find(url, { sum: sha256 });
  expect(found).toMatchObject({
    sha256,
    size: content.length,
    path: expect.stringMatching(/[0-9a-f]{12}-RHEL_Server.iso$/),
  });
  expect(content.equals(await readFile(found.path))).toBe(true);
  expect(((await stat(found.path)).mode & 0o777).toString(8)).toBe('644');
  expect(await find(url)).toEqual(found);
  expect(await find(url, { download: false })).toEqual(found);
  expect(requests).toHaveLength(1);
  expect(await kept()).toHaveLength(1);
});

test('two callers at once download once', async () => {
  answers = [serve(content)];
  const [one, two] = await Promise.all([find(`${base}/x.iso`), find(`${base}/x.iso`)]);
  expect(one).toEqual(two);
  expect(requests).toHaveLength(1);
});

test('a cut connection is resumed where it broke', async () => {
  answers = [cut(100_000), serve(content)];
  expect(await find(`${base}/x.iso`)).toMatchObject({ sha256, size: content.length });
  expect(requests[1]?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"v1"' });
});

test('a part of an earlier run is resumed', async () => {
  answers = [cut(100_000)];
  const controller = new AbortController();
  const stopped = find(`${base}/x.iso`, {
    signal: controller.signal,
    progress: (message) => message.includes('next attempt') && controller.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
  answers = [serve(content)];
  expect((await find(`${base}/x.iso`)).sha256).toBe(sha256);
  expect(requests.at(-1)?.headers.range).toBe('bytes=100000-');
});

test('an abort in the middle ends the download and keeps the part', async () => {
  const controller = new AbortController();
  const endless: Answer = (_request, response) => {
    response.writeHead(200, { 'content-length': content.length, etag: '"v1"' });
    response.write(content.subarray(0, 100_000), () => setTimeout(() => controller.abort(), 50));
  };
  answers = [endless];
  await expect(find(`${base}/x.iso`, { signal: controller.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  answers = [serve(content)];
  expect((await find(`${base}/x.iso`)).sha256).toBe(sha256);
  expect(requests.at(-1)?.headers.range).toBe('bytes=100000-');
});

test('stale parts are removed, and that of a living download is not', async () => {
  const signal = new AbortController().signal;
  answers = [cut(100_000), status(404)];
  await expect(find(`${base}/x.iso`)).rejects.toMatchObject({ code: 'MEDIA_DOWNLOAD' });
  const part = (await kept()).find((name) => name.endsWith('.part')) ?? '';
  await withLock(mediaDir, `download ${part.slice(0, -5)}`, { signal }, async () => {
    expect(await removeStale(mediaDir, signal)).toEqual([]);
  });
  expect(await removeStale(mediaDir, signal)).toEqual([{ path: join(mediaDir, part), size: 100_000 }]);
  expect(await kept()).toEqual([]);
});

test.each([
  ['whose file has changed', serve(content, '"v2"')],
  [
    'that ignores If-Range',
    (request: IncomingMessage, response: ServerResponse) => {
      if (!request.headers.range) return serve(content, '"v2"')(request, response);
      const headers = { etag: '"v2"', 'content-range': `bytes 100000-${content.length - 1}/${content.length}` };
      response.writeHead(206, headers).end(content.subarray(100_000));
    },
  ],
  ['that ignores Range', (_request: IncomingMessage, response: ServerResponse) => void response.end(content)],
])('with a server %s the download starts anew', async (_what, answer) => {
  const other = Buffer.concat([randomBytes(100_000), content.subarray(100_000)]);
  const first: Answer = (_request, response) => {
    response.writeHead(200, { 'content-length': other.length, etag: '"v1"' });
    response.write(other.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
  };
  answers = [first, answer];
  expect((await find(`${base}/x.iso`)).sha256).toBe(sha256);
});

test('a part without a version is not resumed', async () => {
  answers = [cut(100_000, {}), serve(content)];
  expect((await find(`${base}/x.iso`)).sha256).toBe(sha256);
  expect(requests[1]?.headers.range).toBeUndefined();
});

test('a length nobody tells, and redirects, are no obstacle', async () => {
  answers = [
    status(302, { location: '/there' }),
    (_request, response) => {
      response.write(content.subarray(0, 5));
      response.end(content.subarray(5));
    },
  ];
  expect(await find(`${base}/x.iso`)).toMatchObject({ sha256, path: expect.stringMatching(/x\.iso$/) });
});

test.each([
  [404, /nothing at this address.*404/],
  [403, /denied.*403/],
  [401, /user and password.*401/],
])('HTTP %i is final and called by its name', async (code, message) => {
  answers = [status(code)];
  await expect(find(`${base}/x.iso`, { sum: sha256 })).rejects.toMatchObject({
    code: 'MEDIA_DOWNLOAD',
    message: expect.stringMatching(message),
  });
  expect(requests).toHaveLength(1);
});

test('a server in trouble is asked again, a few times', async () => {
  answers = [status(503), status(500), serve(content)];
  expect((await find(`${base}/x.iso`)).sha256).toBe(sha256);
  answers = [status(503)];
  requests = [];
  await expect(find(`${base}/y.iso`)).rejects.toMatchObject({
    code: 'MEDIA_DOWNLOAD',
    message: expect.stringContaining('503'),
  });
  expect(requests).toHaveLength(5);
});

test.each([
  ['declared', { 'content-type': 'text/html; charset=utf-8' }, 'Please log in'],
  ['undeclared', {}, '\n<!DOCTYPE html><title>Log in</title>'],
])('a login page (%s) is not a medium', async (_how, headers, body) => {
  answers = [status(200, headers, body)];
  await expect(find(`${base}/x.iso`)).rejects.toMatchObject({
    code: 'MEDIA_DOWNLOAD',
    message: expect.stringContaining('web page'),
  });
  expect(await kept()).toEqual([]);
});

test('what does not match is not kept', async () => {
  answers = [serve(content)];
  await expect(find(`${base}/x.iso`, { sum: 'f'.repeat(64) })).rejects.toMatchObject({
    code: 'MEDIA_CHECKSUM',
    message: expect.stringMatching(`${sha256}.*${'f'.repeat(64)}`),
  });
  expect(await kept()).toEqual([]);
});

test('an earlier download is replaced when the checksum names a newer file', async () => {
  const newer = randomBytes(1000);
  const sum = createHash('sha256').update(newer).digest('hex');
  answers = [serve(content)];
  await find(`${base}/x.iso`);
  answers = [status(304)];
  await expect(find(`${base}/x.iso`, { sum })).rejects.toMatchObject({ code: 'MEDIA_CHECKSUM' });
  expect(await find(`${base}/x.iso`, { sum, download: false })).toMatchObject({ sha256: undefined });
  answers = [serve(newer, '"v2"')];
  expect(await find(`${base}/x.iso`, { sum })).toMatchObject({ sha256: sum, size: 1000 });
});

test('a checksum file is fetched', async () => {
  const list: Answer = (_request, response) => void response.end(`${'0'.repeat(64)}  y.iso\n${sha256} *x.iso\n`);
  answers = [list, serve(content)];
  expect((await find(`${base}/x.iso`, { sum: `${base}/SHA256SUMS` })).sha256).toBe(sha256);
  answers = [status(404)];
  await expect(find(`${base}/x.iso`, { sum: `${base}/gone` })).rejects.toMatchObject({ code: 'MEDIA_DOWNLOAD' });
});

test('silence counts as a lost connection', async () => {
  answers = [
    (_request, response) => void response.writeHead(200, { 'content-length': 10 }).write('123'),
    serve(content),
  ];
  expect((await find(`${base}/x.iso`, { stallTime: 500 })).sha256).toBe(sha256);
});

test('a file larger than the disk is refused before a byte is written', async () => {
  answers = [(_request, response) => void response.writeHead(200, { 'content-length': 2 ** 50 }).flushHeaders()];
  await expect(find(`${base}/x.iso`)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(await kept()).toEqual([]);
});

test('dead addresses are told apart', async () => {
  await new Promise((resolve) => server.close(resolve));
  await expect(find(`${base}/x.iso`)).rejects.toThrow('refuses the connection');
  const unknown = new TypeError('fetch failed', {
    cause: Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }),
  });
  expect(nameNetworkError(unknown, new URL('http://none.invalid/'), 'x').error.message).toMatch(
    /none.invalid cannot be resolved/,
  );
  const plain = createServer((_request, response) => void response.end()).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const tls = `https://127.0.0.1:${(plain.address() as AddressInfo).port}/x.iso`;
  await expect(find(tls)).rejects.toThrow('no trusted connection');
  plain.close();
});

test('a password in a URL reaches the server and nothing else', async () => {
  const said: string[] = [];
  answers = [status(503), serve(content)];
  const source = base.replace('//', '//user:gehe%2Fim@') + '/x.iso?token=gehe/im';
  const found = await find(source, { progress: (message) => said.push(message) });
  expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:gehe/im').toString('base64')}`);
  const files = await Promise.all((await readdir(mediaDir)).map((name) => readFile(join(mediaDir, name), 'latin1')));
  expect([JSON.stringify(found), ...said, ...files].filter((text) => text.includes('gehe'))).toEqual([]);
});
