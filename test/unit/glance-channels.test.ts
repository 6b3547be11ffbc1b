import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Image } from '../../src/openstack/image-api.ts';
import { currentOf } from '../../src/targets/channel.ts';
import type { ChannelPlace } from '../../src/targets/channel-place.ts';
import { isRevoked } from '../../src/targets/glance/channel-marks.ts';
import { channelsIn } from '../../src/targets/glance/channels.ts';
import { serialProperty } from '../../src/targets/glance/fence.ts';
import { heldOf } from '../../src/targets/glance/held.ts';
import { patchesFor } from '../../src/targets/glance/record.ts';
import { retire } from '../../src/targets/glance/retire.ts';
import { serialAt } from '../../src/targets/serial.ts';
import { imageRecord } from '../support/cloud/image-record.ts';
import { takeTurns, type TurnTaking } from '../support/cloud/turns.ts';

const signal = new AbortController().signal;
const promotion = { channel: 'prod', older: true, media: [] };

/** A cloud with four images that vmkiln has published, hidden. */
function cloud(): TurnTaking {
  const service = takeTurns();
  for (const [age, id] of ['1', '2', '3', '4'].entries()) {
    const serial = { [serialProperty(serialAt(age * 1000))]: 'true' };
    service.images.set(id, imageRecord(id, { owner: 'p', vmkiln_sha256: `sha-${id}`, os_hidden: true, ...serial }));
  }
  return service;
}

/** Of a host that died in the middle the lock is held as long as this process lives. */
let hosts = 0;

/** The channels as a host of its own sees them: its lock keeps nobody out but its own. */
function host(service: TurnTaking, id: number): ChannelPlace {
  const session = {
    ...service.session(id),
    cloud: { name: 'cloud', region: '', auth: { auth_url: `host ${(hosts += 1)}` } },
  };
  const context = { signal, env: {}, cwd: '/', progress: () => undefined };
  return channelsIn(session as unknown as Parameters<typeof channelsIn>[0], 'p', context);
}

/** Answers all requests at once. */
async function alone<T>(service: TurnTaking, work: (place: ChannelPlace) => Promise<T>): Promise<T> {
  const id = 1000;
  const state: { end?: { result: T } | { failure: unknown } } = {};
  await service.run(async () => {
    state.end = await work(host(service, id)).then(
      (result) => ({ result }),
      (failure: unknown) => ({ failure }),
    );
  });
  while (!state.end) await service.answer(id);
  if ('failure' in state.end) throw state.end.failure;
  return state.end.result;
}

const promote = (service: TurnTaking, name: string) =>
  alone(service, async (place) => place.promote(await place.find(name), promotion));
const all = (service: TurnTaking) => [...service.images.values()];
const told = (service: TurnTaking) => currentOf(all(service).map((image) => heldOf(image, 'prod')))?.id;
const listed = (service: TurnTaking) =>
  all(service)
    .filter((image) => !image.os_hidden && image['vmkiln_channel_prod'] === 'current')
    .map(({ id }) => id);

test('one image is shown, and whoever asks for the channel is told its id', async () => {
  const service = cloud();
  await promote(service, '1');
  expect(await promote(service, '2')).toMatchObject({
    end: 'reached',
    channel: { generation: 2, image: { location: '2' } },
  });
  expect(listed(service)).toEqual(['2']);
  expect(await alone(service, (place) => place.rollback('prod'))).toMatchObject({
    channel: { generation: 3, image: { location: '1' } },
  });
  expect(listed(service)).toEqual(['1']);
  expect(await alone(service, (place) => place.resolve('prod'))).toMatchObject({ location: '1', sha256: 'sha-1' });
  await expect(alone(service, (place) => place.rollback('prod'))).rejects.toThrow('no image that it could go back to');
  // That of another channel stays in lists when it leaves this one.
  await alone(service, async (place) => place.promote(await place.find('1'), { ...promotion, channel: 'staging' }));
  await promote(service, '3');
  expect(service.images.get('1')).toMatchObject({ os_hidden: false, vmkiln_channel_staging: 'current' });
  await alone(service, async (place) => place.revoke([await place.find('1')]));
  expect(service.images.get('1')).toMatchObject({ os_hidden: true });
  await expect(alone(service, (place) => place.resolve('staging'))).rejects.toThrow('staging in cloud has no image');
  await expect(alone(service, (place) => place.resolve('other'))).rejects.toThrow('there is no channel other');
  await expect(promote(service, '1')).rejects.toThrow('1 is revoked');
});

