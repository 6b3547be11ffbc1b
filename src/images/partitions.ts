import { crc32 } from 'node:zlib';
import { error, isText, little, warning } from './header.ts';
import type { ImageFinding, ByteSource } from './header.ts';
import { guid, printable } from './text.ts';

/** One partition. `start` and `size` are in bytes. */
type Partition = { number: number; start: number; size: number; type: string; name?: string; active?: boolean };

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

const mbrTypes: Readonly<Record<number, string>> = {
  0x05: 'extended',
  0x07: 'NTFS or exFAT',
  0x0b: 'FAT32',
  0x0c: 'FAT32',
  0x0f: 'extended',
  0x82: 'Linux swap',
  0x83: 'Linux',
  0x8e: 'Linux LVM',
  0xee: 'GPT protective',
  0xef: efiSystem,
  0xfd: 'Linux RAID',
};

const gptTypes: Readonly<Record<string, string>> = {
  'C12A7328-F81F-11D2-BA4B-00A0C93EC93B': efiSystem,
  '21686148-6449-6E6F-744E-656564454649': biosBoot,
  '0FC63DAF-8483-4772-8E79-3D69D8477DE4': 'Linux',
  '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709': 'Linux root (x86-64)',
  '44479540-F297-41B2-9AF7-D131D5F0458A': 'Linux root (x86)',
  'B921B045-1DF0-41C3-AF44-4C6F280D3FAE': 'Linux root (arm64)',
  'BC13C2FF-59E6-4262-A352-B275FD6F7172': 'Linux boot',
  '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F': 'Linux swap',
  'E6D6D379-F507-44C2-A23C-238F2A3DF928': 'Linux LVM',
  'A19D880F-05FC-4D3B-A006-743F0F84911E': 'Linux RAID',
  'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7': 'Microsoft basic data',
  'E3C9E316-0B5C-4DB8-817D-F92DF00215AE': 'Microsoft reserved',
  'DE94BBA4-06D1-4D40-A16A-BFD50179D6AC': 'Windows recovery',
  '9E1A2D38-C612-4316-AA26-8B49521E5A8B': 'PReP boot',
};

/**
 * Reads the partition table at the start of a disk: an MBR, or a GPT ("UEFI Specification" 2.10, chapter 5) with sectors
 * of 512 or 4096 bytes. `diskSize` is in bytes. Undefined when there is none: a boot sector of a filesystem or a kernel
 * ends with the same two bytes.
 */
export function parsePartitions(disk: ByteSource, diskSize: number): PartitionTable | undefined {
  const first = disk.read(0, 512);
  if (first.length < 512 || little.u16(first, 510) !== 0xaa55) return undefined;
  const findings: ImageFinding[] = [];
  const entries = mbrEntries(first, findings);
  if (entries === undefined) return undefined;
  const code = first.subarray(0, 440).some((byte) => byte !== 0);
  if (entries.some(({ type }) => type === 0xee)) {
    const gpt = parseGpt(disk, diskSize, code, findings);
    if (entries.length > 1) {
      findings.push(
        warning('hybrid-mbr', 'its MBR names other partitions beside the GPT: two tables that can disagree'),
      );
    }
    if (gpt) return gpt;
    findings.push(error('partitions', 'its MBR says that there is a GPT, and there is no intact one'));
  }
  const partitions = entries.map(({ number, start, size, type, active }) => ({
    number,
    start: start * 512,
    size: size * 512,
    type: mbrTypes[type] ?? `0x${type.toString(16).padStart(2, '0')}`,
    active,
  }));
  findings.push(...rangeFindings(partitions, diskSize));
  const uefi = partitions.some(({ type }) => type === efiSystem);
  return {
    kind: 'mbr',
    sectorSize: 512,
    partitions,
    boots: [...(code ? ['bios' as const] : []), ...(uefi ? ['uefi' as const] : [])],
    findings,
  };
}

type MbrEntry = { number: number; start: number; size: number; type: number; active: boolean };

/** The used entries of an MBR, in sectors; undefined when these bytes are something else than a table. */
function mbrEntries(first: Buffer, findings: ImageFinding[]): MbrEntry[] | undefined {
  const entries: MbrEntry[] = [];
  for (let index = 0; index < 4; index += 1) {
    const at = 446 + index * 16;
    const flag = first[at] ?? 0;
    const type = first[at + 4] ?? 0;
    const [start, size] = [little.u32(first, at + 8), little.u32(first, at + 12)];
    if (flag !== 0 && flag !== 0x80) return undefined;
    if (type === 0) continue;
    if (start === 0 && type !== 0xee)
      findings.push(warning('partitions', `partition ${index + 1} begins at the table itself`));
    entries.push({ number: index + 1, start, size, type, active: flag === 0x80 });
  }
  return entries.length === 0 ? undefined : entries;
}

/** More entries than this are not read: 128 is what everybody writes. */
const entryLimit = 1024;

function parseGpt(
  disk: ByteSource,
  diskSize: number,
  code: boolean,
  findings: ImageFinding[],
): PartitionTable | undefined {
  const sectorSize = [512, 4096].find((size) => isText(disk.read(size, 8), 0, 'EFI PART'));
  if (sectorSize === undefined) return undefined;
  const head = disk.read(sectorSize, 512);
  const length = little.u32(head, 12);
  if (length < 92 || length > 512 || !headerHolds(head.subarray(0, length))) {
    findings.push(error('partitions', 'the checksum of its GPT is wrong'));
  }
  const count = little.u32(head, 80);
  const entrySize = little.u32(head, 84);
  if (entrySize < 128 || entrySize > 4096 || count > entryLimit) {
    findings.push(error('partitions', `its GPT claims ${count} entries of ${entrySize} bytes: that cannot be right`));
    return { kind: 'gpt', sectorSize, partitions: [], boots: [], findings };
  }
  const table = disk.read(little.u64(head, 72) * sectorSize, count * entrySize);
  if (table.length < count * entrySize) {
    findings.push(
      warning('partitions', 'the entries of its GPT are not where they usually are: they were not all read'),
    );
  } else if (crc32(table) !== little.u32(head, 88))
    findings.push(error('partitions', 'the checksum of the entries of its GPT is wrong'));
  const partitions: Partition[] = [];
  for (let at = 0; at + entrySize <= table.length; at += entrySize) {
    const type = guid(table, at);
    if (type === '00000000-0000-0000-0000-000000000000') continue;
    const [start, last] = [little.u64(table, at + 32) * sectorSize, little.u64(table, at + 40) * sectorSize];
    const name = printable(table.toString('utf16le', at + 56, at + 128).split('\0')[0] ?? '');
    partitions.push({
      number: at / entrySize + 1,
      start,
      size: Math.max(0, last + sectorSize - start),
      type: gptTypes[type] ?? type,
      ...(name !== '' && { name }),
    });
  }
  findings.push(...rangeFindings(partitions, diskSize));
  const bios = code && partitions.some(({ type }) => type === biosBoot);
  const uefi = partitions.some(({ type }) => type === efiSystem);
  return {
    kind: 'gpt',
    sectorSize,
    partitions,
    boots: [...(bios ? (['bios'] as const) : []), ...(uefi ? (['uefi'] as const) : [])],
    findings,
  };
}

/** The checksum of a GPT header counts its own four bytes as zeros. */
function headerHolds(head: Buffer): boolean {
  const zeroed = Buffer.from(head);
  zeroed.fill(0, 16, Math.min(20, zeroed.length));
  return crc32(zeroed) === little.u32(head, 16);
}

function rangeFindings(partitions: readonly Partition[], diskSize: number): ImageFinding[] {
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
