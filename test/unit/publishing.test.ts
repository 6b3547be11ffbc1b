import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSession } from '../../src/openstack/keystone.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { serialProperty } from '../../src/targets/glance/fence.ts';
import { type GlancePlace, glanceSchema } from '../../src/targets/glance/recipe.ts';
import { serialAt, serialNow } from '../../src/targets/serial.ts';
import type { ImageToPublish, TargetContext } from '../../src/targets/target.ts';
import { exec } from '../../src/tools/exec.ts';
import { type FakeGlance, startFakeGlance } from '../support/cloud/fake-glance.ts';

let cloud: FakeGlance;
beforeAll(async () => {
  cloud = await startFakeGlance();
});
afterAll(() => cloud.close());
beforeEach(() => {
  cloud.images.clear();
  cloud.seen.length = 0;
  cloud.forget();
});

const digest = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest('hex');
const data = Buffer.alloc(100_000, 1);

function image(): ImageToPublish {
  const path = join(mkdtempSync(join(tmpdir(), 'vmkiln-publishing-')), 'x.raw');
  writeFileSync(path, data);
  const sha256 = digest('sha256', data);
  return {
    path,
    name: 'x',
    format: 'raw',
    sha256,
    size: data.length,
    build: 'b1',
    serial: serialNow(),
    rehearsal: false,
  };
}

function place(keys: object = {}): GlancePlace {
  return { ...glanceSchema.parse(keys), cloud: undefined };
}

function context() {
  const notes: string[] = [];
  const { signal } = new AbortController();
  const world = { env: { ...cloud.env, HOME: '/nowhere' }, cwd: '/' };
  const there: TargetContext = {
    ...{ ...world, signal, progress: () => undefined, note: (message) => void notes.push(message) },
    work: (file) => join(mkdtempSync(join(tmpdir(), 'vmkiln-work-')), file),
    exec: (command) => exec({ ...command, signal }),
  };
  return { ...there, notes };
}

/** An image that is there already. */
function put(id: string, changes: object = {}): void {
  const fields = { name: 'x', owner: 'p', status: 'active', os_hidden: false, protected: false, tags: [] };
  const content = {
    [serialProperty(`20260101-00000${cloud.images.size}-0000`)]: 'true',
    disk_format: 'raw',
    size: data.length,
    created_at: '2026-01-01T00:00:00Z',
  };
  cloud.images.set(id, { id, ...fields, ...content, ...changes });
}

/** What an upload left that was killed after its data had arrived. */
function leave(id: string, there: Buffer): void {
  const hash = { os_hash_algo: 'sha512', os_hash_value: digest('sha512', there) };
  const marks = { vmkiln_sha256: digest('sha256', data), vmkiln_uploading: 'of no living process' };
  put(id, { ...hash, ...marks, os_hidden: true });
}

/** The requests that change something, with MADE for the id of the new image. */
function written(): string[] {
  const posted = [...cloud.images.keys()].find((id) => id.includes('-')) ?? 'none';
  const lines = cloud.seen.filter((line) => !line.startsWith('GET') && !line.endsWith('/auth/tokens'));
  return lines.map((line) => line.replace('/v2/images', '').replace(posted, 'MADE'));
}

const visible = () => [...cloud.images.values()].filter((each) => each['os_hidden'] === false).map(({ id }) => id);

test('what a killed upload left is finished, and nothing is sent', async () => {
  leave('killed', data);
  put('old', { vmkiln_sha256: 'old' });
  const published = await glance.publish(image(), place({ replace: true }), context());
  expect(published).toMatchObject({ unchanged: false, location: expect.stringMatching(/killed$/) });
  expect(written()).toEqual(['PATCH /killed', 'PATCH /old']);
  expect(visible()).toEqual(['killed']);
});

test('what a killed upload left turns out to be something else: it goes, and the image is made', async () => {
  leave('killed', Buffer.alloc(100_000, 2));
  put('old', { vmkiln_sha256: 'old' });
  const changes = await glance.changes(image(), place({ replace: true }), context());
  expect(changes.map((line) => line.slice(0, 14))).toEqual(['~ finish x kil', '~ hide x old (']);
  await glance.publish(image(), place({ replace: true }), context());
  expect(written()).toEqual([
    'PATCH /killed',
    'DELETE /killed',
    'POST ',
    'PUT /MADE/file',
    'PATCH /MADE',
    'PATCH /old',
  ]);
  expect(cloud.images.get('old')).toMatchObject({ os_hidden: true });
});

