import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VmkilnError } from '../../errors.ts';
import { withFileLock } from '../../store/file-lock.ts';
import { earlierOf, type Goal, generationOf, type Held, reach } from '../channel.ts';
import {
  type Candidate,
  type ChannelImage,
  type ChannelPlace,
  type ChannelState,
  noImage,
  type Outcome,
  type Promotion,
} from '../channel-place.ts';
import { noSerial } from '../serial.ts';
import {
  type ChannelEntry,
  checkWritable,
  type FolderChannel,
  findPublished,
  type Index,
  type IndexEntry,
  isIntact,
  readWhole,
  writeIndex,
} from './index-file.ts';
import { channelEntries, describedAs, forgetLeft, removeUnnamed, whyChanged, withCopy } from './keep.ts';

type Context = { signal: AbortSignal; progress: (message: string) => void };

const empty: FolderChannel = { generation: 0, image: null, earlier: [], left: [] };

/** The channels of a folder that is there. @throws VmkilnError USAGE */
export async function openFolder(folder: string, context: Context): Promise<ChannelPlace> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats?.isDirectory()) return folderChannels(folder, context);
  throw new VmkilnError('USAGE', `there is no folder ${folder} that images were published to`, {
    hint: 'say where they are: --in FOLDER/, or --os-cloud CLOUD',
  });
}

/** The channels of a folder: they are in its `index.json`, which changes under the folder's lock and appears by rename. */
export function folderChannels(folder: string, context: Context): ChannelPlace {
  const alone = <T>(body: () => Promise<T>) =>
    withFileLock(
      folder,
      { signal: context.signal, waiting: () => context.progress(`waiting for a publication to ${folder}`) },
      body,
    );
  const place: ChannelPlace = {
    name: folder,
    // Nothing is published meanwhile: the file, its statements and the index are of one image.
    find: (image, options) =>
      alone(async () => candidateOf(folder, await readWhole(folder), await find(folder, image, options))),
    all: async () => {
      const index = await readWhole(folder);
      // Several channels may have the same copy.
      const entries = new Map([...index.images, ...channelEntries(index)].map((entry) => [entry.file, entry]));
      return Promise.all([...entries.values()].map((entry) => candidateOf(folder, index, entry)));
    },
    promote: async ({ id, sha256 }, promotion) => {
      const entry = await alone(() => find(folder, id));
      await checkWritable(folder);
      // It is the image with the verdict, whatever was published under its name since.
      if (entry.sha256 !== sha256) throw await whyChanged(folder, { file: id, sha256 });
      return withCopy(folder, await readWhole(folder), entry, context, (settle) =>
        alone(() => promote(folder, entry, promotion, settle)),
      );
    },
    rollback: (channel) =>
      alone(async () => {
        await checkWritable(folder);
        const index = await readWhole(folder);
        const before = index.channels[channel];
        if (!before?.image) throw noImage(channel, folder, before !== undefined);
        const held = await holding(folder, index, before);
        const from = { id: before.image.file, generation: before.image.generation };
        // One that is not whole any more is left all the same.
        const asIf = held.map((each) => (each.id === from.id ? { ...each, usable: !each.revoked } : each));
        const { end, images } = reach(channel, { do: 'roll back', from }, asIf);
        return change(folder, index, channel, images, heldIn(before), end);
      }),
    revoke: (candidates) => alone(() => revoke(folder, candidates)),
    channels: async () => {
      const { channels } = await readWhole(folder);
      return Object.entries(channels).map(([name, channel]) => stateOf(folder, name, channel));
    },
    resolve: async (channel) => {
      const { channels } = await readWhole(folder);
      const image = channels[channel]?.image;
      if (!image) throw noImage(channel, folder, channels[channel] !== undefined);
      if (await isIntact(folder, image)) return imageOf(folder, image);
      throw new VmkilnError('CHANNEL_REFUSED', `${image.file} of ${channel} is gone, or was changed since`, {
        hint: `vmkiln rollback ${channel} goes back to the one before`,
      });
    },
  };
  return place;
}

