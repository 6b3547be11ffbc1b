import { beforeAll, expect, test } from 'vitest';
import { createImage, deleteImage, patchImage, putData } from '../../src/openstack/image-api.ts';
import type { CloudSession } from '../../src/openstack/keystone.ts';
import { chosenIds } from '../../src/targets/glance/chosen-id.ts';
import { serialProperty } from '../../src/targets/glance/fence.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { patchesFor } from '../../src/targets/glance/record.ts';
import { uploadImage } from '../../src/targets/glance/upload.ts';
import { plannedTargets } from '../../src/targets/index.ts';
import { publishAll } from '../../src/targets/publish.ts';
import { glanceSchema } from '../../src/targets/glance/recipe.ts';
import {
  context,
  fresh,
  imagesCalled,
  makeImage,
  openstack,
  place,
  sessionOf,
  signal,
} from '../support/cloud/tools.ts';
import { createReadStream } from 'node:fs';
import { randomUUID } from 'node:crypto';

let one: CloudSession;
beforeAll(async () => {
  one = await sessionOf('test');
});

const idOf = (at: string) => at.split('/').at(-1) ?? '';

test('a new image takes the place of the old ones, of which some are kept', async () => {
  const name = fresh('replaced');
  const builds = await Promise.all([1, 2, 3, 4].map((build) => makeImage({ name, build: `b${build}` })));
  const spec = place('test', { replace: { keep: 1 } });
  const ids: string[] = [];
  for (const build of builds.slice(0, 3)) ids.push(idOf((await glance.publish(build, spec, context())).location));
  const state = async () => (await imagesCalled(one, name)).map(({ id, os_hidden: hidden }) => [id, hidden]);
  expect(await state()).toEqual([
    [ids[2], false],
    [ids[1], true],
  ]);
  // What is protected, or not ours, stays.
  await patchImage(one, ids[1] ?? '', [{ op: 'replace', path: '/protected', value: true }], { signal });
  const [last] = builds.slice(3);
  if (!last) throw new Error('no image');
  const steps = await glance.changes(last, place('test', { replace: { keep: 0 } }), context());
  expect(steps.filter((line) => /^[~=-]/.test(line))).toEqual([
    expect.stringContaining(`~ hide ${name} ${ids[2]}`),
    expect.stringContaining(`- delete ${name} ${ids[2]}`),
    expect.stringMatching(new RegExp(`= keep ${name} ${ids[1]}.*protected`)),
  ]);
  expect(await state()).toHaveLength(2);
  const newest = idOf((await glance.publish(last, place('test', { replace: { keep: 0 } }), context())).location);
  expect((await state()).toSorted()).toEqual(
    [
      [newest, false],
      [ids[1], true],
    ].toSorted(),
  );
  const listed = await openstack<{ ID: string }[]>('test', 'image', 'list', '--name', name);
  expect(listed.map(({ ID }) => ID)).toEqual([newest]);
  // Going back to an old one is a matter of showing it.
  const [, second] = builds;
  if (!second) throw new Error('no image');
  const back = place('test', { replace: true, protected: false });
  await expect(glance.publish(second, back, context())).rejects.toThrow(`a newer image called ${name} is there`);
  await glance.publish({ ...second, rollback: true }, back, context());
  expect((await state()).toSorted()).toEqual(
    [
      [newest, true],
      [ids[1], false],
    ].toSorted(),
  );
  // And a newer one follows it again.
  const next = idOf((await glance.publish(await makeImage({ name }), back, context())).location);
  expect((await imagesCalled(one, name)).filter((image) => !image.os_hidden).map(({ id }) => id)).toEqual([next]);
});

test('another image of that name is not doubled by accident', async () => {
  const image = await makeImage();
  await glance.publish(image, place('test'), context());
  const other = await makeImage({ name: image.name });
  await expect(glance.publish(other, place('test'), context())).rejects.toMatchObject({
    code: 'TARGET_FAILED',
    hint: expect.stringContaining('--replace'),
  });
  expect(await imagesCalled(one, image.name)).toHaveLength(1);
});

