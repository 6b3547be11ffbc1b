import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { promote as promoteImage, revoke } from '../../src/channels/promote.ts';
import type { ChannelPlace } from '../../src/targets/channel-place.ts';
import { folderChannels } from '../../src/targets/directory/channels.ts';
import { directory } from '../../src/targets/directory/directory.ts';
import { readWhole, writeIndex } from '../../src/targets/directory/index-file.ts';
import { forgetLeft, withCopy } from '../../src/targets/directory/keep.ts';
import { digestFile } from '../../src/store/digest.ts';
import { publishContent, publishImage } from '../support/publish-image.ts';

// What several do with the channels of a folder at the same moment.

const context = { signal: new AbortController().signal, progress: () => undefined };
let cwd: string;
let images: string;
let place: ChannelPlace;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'vmkiln-folder-channels-'));
  images = join(cwd, 'images');
  place = folderChannels(images, context);
});

const promote = (image: string, channel: string) =>
  promoteImage(place, image, { channel, statements: async () => undefined });

test('what is published under the name of an image while it is promoted has no verdict, and is not promoted', async () => {
  await publishContent(cwd, 'one');
  const candidate = await place.find('rhel9');
  await publishContent(cwd, 'two');
  await expect(place.promote(candidate, { channel: 'prod', older: false, media: [] })).rejects.toThrow(
    'another image was published as rhel9.raw while this one was promoted',
  );
  expect(await place.channels()).toEqual([]);
});

test('a copy that is removed between its reading and the change of the index is made anew', async () => {
  await publishContent(cwd, 'one');
  await promote('rhel9', 'prod');
  const sha256 = await publishContent(cwd, 'two');
  await promote('rhel9', 'prod');
  await place.rollback('prod');
  const index = await readWhole(images);
  const [image] = index.images;
  if (!image) throw new Error('nothing is published');
  let runs = 0;
  const copy = await withCopy(images, index, image, context, async (settle) => {
    runs += 1;
    if (runs === 1) await writeIndex(images, await forgetLeft(images, index, Date.now() + 48 * 3600_000));
    return settle(await readWhole(images));
  });
  expect(runs).toBe(2);
  expect(await digestFile(join(images, copy.file), context.signal)).toBe(sha256);
});

test('two promotions of an image at once, to two channels, leave both with a copy that they know', async () => {
  const sha256 = await publishContent(cwd, 'one');
  const index = await readWhole(images);
  const [image] = index.images;
  if (!image) throw new Error('nothing is published');
  const file = `rhel9.${sha256.slice(0, 12)}.raw`;
  const createdAt = new Date('2026-11-28T02:00:00Z');
  await withCopy(images, index, image, context, async (settle) => {
    // As the other one leaves it, which was a little quicker.
    copyFileSync(join(images, 'rhel9.raw'), join(images, file));
    utimesSync(join(images, file), createdAt, createdAt);
    const since = createdAt.toISOString();
    const prod = { ...image, file, createdAt: since, generation: 1, since };
    await writeIndex(images, { ...index, channels: { prod: { generation: 1, image: prod, earlier: [], left: [] } } });
    return settle(await readWhole(images));
  });
  expect(await place.resolve('prod')).toMatchObject({ sha256 });
});

test('a promotion that cannot be finished leaves no copy', async () => {
  // One document beside the copy would have a name that no file may have: 255 bytes are the limit of Linux.
  const name = 'x'.repeat(226);
  const path = join(cwd, 'build');
  writeFileSync(path, 'one');
  await publishImage(path, images, { name, build: 'b' });
  const before = readdirSync(images);
  await expect(promote(name, 'prod')).rejects.toThrow('name too long');
  expect(readdirSync(images)).toEqual(before);
});

test('an image that several channels have is revoked once, and one that is promoted on it at that moment too', async () => {
  const base = await publishContent(cwd, 'one');
  await promote('rhel9', 'prod');
  await promote('rhel9', 'staging');
  let isFirst = true;
  const busy: ChannelPlace = {
    ...place,
    revoke: async (candidates) => {
      if (isFirst) {
        isFirst = false;
        await publishContent(cwd, 'two', { base }, 'app');
        await promote('app', 'app');
      }
      return place.revoke(candidates);
    },
  };
  const { revoked, channels } = await revoke(busy, 'rhel9');
  const ids = revoked.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
  expect(channels.map(({ channel, image }) => [channel, image])).toEqual([
    ['prod', null],
    ['staging', null],
    ['app', null],
  ]);
  expect(JSON.parse(readFileSync(join(images, 'index.json'), 'utf8'))).toMatchObject({ revoked: [{}, {}] });
  expect(existsSync(join(images, 'app.raw'))).toBe(true);
});

test('an image that was signed after its first promotion has its signature beside the copy, too', async () => {
  const signer = generateKeyPairSync('ed25519');
  const key = signer.publicKey;
  const statements = async () => undefined;
  await publishContent(cwd, 'one');
  await promote('rhel9', 'staging');
  const sha256 = await publishContent(cwd, 'one', { key: signer.privateKey });
  await promoteImage(place, 'rhel9', { channel: 'prod', key, statements });
  const copy = `rhel9.${sha256.slice(0, 12)}.raw`;
  await promoteImage(place, copy, { channel: 'eu-prod', key, statements });
  const { channels } = await readWhole(images);
  const told = Object.values(channels).map(({ image }) => image?.documents?.['statements']);
  const said = createHash('sha256')
    .update(readFileSync(join(images, `${copy}.intoto.jsonl`)))
    .digest('hex');
  expect(told.map((each) => each?.sha256)).toEqual([said, said, said]);
});

test('an image can be revoked whatever became of its file', async () => {
  const sha256 = await publishContent(cwd, 'one');
  await promote('rhel9', 'prod');
  appendFileSync(join(images, 'rhel9.raw'), 'and something else');
  rmSync(join(images, `rhel9.${sha256.slice(0, 12)}.raw`));
  expect((await revoke(place, 'rhel9')).channels).toMatchObject([{ channel: 'prod', image: null }]);
  expect((await readWhole(images)).revoked).toMatchObject([{ sha256 }]);
});

test('what lies beside an image and the index of a folder are looked at before they are taken', async () => {
  await publishContent(cwd, 'one');
  writeFileSync(join(images, 'rhel9.raw.cdx.json'), '{}');
  await expect(promote('rhel9', 'prod')).rejects.toThrow('rhel9.raw.cdx.json is not what it was when it was published');
  rmSync(join(images, 'rhel9.raw.cdx.json'));
  await expect(promote('rhel9', 'prod')).rejects.toThrow('rhel9.raw.cdx.json is gone');
  const build = () => directory.check({ path: images }, { cwd, env: {}, signal: context.signal });
  await build();
  writeFileSync(join(images, 'index.json'), '');
  await expect(build()).rejects.toThrow('index.json is not a list of images that vmkiln wrote');
});

// Root writes everywhere.
test.skipIf(process.getuid?.() === 0)(
  'whoever may not write to a folder is told so, and still resolves its channels',
  async () => {
    const sha256 = await publishContent(cwd, 'one');
    await promote('rhel9', 'prod');
    chmodSync(images, 0o555);
    const refusal = 'cannot be changed: permission denied';
    await expect(promote('rhel9', 'staging')).rejects.toThrow(refusal);
    await expect(place.rollback('prod')).rejects.toThrow(refusal);
    await expect(revoke(place, 'rhel9')).rejects.toThrow(refusal);
    expect(await place.resolve('prod')).toMatchObject({ sha256 });
    chmodSync(images, 0o755);
  },
);
