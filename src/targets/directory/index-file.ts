import { access, constants, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { messageOf, VmkilnError } from '../../errors.ts';
import { writeAtomic } from '../../store/files.ts';
import { isSerial } from '../serial.ts';

const entrySchema = z.looseObject({
  name: z.string(),
  /** File name in the same folder. */
  file: z.string(),
  format: z.string(),
  /** Bytes. */
  size: z.number(),
  sha256: z.string(),
  build: z.string(),
  /** The file's modification time: another one means that the file was changed since, for instance by booting it. */
  createdAt: z.string(),
  rehearsal: z.boolean(),
  /** What is said of it, by its kind: a file in the same folder. */
  documents: z.record(z.string(), z.object({ file: z.string(), sha256: z.string() })).optional(),
  /** Without one it is older than all that have one: until version 0.1.0 there were none. */
  serial: z.string().refine(isSerial).optional(),
});
/** An image that a channel has or had: a copy of its own, which no publication replaces. */
const channelEntrySchema = entrySchema.extend({
  generation: z.int().min(1),
  /** When it was promoted, or gone back to. */
  since: z.string(),
  /** Id of the key by which its statements were signed, where one was asked for. */
  signedBy: z.string().optional(),
  /** When it left the channel. */
  leftAt: z.string().optional(),
});
const channelSchema = z.object({
  generation: z.int().min(0),
  image: channelEntrySchema.nullable(),
  /** Those that it can go back to, the nearest first. */
  earlier: z.array(channelEntrySchema),
  /** Those that have left it a short time ago: their files are there until nobody reads them any more. */
  left: z.array(channelEntrySchema).prefault([]),
});
const indexSchema = z.looseObject({
  version: z.literal(1),
  images: z.array(entrySchema),
  channels: z.record(z.string(), channelSchema).prefault({}),
  /** Digests of images that nobody is to use. */
  revoked: z.array(z.object({ sha256: z.string(), at: z.string() })).prefault([]),
});

/** An image as `index.json` lists it. */
export type IndexEntry = z.infer<typeof entrySchema>;
export type ChannelEntry = z.infer<typeof channelEntrySchema>;
export type FolderChannel = z.infer<typeof channelSchema>;
export type Index = z.infer<typeof indexSchema>;

/** The images that a folder's `index.json` lists; none when there is no such file. @throws VmkilnError as `readWhole` does */
export async function readIndex(folder: string): Promise<IndexEntry[]> {
  return (await readWhole(folder)).images;
}

/**
 * All that a folder's `index.json` says.
 *
 * @throws VmkilnError TARGET_FAILED when the file is not an index of images: it may be somebody else's.
 */
export async function readWhole(folder: string): Promise<Index> {
  const path = join(folder, 'index.json');
  try {
    return indexSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      return { version: 1, images: [], channels: {}, revoked: [] };
    throw new VmkilnError('TARGET_FAILED', `${path} is not a list of images that vmkiln wrote`, {
      hint: 'restore it from a backup, or move it away: what it said of channels and revocations is lost then',
      cause,
    });
  }
}

/** Whoever may read a folder resolves its channels; not everybody changes them. @throws VmkilnError TARGET_FAILED */
export async function checkWritable(folder: string): Promise<void> {
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new VmkilnError('TARGET_FAILED', `the channels of ${folder} cannot be changed: ${messageOf(cause)}`, {
      hint: 'do it as a user who may write to that folder, or correct its permissions',
    });
  });
}

/** Puts an entry into `index.json` in place of the one for the same file, and drops those whose file is gone. */
export async function updateIndex(folder: string, entry: IndexEntry): Promise<void> {
  const index = await readWhole(folder);
  const images = [entry];
  for (const other of index.images) {
    const isThere =
      basename(other.file) === other.file && (await stat(join(folder, other.file)).catch(() => undefined));
    if (other.file !== entry.file && isThere) images.push(other);
  }
  images.sort((a, b) => (a.file < b.file ? -1 : 1));
  await writeIndex(folder, { ...index, images });
}

/** Writes all of `index.json`. Channels are only in it where there are some. */
export async function writeIndex(folder: string, index: Index): Promise<void> {
  const { version, images, channels, revoked, ...rest } = index;
  const whole = {
    ...{ version, images },
    ...(Object.keys(channels).length > 0 && { channels }),
    ...(revoked.length > 0 && { revoked }),
    ...rest,
  };
  await writeAtomic(join(folder, 'index.json'), `${JSON.stringify(whole, null, 2)}\n`);
}

/** The listed entry of `file`, if the file and its checksum file still are what the index says. */
export async function findPublished(folder: string, file: string): Promise<IndexEntry | undefined> {
  const entry = (await readIndex(folder)).find((candidate) => candidate.file === file);
  if (!entry || !(await isIntact(folder, entry))) return undefined;
  const sum = await readFile(join(folder, `${file}.sha256`), 'utf8').catch(() => '');
  return sum === checksumLine(entry.sha256, file) ? entry : undefined;
}

/** Whether the file of an entry is there, and was not changed since. */
export async function isIntact(folder: string, { file, size, createdAt }: IndexEntry): Promise<boolean> {
  if (basename(file) !== file) return false;
  const stats = await stat(join(folder, file)).catch(() => undefined);
  return stats?.size === size && stats.mtime.toISOString() === createdAt;
}

/** A line that `sha256sum -c` reads in the folder of the file. */
export function checksumLine(sha256: string, file: string): string {
  return `${sha256}  ${file}\n`;
}