test('an image keeps its id, and is never touched by an upload that wants the same', async () => {
  const id = randomUUID();
  const image = await makeImage();
  await glance.publish(image, place('test', { id }), context());
  const next = await makeImage({ name: image.name });
  const spec = place('test', { id, replace: true });
  await expect(glance.changes(next, spec, context())).rejects.toThrow(`the id ${id} is that of ${image.name} already`);
  await expect(glance.publish(next, spec, context())).rejects.toThrow(`the id ${id} is that of`);
  // Somebody takes it in the last moment, and the request fails for another reason before the service looks at the id.
  const upload = { session: one, method: 'put' as const, source: undefined, location: undefined, stores: [] };
  const wanted = {
    name: next.name,
    disk_format: 'qcow2',
    container_format: 'bare',
    hidden: false,
    properties: {},
    id,
    serial: next.serial,
  };
  const rest = { importTimeout: 60, uploader: 'me', signal, progress: () => undefined, note: () => undefined };
  await expect(uploadImage({ ...upload, ...rest, wanted })).rejects.toThrow(`the id ${id} is not free`);
  const visibility = 'public';
  await expect(uploadImage({ ...upload, ...rest, wanted: { ...wanted, visibility } })).rejects.toThrow(/403/);
  expect(await imagesCalled(one, image.name)).toMatchObject([{ id, status: 'active', os_hidden: false }]);
});

test('what another host publishes meanwhile is seen: refused beside it, or put away', async () => {
  const [mine, other] = [await makeImage(), await makeImage()];
  const ofOther = { ...other, name: mine.name };
  const meanwhile = (stop: AbortSignal) => {
    const there = context(stop);
    let once: Promise<unknown> | undefined;
    // A conversion takes its time between the plan and the upload.
    const exec: typeof there.exec = async (command) => {
      once ??= publishAsOther();
      await once;
      return there.exec(command);
    };
    return { ...there, exec };
  };
  const publishAsOther = () =>
    openstack('test', 'image', 'create', '--disk-format', 'qcow2', '--file', ofOther.path, mine.name);
  const raw = place('test', { format: 'raw' });
  await expect(glance.publish(mine, raw, meanwhile(signal))).rejects.toThrow(/there is another image called/);
  const [theirs] = await imagesCalled(one, mine.name);
  expect(await imagesCalled(one, mine.name)).toHaveLength(1);
  await deleteImage(one, theirs?.id ?? '', { signal });
  const published = await glance.publish(mine, { ...raw, replace: true }, meanwhile(signal));
  const visible = (await imagesCalled(one, mine.name)).filter((image) => !image.os_hidden);
  expect(visible.map(({ id }) => id)).toEqual([idOf(published.location)]);
});

test('the same bytes that another tool has uploaded are adopted', async () => {
  const image = await makeImage();
  await openstack('test', 'image', 'create', '--disk-format', 'qcow2', '--file', image.path, image.name);
  expect(await glance.publish(image, place('test'), context())).toMatchObject({ unchanged: true });
  expect(await imagesCalled(one, image.name)).toMatchObject([{ vmkiln_sha256: image.sha256 }]);
});

test('what a killed upload left is finished, or removed', async () => {
  const image = await makeImage();
  const mark = JSON.stringify({ host: 'x', at: new Date().toISOString(), pid: 1, startTime: '1', bootId: 'gone' });
  const leave = async (uploader: string, withData: boolean) => {
    const id = randomUUID();
    const fields = { name: image.name, disk_format: 'qcow2', container_format: 'bare', os_hidden: true };
    const own = { vmkiln_sha256: image.sha256, vmkiln_uploading: uploader };
    await createImage(one, { ...fields, ...own, id }, { signal, isOurs: () => false });
    const data = { open: () => createReadStream(image.path), size: image.size };
    if (withData) await putData(one, id, data, { to: 'file', idle: 60, signal });
    return id;
  };
  // Of another host, and not old: it may still be at it.
  await leave(mark, false);
  await expect(glance.publish(image, place('test'), context())).rejects.toThrow(/being uploaded/);
  const [elsewhere] = await imagesCalled(one, image.name);
  await patchImage(
    one,
    elsewhere?.id ?? '',
    [{ op: 'replace', path: '/vmkiln_uploading', value: 'of no living process' }],
    { signal },
  );
  const complete = await leave('of no living process', true);
  // One that was to get its digest in the end is recognised by the hash of the service.
  await patchImage(one, complete, [{ op: 'remove', path: '/vmkiln_sha256' }], { signal });
  const { location } = await glance.publish(image, place('test'), context());
  expect(idOf(location)).toBe(complete);
  const left = await imagesCalled(one, image.name);
  expect(left).toMatchObject([{ id: complete, os_hidden: false }]);
  expect(left[0]).not.toHaveProperty('vmkiln_uploading');
});