test('an unfinished image that the cloud does not let go is tried once, and stays for the next time', async () => {
  leave('killed', Buffer.alloc(100_000, 2));
  cloud.once(/^DELETE/, (request, answer) => {
    request.resume();
    answer.writeHead(403).end();
    return true;
  });
  const there = context();
  await glance.publish(image(), place(), there);
  expect(written()).toEqual(['PATCH /killed', 'DELETE /killed', 'POST ', 'PUT /MADE/file', 'PATCH /MADE']);
  expect(there.notes).toEqual([expect.stringContaining('the unfinished image killed could not be deleted')]);
});

test('another image that appears while the data is sent is not doubled, or put away if that is asked for', async () => {
  const meanwhile = () => put('theirs', { vmkiln_sha256: 'theirs' });
  cloud.once(/^PUT/, meanwhile);
  await expect(glance.publish(image(), place(), context())).rejects.toThrow('there is another image called x: theirs');
  expect([...cloud.images.keys()]).toEqual(['theirs']);
  cloud.images.clear();
  // And one that appears in the very last moment.
  cloud.once(/^PUT/, meanwhile);
  cloud.once(/^PATCH/, () => put('last', { vmkiln_sha256: 'last' }));
  await glance.publish(image(), place({ replace: { keep: 1 } }), context());
  expect(visible()).toHaveLength(1);
  expect(cloud.images.get('theirs') ?? cloud.images.get('last')).toMatchObject({ os_hidden: true });
  expect(cloud.images.size).toBe(2);
});

test('one that is older by now is not shown; one that was shown gives way; the clock is the cloud’s', async () => {
  const newer = () => put('newer', { [serialProperty(serialNow())]: 'true' });
  cloud.once(/^PUT/, newer);
  await expect(glance.publish(image(), place({ replace: true }), context())).rejects.toMatchObject({
    message: expect.stringContaining('a newer image called x is there: newer'),
    hint: expect.stringContaining('--rollback'),
  });
  expect([...cloud.images.keys()]).toEqual(['newer']);
  cloud.images.clear();
  // It comes between the last look and the moment of showing.
  cloud.once(/^PATCH/, newer);
  const there = context();
  await glance.publish(image(), place({ replace: true }), there);
  expect(visible()).toEqual(['newer']);
  expect(there.notes).toEqual([expect.stringContaining('newer is newer and was published meanwhile')]);
  const later = { ...image(), serial: serialAt(Date.now() + 3_600_000) };
  cloud.seen.length = 0;
  await expect(glance.publish(later, place({ replace: true }), context())).rejects.toThrow(
    /after what is now the time/,
  );
  expect(written()).toEqual([]);
});

test('whoever is about to hide an image leaves it when it has been raised meanwhile', async () => {
  put('old', { vmkiln_sha256: 'old' });
  const [serial = ''] = Object.keys(cloud.images.get('old') ?? {}).filter((name) => name.startsWith('vmkiln_serial'));
  const raise = () => {
    const { [serial]: _, ...rest } = (cloud.images.get('old') ?? {}) as Record<string, unknown>;
    cloud.images.set('old', { ...rest, id: 'old', [serialProperty(serialNow())]: 'true' });
  };
  cloud.once(/^PATCH .*\/old/, raise);
  await glance.publish(image(), place({ replace: true }), context());
  expect(visible()).toEqual(['old']);
});

test('an upload of the same name that begins elsewhere meanwhile does not end this one', async () => {
  const mark = { host: 'x', at: new Date().toISOString(), pid: 1, startTime: '1', bootId: 'other' };
  cloud.once(/^PUT/, () => put('busy', { status: 'queued', os_hidden: true, vmkiln_uploading: JSON.stringify(mark) }));
  await glance.publish(image(), place(), context());
  expect(visible()).toHaveLength(1);
  expect(cloud.images.has('busy')).toBe(true);
});

test('a login that was given up is over at once, and the next question logs in anew', async () => {
  const controller = new AbortController();
  cloud.once(/auth.tokens/, () => true);
  const session = openSession(cloud.config, {});
  const stopped = session.project(controller.signal).catch((error: unknown) => error);
  await expect.poll(() => cloud.seen.length).toBe(1);
  controller.abort();
  const next = session.project(new AbortController().signal);
  expect(await stopped).toMatchObject({ code: 'INTERRUPTED' });
  expect(await next).toBe('p');
});