/** Under the folder's lock, with a copy of the image at hand. */
async function promote(
  folder: string,
  entry: IndexEntry,
  { channel, older, signedBy, media }: Promotion,
  settle: (now: Index) => Promise<IndexEntry>,
): Promise<Outcome> {
  const index = await readWhole(folder);
  refuseRevoked(index, entry, media);
  const before = index.channels[channel] ?? empty;
  const entries = heldIn(before);
  const signer = signedBy === undefined ? {} : { signedBy };
  // Whatever its file is called, it is the content that is promoted.
  const same = entries.find(({ sha256 }) => sha256 === entry.sha256);
  const added = same ?? { ...entry, generation: 0, since: '', ...signer };
  const known = await holding(folder, index, before, same ? [] : [added]);
  // Its copy is whole, whatever became of an earlier one.
  const held = known.map((each) => (each.id === added.file ? { ...each, usable: true } : each));
  const { end, images } = reach(channel, { do: 'promote', id: added.file, older, signedBy }, held);
  if (end === 'unchanged') return { end, channel: stateOf(folder, channel, before) };
  const copy = { ...added, ...(await settle(index)), ...signer };
  const renamed = images.map((each) => (each.id === added.file ? { ...each, id: copy.file } : each));
  const others = entries.filter(({ file }) => file !== added.file);
  try {
    return await change(folder, describedAs(index, copy), channel, renamed, [...others, copy], end);
  } catch (error) {
    await removeUnnamed(folder, copy.file);
    throw error;
  }
}

/** A published image by the name of its file or its own, or one that a channel has by the name of its file. */
async function find(folder: string, image: string, { damaged } = { damaged: false }): Promise<IndexEntry> {
  const index = await readWhole(folder);
  const file = basename(image);
  const byFile = [...index.images, ...channelEntries(index)].find((entry) => entry.file === file);
  const named = index.images.filter(({ name }) => name === image);
  const found = byFile ?? (named.length === 1 ? named[0] : undefined);
  if (found === undefined) {
    const what = named.length > 1 ? `${named.length} images called ${image}` : `no image ${image}`;
    throw new VmkilnError('USAGE', `the index.json of ${folder} has ${what}`, {
      hint:
        named.length > 1
          ? `name one by its file: ${named.map((each) => each.file).join(', ')}`
          : Object.hasOwn(index.channels, image)
            ? `that is a channel: vmkiln channels --resolve ${image} names its image`
            : 'publish it there first (vmkiln build, vmkiln upload IMAGE --to FOLDER/), or say where it is: --in',
    });
  }
  const isWhole =
    damaged ||
    (byFile && !index.images.includes(byFile)
      ? await isIntact(folder, found)
      : await findPublished(folder, found.file));
  if (isWhole) return found;
  throw await whyChanged(folder, found);
}

async function candidateOf(folder: string, index: Index, entry: IndexEntry): Promise<Candidate> {
  const { file: id, name, sha256, build, rehearsal, documents } = entry;
  const file = documents?.['statements']?.file;
  const statements =
    file === undefined ? undefined : await readFile(join(folder, basename(file)), 'utf8').catch(() => undefined);
  return { id, name, sha256, build, rehearsal, revoked: isRevoked(index, sha256), statements };
}

function refuseRevoked(index: Index, { file, sha256 }: IndexEntry, media: readonly string[]): void {
  const base = media.find((each) => isRevoked(index, each));
  if (base === undefined && !isRevoked(index, sha256)) return;
  const why = isRevoked(index, sha256) ? `${file} is revoked` : `${file} was built on ${base}, which is revoked`;
  throw new VmkilnError('CHANNEL_REFUSED', why, {
    hint: 'a revocation is for good: build another one, on a good base',
  });
}

function isRevoked({ revoked }: Index, sha256: string): boolean {
  return revoked.some((each) => each.sha256 === sha256);
}

function heldIn({ image, earlier, left }: FolderChannel): ChannelEntry[] {
  return [...(image ? [image] : []), ...earlier, ...left];
}