test('several regions at once: one that fails does not stop the others, and is resumed alone', async () => {
  const image = await makeImage();
  const upload = (clouds: string[], keys: object = {}) => [{ glance: glanceSchema.parse({ cloud: clouds, ...keys }) }];
  const done: string[] = [];
  const publish = (clouds: string[], keys = {}) =>
    publishAll(plannedTargets(upload(clouds, keys)), image, context(), ({ location, unchanged }) => {
      done.push(`${location} ${unchanged}`);
    });
  await expect(publish(['test', 'two/Nowhere'])).rejects.toThrow(/1 of 2 targets failed \(two\/Nowhere\)/);
  expect(done).toEqual([expect.stringMatching(/ false$/)]);
  done.length = 0;
  await publish(['test', 'two/RegionTwo']);
  expect(done.toSorted().map((line) => line.endsWith('true'))).toContain(true);
  expect(done).toHaveLength(2);
  expect(await imagesCalled(one, image.name)).toHaveLength(1);
});

test('a publication that is repeated with other bytes leaves the first; one that was deleted gets the next id', async () => {
  const first = await makeImage({ build: 'first' });
  const again = await makeImage({ name: first.name, serial: first.serial, build: 'again' });
  const spec = place('test', { replace: true });
  const ids = [...chosenIds({ project: await one.project(signal), name: first.name, serial: first.serial })];
  const { location } = await glance.publish(first, spec, context());
  expect(idOf(location)).toBe(ids[0]);
  const there = context();
  expect(await glance.publish(again, spec, there)).toEqual({
    ...{ target: 'glance', location, sha256: first.sha256, size: first.size, unchanged: true, already: 'first' },
  });
  expect(there.notes).toEqual([expect.stringContaining(`${ids[0]} of build first is published already`)]);
  expect(await glance.changes(again, spec, context())).toEqual([expect.stringContaining('published already')]);
  expect(await imagesCalled(one, first.name)).toMatchObject([{ vmkiln_sha256: first.sha256, os_hidden: false }]);
  await deleteImage(one, ids[0] ?? '', { signal });
  expect(idOf((await glance.publish(again, spec, context())).location)).toBe(ids[1]);
});

test('whoever repeats a publication takes its record over, and who comes back cannot finish that any more', async () => {
  const image = await makeImage();
  const { name, serial } = image;
  const [id = '', second] = chosenIds({ project: await one.project(signal), name, serial });
  const mark = JSON.stringify({ host: 'x', at: new Date().toISOString(), pid: 1, startTime: '1', bootId: 'elsewhere' });
  const fields = { name, disk_format: 'qcow2', container_format: 'bare', os_hidden: true, id };
  const marks = { vmkiln_sha256: 'of other bytes', vmkiln_uploading: mark, [serialProperty(serial)]: 'true' };
  const begun = await createImage(one, { ...fields, ...marks }, { signal, isOurs: () => false });
  expect(idOf((await glance.publish(image, place('test'), context())).location)).toBe(second);
  const data = { open: () => createReadStream(image.path), size: image.size };
  await expect(putData(one, id, data, { to: 'file', idle: 60, signal })).rejects.toMatchObject({ status: 404 });
  const showing = patchesFor({ ...fields, hidden: false, properties: {}, serial }, begun);
  await expect(patchImage(one, id, showing, { signal })).rejects.toMatchObject({ status: 404 });
  await expect(createImage(one, { ...fields }, { signal, isOurs: () => false })).rejects.toMatchObject({ status: 409 });
  expect(await imagesCalled(one, name)).toMatchObject([{ id: second, os_hidden: false }]);
});
