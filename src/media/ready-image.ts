import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { parseFilesystem } from '../images/amazon.ts';
import { withFitImage } from '../images/gate.ts';
import { bufferSource } from '../images/header.ts';
import type { Inspection } from '../images/inspect.ts';
import type { MediaFile, ReadyImage } from '../model.ts';
import { exec } from '../tools/exec.ts';
import { diskRange } from '../tools/qemu-img.ts';
import { withTemporary } from '../tools/temporary.ts';

type Options = { workDir: string; signal: AbortSignal };

/**
 * What a ready image holds, read without writing to it. An image that names other files, is damaged or encrypted is refused
 * before a guest's tools see it.
 *
 * @throws VmkilnError IMAGE_UNFIT; COMMAND_FAILED when QEMU cannot read it.
 */
export async function readReadyImage(image: MediaFile, options: Options): Promise<ReadyImage> {
  return withFitImage(image.path, { is: 'qcow2', remade: true }, options, async (file, found) => {
    const wrong = found.findings.find(({ code }) => code === 'dirty' || code === 'encrypted')?.message;
    if (wrong !== undefined) {
      throw new VmkilnError('IMAGE_UNFIT', `${image.source}: ${wrong}`, {
        hint: 'a ready image is one whole qcow2 file: `vmkiln convert --to qcow2` makes one of an image that you trust',
      });
    }
    const root = await lastFilesystem(file.open, found, options);
    return { virtualSize: found.virtualSize ?? 0, ...(root && { root }) };
  });
}

/** The partition that ends last and the file system in it, if it is one that can be grown; logical ones of an MBR cannot. */
async function lastFilesystem(
  path: string,
  { format, table }: Inspection,
  { workDir, signal }: Options,
): Promise<ReadyImage['root']> {
  const last = table?.partitions.toSorted((a, b) => b.start + b.size - a.start - a.size)[0];
  if (!table || !last || table.sectorSize !== 512 || last.type === 'extended') return undefined;
  const readSectors = async (folder: string) => {
    const to = join(folder, 'sectors');
    await exec({ ...diskRange(path, format, { start: last.start, length: 2048 }, to), signal });
    return readFile(to);
  };
  const sectors = await withTemporary('image-', readSectors, workDir);
  const name = String(parseFilesystem(bufferSource(sectors))?.details['filesystem']);
  const filesystem = name.startsWith('ext') ? 'ext' : name === 'xfs' ? 'xfs' : undefined;
  return filesystem && { table: table.kind, number: last.number, filesystem };
}

/**
 * Refuses a disk that the image does not fit into, and one whose file system would not grow with it. `size` in bytes.
 *
 * @throws VmkilnError MEDIA_UNFIT
 */
export function checkSize(source: string, { virtualSize, root }: ReadyImage, size: number | undefined): void {
  if (size === undefined || size === virtualSize) return;
  const gibibytes = (bytes: number) => `${Number((bytes / 1024 ** 3).toFixed(2))}G`;
  if (size < virtualSize) {
    throw new VmkilnError('MEDIA_UNFIT', `${source} is a disk of ${gibibytes(virtualSize)}, larger than disk.size`, {
      hint: `leave disk.size out, or make it at least ${gibibytes(virtualSize)}`,
    });
  }
  if (root) return;
  throw new VmkilnError('MEDIA_UNFIT', `the last partition of ${source} holds no xfs or ext file system to grow`, {
    hint: 'leave disk.size out: an instance gets its size from its flavor, and grows at its first boot if it can',
  });
}
