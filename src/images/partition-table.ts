import { error, warning } from './header.ts';
import type { ImageFinding } from './header.ts';

/** One partition. `start` and `size` are in bytes. */
export type Partition = { number: number; start: number; size: number; type: string; name?: string; active?: boolean };

/** What the start of a disk says of its partitions. `sectorSize` is in bytes. */
export type PartitionTable = {
  kind: 'mbr' | 'gpt';
  sectorSize: number;
  partitions: readonly Partition[];
  /** Which firmware can start from it, as far as the table tells: an EFI system partition, code in the first sector. */
  boots: readonly ('bios' | 'uefi')[];
  findings: readonly ImageFinding[];
};

export const efiSystem = 'EFI system';
export const biosBoot = 'BIOS boot';

/** Whether nothing is wrong with a table that has partitions: what looks like one by chance is not. */
export function isSound({ partitions, findings }: PartitionTable): boolean {
  return partitions.some(({ size }) => size > 0) && findings.every(({ code }) => code !== 'partitions');
}

/** Finds partitions that reach beyond the disk, or overlap. `diskSize` is in bytes. */
export function rangeFindings(partitions: readonly Partition[], diskSize: number): ImageFinding[] {
  const findings: ImageFinding[] = [];
  const outside = partitions.find(({ start, size }) => start + size > diskSize);
  if (outside) {
    findings.push(
      error('partitions', `partition ${outside.number} goes beyond the end of the disk: the disk is cut short`),
    );
  }
  const sorted = partitions.filter(({ size }) => size > 0).toSorted((a, b) => a.start - b.start);
  const overlap = sorted.find(({ start }, index) => {
    const before = sorted[index - 1];
    return before !== undefined && before.start + before.size > start;
  });
  if (overlap) findings.push(warning('partitions', `partition ${overlap.number} overlaps another`));
  return findings;
}
