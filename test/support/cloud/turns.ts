import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { HttpAnswer } from '../../../src/openstack/http.ts';
import { ServiceError } from '../../../src/openstack/http.ts';
import type { Image, Patch } from '../../../src/openstack/image-api.ts';
import { fieldOf } from '../../../src/openstack/image-api.ts';
import type { CloudSession } from '../../../src/openstack/keystone.ts';

type Request = Parameters<CloudSession['ask']>[2];
type Answer = [status: number, body?: object];

/** An Image service in memory, whose requests are answered one by one, when a test says so. */
export type TurnTaking = {
  images: Map<string, Image>;
  /** A connection to it; `id` tells whose requests are waiting. */
  session: (id: number) => CloudSession;
  /** Who has a request that waits. */
  waiting: () => number[];
  /** Lets a request be answered, and resolves when all that this leads to waits again or has ended. */
  answer: (id: number) => Promise<void>;
  /** Begins something whose requests wait, and resolves when it waits or has ended. */
  run: (work: () => Promise<void>) => Promise<void>;
};

export function takeTurns(): TurnTaking {
  const images = new Map<string, Image>();
  const used = new Set<string>();
  const queue = new Map<number, () => void>();
  let quiet: (() => void) | undefined;
  /** Waits until the one that runs has stopped at a request, or ended. */
  const untilQuiet = () => new Promise<void>((resolve) => (quiet = resolve));
  const stop = () => quiet?.();

  const ask = (id: number) => async (_type: string, path: string, request: Request) => {
    if (queue.has(id)) throw new Error('two requests at once');
    await new Promise<void>((go) => {
      queue.set(id, go);
      stop();
    });
    const [status, body] = await reply(images, used, path, request);
    if (status >= 300) throw new ServiceError(status, `${status} to ${request.method} ${path}`);
    const stream = Readable.from(body === undefined ? [] : [Buffer.from(JSON.stringify(body))]);
    return { status, headers: {}, body: stream } as unknown as HttpAnswer;
  };
  return {
    images,
    waiting: () => [...queue.keys()].toSorted(),
    session: (id) =>
      ({
        cloud: { name: 'cloud' },
        project: async () => 'p',
        endpoint: async () => 'http://cloud',
        refresh: async () => undefined,
        clock: () => undefined,
        ask: ask(id),
      }) as unknown as CloudSession,
    answer: async (id) => {
      const go = queue.get(id);
      queue.delete(id);
      const done = untilQuiet();
      go?.();
      await done;
    },
    run: async (work) => {
      const done = untilQuiet();
      void work().finally(stop);
      await done;
    },
  };
}

/** As the service answers, and as one: `update` in glance/api/v2/images.py makes all of a patch or nothing. */
async function reply(
  images: Map<string, Image>,
  used: Set<string>,
  path: string,
  { method, body, stream }: Request,
): Promise<Answer> {
  const url = new URL(path, 'http://cloud');
  const [, , kind, id = '', part] = url.pathname.split('/');
  if (kind !== 'images') return [404];
  if (id === '' && method === 'GET') {
    const hidden = url.searchParams.get('os_hidden') === 'true';
    const properties = [...url.searchParams].filter(([name]) => name.startsWith('vmkiln_'));
    const isAsked = (image: Image) =>
      image.os_hidden === hidden && properties.every(([name, value]) => image[name] === value);
    return [200, { images: [...images.values()].filter(isAsked) }];
  }
  if (method === 'POST') {
    const fields = JSON.parse(body ?? '') as Image;
    const none = { status: 'queued', visibility: 'shared', size: null, protected: false, tags: [], owner: 'p' };
    // That of a deleted image is not free again.
    if (used.has(fields.id)) return [409];
    used.add(fields.id);
    const made = { ...none, ...fields, created_at: `${images.size}` } as Image;
    images.set(made.id, made);
    return [201, made];
  }
  const image = images.get(id);
  if (image === undefined) return [404];
  if (part === 'file') {
    const hash = createHash('sha512');
    let size = 0;
    for await (const chunk of stream?.open() ?? []) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    images.set(id, { ...image, status: 'active', size, os_hash_algo: 'sha512', os_hash_value: hash.digest('hex') });
    return [204];
  }
  if (method === 'DELETE') images.delete(id);
  if (method !== 'PATCH') return method === 'DELETE' ? [204] : [200, image];
  const changed: Record<string, unknown> = { ...image };
  for (const patch of JSON.parse(body ?? '') as Patch[]) {
    const name = fieldOf(patch);
    if (patch.op !== 'add' && !(name in changed)) return [409];
    if (patch.op === 'remove') delete changed[name];
    else changed[name] = patch.value;
  }
  images.set(id, changed as Image);
  return [200, changed];
}