/** What a channel has, and what it may get, for the decision. */
async function holding(
  folder: string,
  index: Index,
  channel: FolderChannel,
  more: readonly ChannelEntry[] = [],
): Promise<Held[]> {
  return Promise.all(
    [...heldIn(channel), ...more].map(async (entry) => ({
      id: entry.file,
      serial: entry.serial ?? noSerial,
      generation: entry.generation || undefined,
      shown: entry === channel.image,
      left: channel.left.includes(entry),
      revoked: isRevoked(index, entry.sha256),
      usable: await isIntact(folder, entry),
      signedBy: entry.signedBy,
    })),
  );
}

/** Writes what a channel has become. */
async function change(
  folder: string,
  index: Index,
  name: string,
  images: readonly Held[],
  entries: readonly ChannelEntry[],
  end: Outcome['end'],
): Promise<Outcome> {
  const channel = channelFrom(images, entries, index.channels[name] ?? empty, new Date());
  const changed = { ...index, channels: { ...index.channels, [name]: channel } };
  await writeIndex(folder, await forgetLeft(folder, changed, Date.now()));
  return { end, channel: stateOf(folder, name, channel) };
}

/** A channel as `index.json` has it. Pure. */
function channelFrom(
  images: readonly Held[],
  entries: readonly ChannelEntry[],
  before: FolderChannel,
  now: Date,
): FolderChannel {
  const at = now.toISOString();
  const entryOf = ({ id, generation = 0 }: Held): ChannelEntry[] => {
    const known = entries.find(({ file }) => file === id);
    if (known === undefined || generation === 0) return [];
    const { leftAt: _, ...rest } = known;
    return [generation === known.generation ? rest : { ...rest, generation, since: at }];
  };
  const current = images.find(({ shown, revoked }) => shown && !revoked);
  const earlier = earlierOf(images);
  const isOut = (each: Held) => each !== current && !earlier.includes(each);
  return {
    generation: Math.max(before.generation, generationOf(images)),
    image: (current && entryOf(current)[0]) ?? null,
    earlier: earlier.flatMap(entryOf),
    left: images.filter(isOut).flatMap((each) => {
      const known = entries.find(({ file }) => file === each.id);
      return entryOf(each).map((entry) => ({ ...entry, leftAt: known?.leftAt ?? at }));
    }),
  };
}

async function revoke(folder: string, candidates: readonly Candidate[]): Promise<ChannelState[]> {
  await checkWritable(folder);
  const index = await readWhole(folder);
  const digests = new Set(candidates.map(({ sha256 }) => sha256));
  const at = new Date();
  const added = [...digests].filter((sha256) => !isRevoked(index, sha256));
  const revoked = [...index.revoked, ...added.map((sha256) => ({ sha256, at: at.toISOString() }))];
  const after = { ...index, revoked };
  const changed: string[] = [];
  const channels: Index['channels'] = {};
  for (const [name, before] of Object.entries(index.channels)) {
    const entries = heldIn(before);
    const ids = new Set(entries.filter(({ sha256 }) => digests.has(sha256)).map(({ file }) => file));
    const goal: Goal = { do: 'avoid', ids };
    const { images } = reach(name, goal, await holding(folder, after, before));
    channels[name] = ids.size === 0 ? before : channelFrom(images, entries, before, at);
    if (ids.size > 0) changed.push(name);
  }
  await writeIndex(folder, await forgetLeft(folder, { ...after, channels }, at.getTime()));
  return changed.map((name) => stateOf(folder, name, channels[name] ?? empty));
}

function stateOf(folder: string, channel: string, { generation, image, earlier }: FolderChannel): ChannelState {
  return {
    channel,
    generation,
    image: image && imageOf(folder, image),
    earlier: earlier.map((each) => imageOf(folder, each)),
  };
}

function imageOf(folder: string, entry: ChannelEntry): ChannelImage {
  const { file, name, format, sha256, serial = noSerial, build, generation, since, signedBy } = entry;
  return {
    location: join(folder, file),
    name,
    format,
    sha256,
    serial,
    build,
    generation,
    since,
    ...(signedBy !== undefined && { signedBy }),
  };
}
