import { crc32 } from 'node:zlib';
import { error, isText, little, warning } from './header.ts';
import type { ImageFinding, ByteSource } from './header.ts';
import { biosBoot, efiSystem, rangeFindings } from './partition-table.ts';
import type { Partition, PartitionTable } from './partition-table.ts';
import { guid, printable } from './text.ts';

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

/** More entries than this are not read: 128 is what everybody writes. */
const entryLimit = 1024;
/** Sizes of the sectors of disks, in bytes, by which a GPT is placed. */
const sectorSizes = [512, 1024, 2048, 4096];
/** An attribute of a partition: code in the first sector is to start from it ("Legacy BIOS Bootable"). */
const legacyBootable = 4;

/** A GPT. `lastSector` is that of its backup; `bootsBios` says whether code in the first sector finds something to start. */
export type Gpt = Pick<PartitionTable, 'sectorSize' | 'partitions' | 'findings'> & {
  lastSector: number;
  bootsBios: boolean;
};

/** Reads the GPT in the second sector of a disk, whatever the size of its sectors. Undefined when there is none. */
export function parseGpt(disk: ByteSource, diskSize: number): Gpt | undefined {
  const found = sectorSizes.filter((size) => isText(disk.read(size, 8), 0, 'EFI PART'));
  const intact = found.filter((size) => headerFault(disk.read(size, 512)) === undefined);
  const sectorSize = intact[0] ?? found[0];
  if (sectorSize === undefined) return undefined;
  const head = disk.read(sectorSize, 512);
  const findings: ImageFinding[] = [];
  const fault = headerFault(head);
  if (fault !== undefined) findings.push(error('partitions', fault));
  if (intact.length > 1) {
    findings.push(error('partitions', `it has a GPT for each of the sector sizes ${intact.join(', ')}`));
  }
  const lastSector = little.u64(head, 32);
  if (lastSector * sectorSize >= diskSize) {
    findings.push(warning('gpt-backup', 'the backup of its GPT would lie beyond the end of the disk'));
  }
  const entries = readEntries(disk, sectorSize, head, findings);
  const partitions = entries.map(({ partition }) => partition);
  findings.push(...rangeFindings(partitions, diskSize));
  const bootsBios = entries.some(({ partition, legacy }) => legacy || partition.type === biosBoot);
  return { sectorSize, partitions, findings, lastSector, bootsBios };
}

/** What is wrong with the bytes of a header. Its checksum counts its own four bytes as zeros. */
function headerFault(head: Buffer): string | undefined {
  const length = little.u32(head, 12);
  const zeroed = Buffer.from(head.subarray(0, length));
  zeroed.fill(0, 16, Math.min(20, zeroed.length));
  if (length < 92 || length > 512 || crc32(zeroed) !== little.u32(head, 16)) return 'the checksum of its GPT is wrong';
  return little.u64(head, 24) === 1 ? undefined : 'its GPT belongs into another sector';
}

function readEntries(
  disk: ByteSource,
  sectorSize: number,
  head: Buffer,
  findings: ImageFinding[],
): { partition: Partition; legacy: boolean }[] {
  const [count, entrySize] = [little.u32(head, 80), little.u32(head, 84)];
  if (entrySize < 128 || entrySize > 4096 || count > entryLimit) {
    findings.push(error('partitions', `its GPT claims ${count} entries of ${entrySize} bytes: that cannot be right`));
    return [];
  }
  const table = disk.read(little.u64(head, 72) * sectorSize, count * entrySize);
  if (table.length < count * entrySize) {
    findings.push(
      warning('partitions', 'the entries of its GPT are not where they usually are: they were not all read'),
    );
  } else if (crc32(table) !== little.u32(head, 88))
    findings.push(error('partitions', 'the checksum of the entries of its GPT is wrong'));
  const entries: { partition: Partition; legacy: boolean }[] = [];
  for (let at = 0; at + entrySize <= table.length; at += entrySize) {
    const type = guid(table, at);
    if (type === '00000000-0000-0000-0000-000000000000') continue;
    const [start, last] = [little.u64(table, at + 32) * sectorSize, little.u64(table, at + 40) * sectorSize];
    const name = printable(table.toString('utf16le', at + 56, at + 128).split('\0')[0] ?? '');
    const size = Math.max(0, last + sectorSize - start);
    const partition = { number: at / entrySize + 1, start, size, type: gptTypes[type] ?? type };
    const legacy = ((table[at + 48] ?? 0) & legacyBootable) !== 0;
    entries.push({ partition: { ...partition, ...(name !== '' && { name }) }, legacy });
  }
  return entries;
}
