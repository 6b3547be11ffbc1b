import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { channelMedium } from '../../src/channels/medium.ts';
import { openClouds } from '../../src/dashboard/cloud-channels.ts';
import { sha256Of } from '../../src/describe/statements.ts';
import type { Job } from '../../src/factory/jobs.ts';
import { loadFactory } from '../../src/factory/load.ts';
import { promotePublished } from '../../src/factory/promote.ts';
import { listImages } from '../../src/openstack/image-api.ts';
import { openPaths } from '../../src/pipeline/request.ts';
import type { ChannelImage, ChannelState } from '../../src/targets/channel-place.ts';
import { cloudChannels } from '../../src/targets/glance/channels.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { cloudsFile, context, fresh, makeImage, openstack, place, sessionOf, signal } from '../support/cloud/tools.ts';
import { documentsAbout } from '../support/statements.ts';
import { vmkiln } from '../support/vmkiln.ts';

/** How many promotions and rollbacks each of two hosts makes. */
const rounds = Number(process.env['VMKILN_PROMOTIONS'] ?? 30);

test('two hosts promote and go back: whoever asks finds one image, and a list of the channel is never empty', async () => {
  const [name, channel] = [fresh('golden'), fresh('prod')];
  const session = await sessionOf('test');
  const { clouds } = JSON.parse(readFileSync(inject('cloud').clouds, 'utf8')) as {
    clouds: { test: { auth: { auth_url: string } } };
  };
  // To this machine it is another cloud, whose channels it does not change one after the other.
  const { test: one } = clouds;
  const file = cloudsFile({ other: { ...one, auth: { ...one.auth, auth_url: `${one.auth.auth_url}/` } } });
  process.env['OS_CLIENT_CONFIG_FILE'] = file;
  const env = { OS_CLIENT_CONFIG_FILE: file, VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-home-')) };
  const run = async <T>(...args: string[]) => {
    const { status, stdout, stderr } = await vmkiln([...args, '--os-cloud', 'test', '--json'], { env });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout) as T;
  };

  const ids: string[] = [];
  const digests: string[] = [];
  for (let at = 0; at < 3; at++) {
    const image = await makeImage({ name, ...(digests[0] !== undefined && { media: [digests[0]] }) });
    const { location } = await glance.publish(image, place('test', { hidden: true }), context());
    ids.push(location.split('/').at(-1) ?? '');
    digests.push(image.sha256);
  }
  expect(await listImages(session, [['name', name]], { signal })).toEqual([]);
  const statements = join(tmpdir(), `${name}.intoto.jsonl`);
  writeFileSync(statements, (await documentsAbout({ sha256: digests[2] ?? '', passed: true })).statements);
  const promoted = await run<ChannelState>('promote', name, '--to', channel, '--statements', statements);
  expect(promoted).toMatchObject({ generation: 1, image: { location: ids[2] } });

  // A build takes it from there: its digest is known before it is downloaded.
  const mediaDir = mkdtempSync(join(tmpdir(), 'vmkiln-media-'));
  const looking = { env, cwd: '/', signal, progress: () => undefined, mediaDir };
  const planned = await channelMedium(channel, 'test', { ...looking, download: false });
  expect(planned).toMatchObject({ sha256: digests[2], size: undefined });
  expect(await channelMedium(channel, 'test', { ...looking, download: true })).toMatchObject({ sha256: digests[2] });
  expect(sha256Of(readFileSync(planned.path))).toBe(digests[2]);

  const state = { isOver: false, polls: 0, commands: 0 };
  const query = [[`vmkiln_channel_${channel}`, 'current']] as const;
  const reader = await cloudChannels(place('test'), context());
  const watch = async () => {
    for (; !state.isOver; state.polls++) {
      expect(ids).toContain((await reader.resolve(channel)).location);
      const listed = await listImages(session, query, { signal });
      expect(listed.length, 'a list shows none').toBeGreaterThan(0);
    }
  };
  const command = async () => {
    for (; !state.isOver; state.commands++) {
      expect(ids).toContain((await run<ChannelImage>('channels', '--resolve', channel)).location);
    }
  };
  const host = async (cloud: string) => {
    const channels = await cloudChannels(place(cloud), context());
    const promotion = { channel, older: true, media: [] };
    for (let round = 0; round < rounds; round++) {
      const id = ids[(round * 7 + cloud.length) % 3] ?? '';
      const change =
        round % 3 === 2 ? channels.rollback(channel) : channels.promote(await channels.find(id), promotion);
      await change.catch((error: Error) => expect(error.message).toContain('no image that it could go back to'));
    }
  };
  const hosts = Promise.all([host('test'), host('other')]).finally(() => (state.isOver = true));
  await Promise.all([watch(), command(), hosts]);
  expect(state.polls).toBeGreaterThan(rounds);
  const now = await run<ChannelImage>('channels', '--resolve', channel);
  const left = await openstack<{ ID: string }[]>('test', 'image', 'list', '--name', name);
  expect(left.map(({ ID }) => ID)).toEqual([now.location]);
  const [state2] = (await run<ChannelState[]>('channels')).filter((each) => each.channel === channel);
  expect(state2).toMatchObject({ image: { location: now.location } });
  expect(state2?.generation).toBeGreaterThan(rounds);

  // All were built on the first.
  const told = await run<{ revoked: { id: string }[] }>('revoke', ids[0] ?? '');
  expect(new Set(told.revoked.map(({ id }) => id))).toEqual(new Set(ids));
  const { status, stderr } = await vmkiln(['channels', '--resolve', channel, '--os-cloud', 'test'], { env });
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('has no image') as string });
  expect(await listImages(session, [['name', name]], { signal })).toEqual([]);
}, 1_800_000);

