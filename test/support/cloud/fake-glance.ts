import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudConfig } from '../../../src/openstack/clouds-yaml.ts';

/** Answers a request itself when it returns true. `drop` lets the service do all and loses its answer. */
type Twist = (request: IncomingMessage, answer: ServerResponse, drop: () => void) => unknown;
type Shown = Record<string, unknown> & { id: string };

export type FakeGlance = {
  config: CloudConfig;
  /** How the environment tells of this cloud. */
  env: Record<string, string>;
  images: Map<string, Shown>;
  /** Requests that came, as `PUT /v2/images/…`. */
  seen: string[];
  /** Does something with the next request that matches, when it arrives. */
  once: (match: RegExp, twist: Twist) => void;
  /** Forgets what `once` planned and has not come. */
  forget: () => void;
  close: () => void;
};

/** A small Image service with a login, for moments that a real one does not let a test choose. */
export async function startFakeGlance(): Promise<FakeGlance> {
  const images = new Map<string, Shown>();
  const seen: string[] = [];
  const twists: { match: RegExp; twist: Twist }[] = [];
  const server = createServer();
  const handle = async (request: IncomingMessage, answer: ServerResponse) => {
    const line = `${request.method} ${request.url?.split('?')[0]}`;
    seen.push(line);
    const at = twists.findIndex(({ match }) => match.test(line));
    const [found] = at < 0 ? [] : twists.splice(at, 1);
    let isDropped = false;
    if ((await found?.twist(request, answer, () => void (isDropped = true))) === true) return;
    const [status, body] = await reply(line, request, images, url);
    if (isDropped) return void answer.destroy();
    answer.writeHead(status, { 'Content-Type': 'application/json', 'X-Subject-Token': 'token' });
    answer.end(body === undefined ? '' : JSON.stringify(body));
  };
  const listen = (request: IncomingMessage, answer: ServerResponse) =>
    void handle(request, answer).catch(() => answer.destroy());
  server.on('request', listen);
  server.on('checkContinue', (request, answer) => {
    answer.writeContinue();
    listen(request, answer);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const auth = { auth_url: `${url}/v3`, username: 'u', password: 'p', project_name: 'p' };
  const tls = { verify: true, cacert: undefined, cert: undefined, key: undefined };
  const config = {
    name: 'fake',
    region: '',
    interfaces: ['public'],
    authType: 'password',
    auth,
    ...tls,
    endpoints: {},
  };
  const env = Object.fromEntries(Object.entries(auth).map(([key, value]) => [`OS_${key.toUpperCase()}`, value]));
  return {
    config,
    env,
    images,
    seen,
    once: (match, twist) => void twists.push({ match, twist }),
    forget: () => void (twists.length = 0),
    close: () => void server.close(),
  };
}

async function reply(
  line: string,
  request: IncomingMessage,
  images: Map<string, Shown>,
  url: string,
): Promise<[status: number, body?: unknown]> {
  const [, id = '', part] = / \/v2\/images\/([^/]+)(?:\/(.*))?$/.exec(line) ?? [];
  const found = images.get(id);
  if (part === 'file' && found) {
    const hash = createHash('sha512');
    found['status'] = 'saving';
    let size = 0;
    try {
      for await (const chunk of request) {
        hash.update(chunk as Buffer);
        size += (chunk as Buffer).length;
      }
    } catch {
      found['status'] = 'queued';
      return [400];
    }
    Object.assign(found, { status: 'active', size, os_hash_algo: 'sha512', os_hash_value: hash.digest('hex') });
    return [204];
  }
  let text = '';
  for await (const chunk of request) text += String(chunk);
  if (line.endsWith('/auth/tokens')) {
    const endpoints = [{ interface: 'public', region: 'R', region_id: 'R', url }];
    const times = { issued_at: new Date().toISOString(), expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    return [201, { token: { ...times, project: { id: 'p' }, catalog: [{ type: 'image', endpoints }] } }];
  }
  if (line === 'GET /v2/images') {
    const query = new URL(request.url ?? '', url).searchParams;
    // What is before a colon is an operator, as in Glance.
    const name = query.get('name')?.replace(/^eq:/, '');
    const isWanted = (image: Shown) => image['name'] === name && String(image['os_hidden']) === query.get('os_hidden');
    return [200, { images: [...images.values()].filter(isWanted) }];
  }
  if (line === 'POST /v2/images') {
    const fields = JSON.parse(text) as Shown;
    const none = { status: 'queued', visibility: 'shared', size: null, protected: false, min_disk: 0, min_ram: 0 };
    images.set(fields.id, { ...none, owner: 'p', tags: [], created_at: new Date().toISOString(), ...fields });
    return [201, images.get(fields.id)];
  }
  if (line.startsWith('GET /v2/metadefs')) return [200, { namespaces: [] }];
  if (!found) return [404];
  if (line.startsWith('DELETE')) images.delete(id);
  if (line.startsWith('PATCH')) {
    const changed: Shown = { ...found };
    for (const { op, path, value } of JSON.parse(text) as { op: string; path: string; value: unknown }[]) {
      const name = path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
      if (op !== 'add' && !(name in changed)) return [409, { message: `Property ${name} does not exist.` }];
      if (op === 'remove') delete changed[name];
      else changed[name] = value;
    }
    images.set(id, changed);
    return [200, changed];
  }
  return line.startsWith('DELETE') ? [204] : [200, found];
}