test('the snapshot of an instance inherits what its image is, and is no image of the channel', async () => {
  const service = cloud();
  await promote(service, '1');
  const snapshot = {
    ...service.images.get('1'),
    id: '9',
    os_hidden: false,
    base_image_ref: '1',
    image_type: 'snapshot',
  };
  service.images.set('9', snapshot as unknown as Image);
  await promote(service, '2');
  expect(await alone(service, (place) => place.resolve('prod'))).toMatchObject({ location: '2' });
  expect(told(service)).toBe('2');
});

test('a publication neither hides nor deletes the image of a channel, nor deletes one that it may go back to', async () => {
  const service = cloud();
  for (const id of ['1', '2']) await promote(service, id);
  const published = all(service);
  expect(
    retire(published, service.images.get('4'), 0).map((step) => [step.do, 'image' in step && step.image.id]),
  ).toEqual([
    ['delete', '3'],
    ['keep', '1'],
  ]);
});

test('whoever publishes the same image again neither hides what is promoted nor shows what is revoked', async () => {
  const service = cloud();
  for (const id of ['1', '2']) await promote(service, id);
  await alone(service, async (place) => place.revoke([await place.find('1')]));
  const hides = (id: string, hidden: boolean) => {
    const about = { name: 'x', disk_format: 'qcow2', container_format: 'bare', properties: {} };
    const image = service.images.get(id) ?? imageRecord('9');
    const patches = patchesFor({ ...about, hidden, serial: serialAt(9000) }, image);
    return patches.find(({ path }) => path === '/os_hidden')?.value;
  };
  expect([hides('2', true), hides('3', true), hides('3', false), hides('1', false)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

const actor = fc.record({
  wants: fc.constantFrom('promote', 'roll back', 'revoke'),
  image: fc.constantFrom('1', '2', '3', '4'),
  dies: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(12) }),
});

test('whatever the order of the requests of several hosts: whoever asks finds exactly one image that is good', async () => {
  const actors = fc.array(actor, { minLength: 2, maxLength: 4 });
  const order = fc.array(fc.nat(11), { minLength: 1, maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(actors, order, async (some, turns) => {
      const service = cloud();
      for (const id of ['1', '2']) await promote(service, id);
      const ends: unknown[] = [];
      for (const [id, { wants, image }] of some.entries()) {
        await service.run(async () => {
          const place = host(service, id);
          const work = async () => {
            if (wants === 'roll back') return place.rollback('prod');
            const candidate = await place.find(image);
            return wants === 'promote' ? place.promote(candidate, promotion) : place.revoke([candidate]);
          };
          ends[id] = await work().catch((error: unknown) => error);
        });
      }
      const asked = some.map(() => 0);
      const isCalm = some.every(({ wants }) => wants !== 'revoke');
      for (let turn = 0; ; turn++) {
        const able = service.waiting().filter((id) => (asked[id] ?? 0) <= (some[id]?.dies ?? 0));
        const id = able[(turns[turn % turns.length] ?? 0) % able.length];
        if (id === undefined) break;
        asked[id] = (asked[id] ?? 0) + 1;
        await service.answer(id);
        const good = all(service).filter((each) => !isRevoked(each) && heldOf(each, 'prod').generation !== undefined);
        const now = told(service);
        if (good.some((each) => !heldOf(each, 'prod').left)) expect(now, 'somebody finds none').toBeDefined();
        if (now !== undefined) expect(isRevoked(service.images.get(now) ?? imageRecord('1'))).toBe(false);
        if (isCalm) expect(listed(service).length, 'a list shows none').toBeGreaterThan(0);
      }
      for (const end of ends) {
        if (end instanceof Error)
          expect(end.message).toMatch(/no image that it could go back to|is revoked|has no image/);
      }
      if (some.every(({ dies }) => dies === Infinity)) {
        const left = told(service);
        expect(listed(service)).toEqual(left === undefined ? [] : [left]);
      }
    }),
    { numRuns: Number(process.env['VMKILN_ORDERS'] ?? 100) },
  );
}, 600_000);
