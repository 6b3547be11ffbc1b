import { open } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import { type IsoEntry, type IsoVolume, openIso9660, type ReadAt } from './iso9660.ts';
import { openUdf } from './udf.ts';
import { readWimXml, type WimImage, wimHeaderSize, wimXmlExtent } from './wim.ts';

/** Reads files of an ISO without mounting it, by paths without regard to case. */
type Iso = {
  find: (path: string) => Promise<IsoEntry | undefined>;
  read: (entry: IsoEntry, at: number, length: number) => Promise<Buffer>;
};

/** What is read at once at most, in bytes: a damaged ISO may state any length. */
const readLimit = 16 * 1024 ** 2;

/** @throws VmkilnError MEDIA_UNFIT when a structure of it cannot be read */
async function withIso<T>(path: string, work: (iso: Iso) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  const readAt: ReadAt = async (position, length) => {
    const size = Math.min(Math.max(length, 0), readLimit);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size), position });
    return buffer.subarray(0, bytesRead);
  };
  try {
    const volume = (await openUdf(readAt)) ?? (await openIso9660(readAt));
    return await work({
      find: (name) => findEntry(volume, name),
      read: (entry, at, length) => readFile(readAt, entry, at, length),
    });
  } catch (cause) {
    // The end of a file that is cut short comes in the middle of a structure.
    throw cause instanceof RangeError ? damaged(path, cause) : cause;
  } finally {
    await file.close();
  }
}

function damaged(path: string, cause: unknown): VmkilnError {
  return new VmkilnError('MEDIA_UNFIT', `${path} is damaged: ${messageOf(cause)}`, {
    hint: 'fetch it again, and give its checksum in the recipe',
    cause,
  });
}

/** The images in the install.wim or install.esd of a Windows ISO; undefined when it has neither. */
export async function windowsImages(path: string): Promise<WimImage[] | undefined> {
  return withIso(path, async ({ find, read }) => {
    const wim = (await find('sources/install.wim')) ?? (await find('sources/install.esd'));
    const extent = wim && wimXmlExtent(await read(wim, 0, wimHeaderSize));
    if (!wim || !extent) return undefined;
    const xml = await read(wim, extent.position, extent.length);
    try {
      return readWimXml(xml);
    } catch (cause) {
      throw damaged(path, cause);
    }
  });
}

/** Those of these files and folders that an ISO does not have. */
export async function missingFromIso(path: string, wanted: readonly string[]): Promise<string[]> {
  return withIso(path, async ({ find }) => {
    const found = await Promise.all(wanted.map(find));
    return wanted.filter((_, index) => found[index] === undefined);
  });
}

async function findEntry(volume: IsoVolume | undefined, path: string): Promise<IsoEntry | undefined> {
  let here: IsoEntry | undefined = volume?.root;
  for (const name of path.split('/')) {
    if (!here?.isFolder || !volume) return undefined;
    here = (await volume.list(here)).find((entry) => entry.name.toLowerCase() === name.toLowerCase());
  }
  return here;
}

/** Bytes of a file that may lie in several extents. */
async function readFile(readAt: ReadAt, entry: IsoEntry, from: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const extent of entry.extents) {
    const [first, last] = [Math.max(from, at), Math.min(from + length, at + extent.length)];
    if (first < last) pieces.push(await readAt(extent.position + first - at, last - first));
    at += extent.length;
  }
  return Buffer.concat(pieces);
}