test('the dashboard shows the channels of clouds, and what is wrong with one that does not answer', async () => {
  const [name, channel] = [fresh('shown'), fresh('prod')];
  const { clouds } = JSON.parse(readFileSync(inject('cloud').clouds, 'utf8')) as { clouds: { test: object } };
  const file = cloudsFile({ away: { ...clouds.test, image_endpoint_override: 'http://127.0.0.1:9/' } });
  const world = {
    env: { OS_CLIENT_CONFIG_FILE: file, VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-home-')) },
    cwd: tmpdir(),
  };
  process.env['OS_CLIENT_CONFIG_FILE'] = file;
  const image = await makeImage({ name });
  await glance.publish(image, place('test'), context());
  const there = await cloudChannels(place('test'), context());
  await there.promote(await there.find(name), { channel, older: false, media: [] });
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-factory-'));
  const source = 'family: rhel\nrelease: "9.4"\nsource: { image: /srv/x.qcow2 }\nverify: false\n';
  writeFileSync(join(folder, 'a.yaml'), `name: a\n${source}upload: [{ glance: { cloud: [test, away] } }]\n`);
  writeFileSync(join(folder, 'factory.yaml'), 'name: f\nrecipes: [a.yaml]\n');
  const load = () => loadFactory(join(folder, 'factory.yaml'), { values: {}, shared: new Set() }, folder);
  const ask = openClouds({ world, signal, load, paths: await openPaths(world) });
  const shown = await ask();
  expect(shown.find((cloud) => cloud.place === 'test')?.channels).toContainEqual(
    expect.objectContaining({ place: 'test', channel, generation: 1, image: expect.objectContaining({ name }) }),
  );
  expect(shown.find((cloud) => cloud.place === 'away')).toMatchObject({ channels: [], problem: expect.any(String) });
  // Another look within the minute asks nobody.
  await there.rollback(channel).catch(() => undefined);
  const here = (all: typeof shown) => all.find((cloud) => cloud.place === 'test');
  expect(here(await ask())).toEqual(here(shown));
}, 60_000);

test('what another host has built is promoted in a cloud by what that host says of it', async () => {
  const [name, channel] = [fresh('elsewhere'), fresh('prod')];
  process.env['OS_CLIENT_CONFIG_FILE'] = cloudsFile({});
  const image = await makeImage({ name, build: 'of-another-host' });
  const { location } = await glance.publish(image, place('test'), context());
  const { statements } = await documentsAbout({ sha256: image.sha256, passed: true });
  const world = { env: { ...process.env, VMKILN_HOME: mkdtempSync(join(tmpdir(), 'vmkiln-home-')) }, cwd: tmpdir() };
  const job = { name, channel: { name: channel }, recipe: { upload: [{ glance: place('test') }] } } as unknown as Job;
  const built = { build: image.build, published: [{ location, sha256: image.sha256 }] };
  const promoting = { world, signal, paths: await openPaths(world) };
  const refused = await promotePublished(job, built, promoting);
  expect(refused.error).toMatchObject({ message: expect.stringContaining('statements-missing') });
  expect(await promotePublished(job, { ...built, statements }, promoting)).toEqual({
    promoted: [expect.objectContaining({ channel, end: 'reached', generation: 1 })],
  });
}, 60_000);
