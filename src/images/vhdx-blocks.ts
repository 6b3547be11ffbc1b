import { error } from './header.ts';
import type { ByteSource, ImageFinding } from './header.ts';
import { findBeyondEnd } from './tables.ts';

/** The state of a block that is wholly in the file ([MS-VHDX] 2.5.1.1). */
const present = 6;

/** What the block table of a VHDX leads to. Sizes and offsets are in bytes. */
type Blocks = { offset: number; virtualSize: number; blockSize: number; sectorSize: number };

/**
 * Finds blocks beyond the end of the file ([MS-VHDX] 2.5). After the entries of a chunk of blocks comes that of a bitmap,
 * which only a differencing disk has.
 */
export function blockFindings(
  source: ByteSource,
  { offset, virtualSize, blockSize, sectorSize }: Blocks,
): ImageFinding[] {
  const chunk = (2 ** 23 * sectorSize) / blockSize;
  // No other sectors exist, and QEMU reads no other.
  if (sectorSize !== 512 && sectorSize !== 4096)
    return [error('damaged', `its sectors have ${sectorSize} bytes; 512 and 4096 are possible`)];
  const blocks = Math.ceil(virtualSize / blockSize);
  const table = { offset, entries: blocks + Math.floor((blocks - 1) / chunk), width: 8, first: 0 };
  return findBeyondEnd(source, [table], (bytes, at, number) => {
    const [low, high] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    if ((low & 7) !== present || number % (chunk + 1) === chunk) return 0;
    const block = number - Math.floor(number / (chunk + 1));
    // Bits 20 to 63 count MiB.
    return high * 2 ** 32 + low - (low % 2 ** 20) + Math.min(blockSize, virtualSize - block * blockSize);
  });
}
