import type { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { ServiceError } from './http.ts';
import { type CloudSession, isTransient, pause, readJson } from './keystone.ts';
import { ownFields } from './own-fields.ts';

/** An image as the Image service shows it; properties of its own stand beside the fields. `size` in bytes. */
export type Image = {
  id: string;
  name: string | null;
  status:
    | 'queued'
    | 'saving'
    | 'uploading'
    | 'importing'
    | 'active'
    | 'deactivated'
    | 'killed'
    | 'deleted'
    | 'pending_delete';
  visibility: 'public' | 'private' | 'shared' | 'community';
  disk_format: string | null;
  container_format: string | null;
  size: number | null;
  virtual_size?: number | null;
  checksum?: string | null;
  os_hash_algo?: string | null;
  os_hash_value?: string | null;
  os_hidden: boolean;
  protected: boolean;
  min_disk: number;
  min_ram: number;
  owner: string;
  tags: readonly string[];
  created_at: string;
  updated_at: string;
  stores?: string;
} & Readonly<Record<string, unknown>>;

/** The properties of an image, which the service calls so: what is none of its own fields. */
export function extraProperties(image: Image): Record<string, unknown> {
  return Object.fromEntries(Object.entries(image).filter(([name]) => !ownFields.has(name)));
}

/** A change of an image: an operation of JSON patch on one field or property. */
export type Patch = { op: 'add' | 'replace' | 'remove'; path: string; value?: unknown };

/** What an import does, as `POST /v2/images/ID/import` takes it. */
export type ImportRequest = {
  method: { name: string; uri?: string };
  stores?: readonly string[];
  all_stores?: boolean;
  all_stores_must_succeed?: boolean;
};

/** A task of the service: an import, of an image or on its own. */
export type Task = {
  id: string;
  status: string;
  message: string | null;
  type?: string;
  result?: { image_id?: string } | null;
};

/** What to list, as query parameters. */
export type ImageQuery = readonly (readonly [string, string])[];

/** Waits for a single answer; uploads say their own. */
type Options = { signal: AbortSignal };

const image = 'image';
/** How often a question that changes nothing, or may be asked twice, is asked. */
const attempts = 5;
/** Images in an answer; the service gives 25 when nobody says, and at most `api_limit_max` (1000). */
const pageSize = 500;
const json = { 'Content-Type': 'application/json' };

/** The versions the service has, newest first, as numbers: 2.15 is [2, 15]. */
export async function versions(session: CloudSession, { signal }: Options): Promise<[number, number][]> {
  const { versions: found } = await readJson<{ versions: { id: string }[] }>(
    await session.ask(image, '/', { method: 'GET', attempts, signal }),
  );
  return found
    .flatMap(({ id }): [number, number][] => {
      const [, major, minor] = /^v(\d+)\.(\d+)$/.exec(id) ?? [];
      return major === undefined ? [] : [[Number(major), Number(minor)]];
    })
    .toSorted((a, b) => b[0] - a[0] || b[1] - a[1]);
}

/** Every image that the query finds. Several values of a key are several parameters. */
export async function listImages(session: CloudSession, query: ImageQuery, options: Options): Promise<Image[]> {
  const found: Image[] = [];
  for await (const each of eachImage(session, query, options)) found.push(each);
  return found;
}

/** The images that a query finds, page after page as they are wanted. */
export async function* eachImage(session: CloudSession, query: ImageQuery, { signal }: Options): AsyncGenerator<Image> {
  const parameters = new URLSearchParams(query.map(([key, value]): [string, string] => [key, value]));
  if (!parameters.has('limit')) parameters.set('limit', String(pageSize));
  let path: string | undefined = `/v2/images?${parameters}`;
  while (path !== undefined) {
    const page: { images: Image[]; next?: string } = await readJson(
      await session.ask(image, path, { method: 'GET', attempts, signal }),
    );
    yield* page.images;
    path = page.next;
  }
}

/**
 * The filter for exactly this name. The service takes what stands before a colon for an operator (`split_filter_op` in
 * glance/common/utils.py), so `rhel:7.9` needs one; services before Newton know none, so other names go without. A
 * database may find more (other case, blanks at the end): compare what comes.
 */
export function nameFilter(name: string): readonly [string, string] {
  return ['name', name.includes(':') ? `eq:${name}` : name];
}

export async function getImage(session: CloudSession, id: string, { signal }: Options): Promise<Image> {
  return readJson(await session.ask(image, `/v2/images/${id}`, { method: 'GET', attempts, signal }));
}

/** The image, or undefined when it is not there any more. */
export async function findImage(session: CloudSession, id: string, options: Options): Promise<Image | undefined> {
  return getImage(session, id, options).catch(absent);
}

/**
 * Makes the record of an image. `fields` has an id, so that an answer that was lost makes no second record: the service
 * refuses an id twice. `isOurs` tells the record of a request whose answer was lost from one that had that id before.
 *
 * @throws ServiceError 409 for an id that is, or once was, that of another image.
 */
export async function createImage(
  session: CloudSession,
  fields: Readonly<Record<string, unknown>> & { id: string },
  options: Options & { isOurs: (image: Image) => boolean },
): Promise<Image> {
  for (let attempt = 1; ; attempt++) {
    try {
      const body = JSON.stringify(fields);
      const request = { method: 'POST', headers: json, body, signal: options.signal };
      return await readJson(await session.ask(image, '/v2/images', request));
    } catch (error) {
      const taken = error instanceof ServiceError && error.status === 409 && attempt > 1;
      if (!taken && !isTransient(error)) throw error;
      const made = await findImage(session, fields.id, options);
      if (made && options.isOurs(made)) return made;
      if (taken || attempt >= attempts) throw error;
      await pause(error, attempt, options.signal);
    }
  }
}

/** Sends the data of an image, to its store or to the staging area. `idle` in seconds. */
export async function putData(
  session: CloudSession,
  id: string,
  data: { open: () => Readable; size: number },
  options: Options & { to: 'file' | 'stage'; store?: string | undefined; idle: number },
): Promise<void> {
  const { signal, to, store, idle } = options;
  const headers = {
    'Content-Type': 'application/octet-stream',
    'x-openstack-image-size': String(data.size),
    ...(store && { 'X-Image-Meta-Store': store }),
  };
  const request = { method: 'PUT', headers, stream: data, signal, idle };
  (await session.ask(image, `/v2/images/${id}/${to}`, request)).body.resume();
}

/** The data of an image. */
export async function getData(session: CloudSession, id: string, { signal }: Options): Promise<Readable> {
  const headers = { Accept: 'application/octet-stream' };
  const answer = await session.ask(image, `/v2/images/${id}/file`, { method: 'GET', headers, signal, attempts });
  if (answer.status === 204) answer.body.resume();
  return answer.body;
}

export async function startImport(
  session: CloudSession,
  id: string,
  request: ImportRequest,
  { signal }: Options,
): Promise<void> {
  const body = JSON.stringify(request);
  const ask = { method: 'POST', headers: json, body, signal };
  (await session.ask(image, `/v2/images/${id}/import`, ask)).body.resume();
}

/** The import methods that the cloud offers. */
export async function importMethods(session: CloudSession, { signal }: Options): Promise<string[]> {
  const answer = await session.ask(image, '/v2/info/import', { method: 'GET', attempts, signal }).catch(absent);
  if (!answer) return [];
  const info = await readJson<{ 'import-methods': { value: string[] } }>(answer);
  return info['import-methods'].value;
}

/** The stores of the cloud; none when it has a single one without a name. */
export async function listStores(
  session: CloudSession,
  { signal }: Options,
): Promise<{ id: string; default: boolean }[]> {
  const answer = await session.ask(image, '/v2/info/stores', { method: 'GET', attempts, signal }).catch(absent);
  if (!answer) return [];
  const { stores } = await readJson<{ stores: { id: string; default?: string | boolean }[] }>(answer);
  return stores.map((store) => ({ id: store.id, default: String(store.default) === 'true' }));
}

/** The tasks of an image, newest first; none when the service is too old to tell (before API 2.12). */
export async function imageTasks(session: CloudSession, id: string, { signal }: Options): Promise<Task[]> {
  const answer = await session.ask(image, `/v2/images/${id}/tasks`, { method: 'GET', attempts, signal }).catch(absent);
  return answer ? (await readJson<{ tasks: Task[] }>(answer)).tasks : [];
}

/** Starts a task of its own (`POST /v2/tasks`), which most clouds keep for their administrators. */
export async function createTask(session: CloudSession, input: object, { signal }: Options): Promise<Task> {
  const body = JSON.stringify({ type: 'import', input });
  return readJson(await session.ask(image, '/v2/tasks', { method: 'POST', headers: json, body, signal }));
}

export async function getTask(session: CloudSession, id: string, { signal }: Options): Promise<Task> {
  return readJson(await session.ask(image, `/v2/tasks/${id}`, { method: 'GET', attempts, signal }));
}

/**
 * Changes an image. A change whose answer was lost is made again, and then the service refuses to remove what is not
 * there any more: an image that has become what was asked for is good.
 */
export async function patchImage(
  session: CloudSession,
  id: string,
  patches: readonly Patch[],
  options: Options,
): Promise<Image> {
  if (patches.length === 0) return getImage(session, id, options);
  const headers = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
  const body = JSON.stringify(patches);
  const request = { method: 'PATCH', headers, body, attempts, signal: options.signal };
  try {
    return await readJson(await session.ask(image, `/v2/images/${id}`, request));
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status !== 409) throw error;
    const now = await getImage(session, id, options);
    if (patches.every((patch) => holds(patch, now))) return now;
    throw error;
  }
}

function holds(patch: Patch, there: Image): boolean {
  const { op, value } = patch;
  const name = fieldOf(patch);
  if (op === 'remove') return !(name in there);
  // Tags come in any order.
  const sorted = (what: unknown) => (Array.isArray(what) ? what.toSorted() : what);
  return isDeepStrictEqual(sorted(there[name]), sorted(value));
}

/** Where a field or property stands in a JSON patch (RFC 6901). */
export function pointer(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The field or property that a patch is about. */
export function fieldOf({ path }: Patch): string {
  return path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Deletes an image; one that is not there is as good. */
export async function deleteImage(session: CloudSession, id: string, { signal }: Options): Promise<void> {
  const answer = await session.ask(image, `/v2/images/${id}`, { method: 'DELETE', attempts, signal }).catch(absent);
  answer?.body.resume();
}

export async function act(
  session: CloudSession,
  id: string,
  action: 'deactivate' | 'reactivate',
  { signal }: Options,
): Promise<void> {
  const request = { method: 'POST', attempts, signal };
  (await session.ask(image, `/v2/images/${id}/actions/${action}`, request)).body.resume();
}

function absent(error: unknown): undefined {
  if (error instanceof ServiceError && error.status === 404) return undefined;
  throw error;
}
