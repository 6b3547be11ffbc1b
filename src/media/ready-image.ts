import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { MediaFile, ReadyImage } from '../model.ts';
import { readSectors } from '../tools/qemu-img.ts';
import { growableFilesystem, lastPartition, partitionTableSize } from './partitions.ts';
import { qcow2HeaderSize, readQcow2Header } from './qcow2.ts';

/**
 * What a ready image holds, read without writing to it. An image that names other files is refused before any tool opens it.
 *
 * @throws VmkilnError MEDIA_UNFIT; COMMAND_FAILED when QEMU cannot read it.
 */
export async function readReadyImage(
  image: MediaFile,
  options: { workDir: string; signal: AbortSignal },
): Promise<ReadyImage> {
  const file = await open(image.path, 'r');
  const { buffer, bytesRead } = await file
    .read({ buffer: Buffer.alloc(qcow2HeaderSize), position: 0 })
    .finally(() => file.close());
  const header = readQcow2Header(buffer.subarray(0, bytesRead));
  if (typeof header === 'string') {
    throw new VmkilnError('MEDIA_UNFIT', `${image.source} ${header}`, {
      hint: 'a ready image is one whole qcow2 file; `qemu-img convert -O qcow2` makes one of an image that you trust',
    });
  }
  const folder = await mkdtemp(join(options.workDir, 'image-'));
  const sectors = async (first: number, count: number) => {
    const out = join(folder, 'sectors');
    await readSectors(image.path, out, { first, count }, options.signal);
    return readFile(out);
  };
  try {
    const { virtualSize } = header;
    const last = lastPartition(await sectors(0, partitionTableSize / 512));
    const filesystem = last && growableFilesystem(await sectors(last.start, 4));
    return { virtualSize, ...(last && filesystem && { root: { ...last, filesystem } }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
