import { messageOf, VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { readLong, type ByteSource } from '../images/header.ts';
import { type IsoEntry, type IsoVolume, openIso9660 } from '../images/iso9660.ts';
import { openUdf } from '../images/udf.ts';
import { readWimXml, type WimImage, wimHeaderSize, wimXmlExtent } from './wim.ts';

/** Reads files of an ISO without mounting it, by paths without regard to case. */
type Iso = {
  /** False for what is no ISO: nothing is found in it. */
  isVolume: boolean;
  find: (path: string) => IsoEntry | undefined;
  read: (entry: IsoEntry, at: number, length: number) => Buffer;
};

/** @throws VmkilnError MEDIA_UNFIT when a structure of it cannot be read */
async function withIso<T>(path: string, work: (iso: Iso) => T): Promise<T> {
  return withImage(path, async ({ source }) => {
    try {
      const volume = openUdf(source) ?? openIso9660(source);
      return work({
        isVolume: volume !== undefined,
        find: (name) => findEntry(volume, name),
        read: (entry, at, length) => readFile(source, entry, at, length),
      });
    } catch (cause) {
      // The end of a file that is cut short comes in the middle of a structure.
      throw cause instanceof RangeError ? damaged(path, cause) : cause;
    }
  });
}

function damaged(path: string, cause: unknown): VmkilnError {
  return new VmkilnError('MEDIA_UNFIT', `${path} is damaged: ${messageOf(cause)}`, {
    hint: 'fetch it again, and give its checksum in the recipe',
    cause,
  });
}

/** What a Windows ISO has for Setup. */
export type WindowsMedium = {
  /** Undefined when it has none of install.wim, install.esd and install.swm, the first part of one that is split. */
  images: readonly WimImage[] | undefined;
  /** Those of the files asked for that it has, as they were asked for. */
  has: ReadonlySet<string>;
};

/** Reads the images of a Windows ISO, and which of these files it has. */
export async function readWindowsMedium(path: string, files: readonly string[]): Promise<WindowsMedium> {
  return withIso(path, (iso) => {
    const has = new Set(files.filter((name) => iso.find(name) !== undefined));
    try {
      return { images: imagesOf(iso), has };
    } catch (cause) {
      throw cause instanceof RangeError ? cause : damaged(path, cause);
    }
  });
}

function imagesOf({ find, read }: Iso): WimImage[] | undefined {
  const name = ['wim', 'esd', 'swm'].map((ending) => `sources/install.${ending}`).find((each) => find(each));
  const wim = name === undefined ? undefined : find(name);
  if (!wim) return undefined;
  const extent = wimXmlExtent(read(wim, 0, wimHeaderSize));
  if (!extent) throw new Error(`its ${name} is no file of images`);
  return readWimXml(read(wim, extent.position, extent.length));
}

/** Those of these files and folders that an ISO does not have; `FOLDER/*.inf` is any file in it with that ending. */
export async function missingFromIso(path: string, wanted: readonly string[]): Promise<string[]> {
  return withIso(path, ({ find }) => wanted.filter((name) => find(name) === undefined));
}

/** A text file of a medium that says what it is has a few lines. Bytes. */
const longestText = 64 * 1024;

/** The texts of those of these files that an ISO has; undefined for what is no ISO at all. */
export async function textsFromIso(
  path: string,
  names: readonly string[],
): Promise<Record<string, string> | undefined> {
  return withIso(path, ({ isVolume, find, read }) => {
    if (!isVolume) return undefined;
    const found = names.flatMap((name) => {
      const entry = find(name);
      if (!entry || entry.isFolder) return [];
      return [[name, read(entry, 0, Math.min(entry.size, longestText)).toString('utf8')] as const];
    });
    return Object.fromEntries(found);
  });
}

function findEntry(volume: IsoVolume | undefined, path: string): IsoEntry | undefined {
  let here: IsoEntry | undefined = volume?.root;
  for (const name of path.split('/')) {
    if (!here?.isFolder || !volume) return undefined;
    const wanted = name.toLowerCase();
    const ending = wanted.startsWith('*') ? wanted.slice(1) : undefined;
    here = volume.find(here, (entry) =>
      ending ? entry.toLowerCase().endsWith(ending) : entry.toLowerCase() === wanted,
    );
  }
  return here;
}

/** Bytes of a file that may lie in several extents. */
function readFile(source: ByteSource, entry: IsoEntry, from: number, length: number): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const extent of entry.extents) {
    const [first, last] = [Math.max(from, at), Math.min(from + length, at + extent.length)];
    if (first < last) pieces.push(readLong(source, extent.position + first - at, last - first));
    at += extent.length;
  }
  return Buffer.concat(pieces);
}
