import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { VmkilnError } from '../../errors.ts';
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
const indexSchema = z.object({ version: z.literal(1), images: z.array(entrySchema) });

/** An image as `index.json` lists it. */
export type IndexEntry = z.infer<typeof entrySchema>;

/**
 * The images that a folder's `index.json` lists; none when there is no such file.
 *
 * @throws VmkilnError TARGET_FAILED when the file is not an index of images: it may be somebody else's.
 */
export async function readIndex(folder: string): Promise<IndexEntry[]> {
  const path = join(folder, 'index.json');
  try {
    return indexSchema.parse(JSON.parse(await readFile(path, 'utf8'))).images;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new VmkilnError('TARGET_FAILED', `${path} is not a list of images that vmkiln wrote`, {
      hint: 'move it away, or publish to another folder',
      cause,
    });
  }
}

/** Puts an entry into `index.json` in place of the one for the same file, and drops those whose file is gone. */
export async function updateIndex(folder: string, entry: IndexEntry): Promise<void> {
  const images = [entry];
  for (const other of await readIndex(folder)) {
    const isThere =
      basename(other.file) === other.file && (await stat(join(folder, other.file)).catch(() => undefined));
    if (other.file !== entry.file && isThere) images.push(other);
  }
  images.sort((a, b) => (a.file < b.file ? -1 : 1));
  await writeAtomic(join(folder, 'index.json'), `${JSON.stringify({ version: 1, images }, null, 2)}\n`);
}

/** The listed entry of `file`, if the file and its checksum file still are what the index says. */
export async function findPublished(folder: string, file: string): Promise<IndexEntry | undefined> {
  const entry = (await readIndex(folder)).find((candidate) => candidate.file === file);
  const stats = await stat(join(folder, file)).catch(() => undefined);
  if (!entry || stats?.size !== entry.size || stats.mtime.toISOString() !== entry.createdAt) return undefined;
  const sum = await readFile(join(folder, `${file}.sha256`), 'utf8').catch(() => '');
  return sum === checksumLine(entry.sha256, file) ? entry : undefined;
}

/** A line that `sha256sum -c` reads in the folder of the file. */
export function checksumLine(sha256: string, file: string): string {
  return `${sha256}  ${file}\n`;
}
