import { error, little, warning } from './header.ts';
import type { ImageFinding, ByteSource } from './header.ts';
import { parseGpt } from './gpt.ts';
import type { Gpt } from './gpt.ts';
import { efiSystem, rangeFindings } from './partition-table.ts';
import type { PartitionTable } from './partition-table.ts';

/** The type of the one partition that keeps tools which know no GPT from a disk. */
const protective = 0xee;

const mbrTypes: Readonly<Record<number, string>> = {
  0x05: 'extended',
  0x07: 'NTFS or exFAT',
  0x0b: 'FAT32',
  0x0c: 'FAT32',
  0x0f: 'extended',
  0x82: 'Linux swap',
  0x83: 'Linux',
  0x8e: 'Linux LVM',
  [protective]: 'GPT protective',
  0xef: efiSystem,
  0xfd: 'Linux RAID',
};

/**
 * Reads the partition table at the start of a disk: an MBR, or a GPT ("UEFI Specification" 2.10, chapter 5) with sectors
 * of 512 to 4096 bytes. `diskSize` is in bytes. Undefined when there is none: a boot sector of a filesystem or a kernel
 * ends with the same two bytes.
 */
export function parsePartitions(disk: ByteSource, diskSize: number): PartitionTable | undefined {
  const first = disk.read(0, 512);
  if (first.length < 512 || little.u16(first, 510) !== 0xaa55) return undefined;
  const findings: ImageFinding[] = [];
  const entries = mbrEntries(first, findings);
  if (entries === undefined) return undefined;
  const code = first.subarray(0, 440).some((byte) => byte !== 0);
  if (entries.some(({ type }) => type === protective)) {
    const gpt = parseGpt(disk, diskSize);
    if (gpt) return withMbr(gpt, entries, code, findings);
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

/** A GPT and what the MBR before it says: nothing besides, or, a hybrid one, some of its partitions again. */
function withMbr(
  gpt: Gpt,
  entries: readonly MbrEntry[],
  code: boolean,
  before: readonly ImageFinding[],
): PartitionTable {
  const { sectorSize, partitions, lastSector, bootsBios } = gpt;
  const guards = entries.filter(({ type }) => type === protective);
  const others = entries.filter(({ type }) => type !== protective);
  const findings = [...before, ...gpt.findings];
  // Linux takes no GPT behind another start (is_pmbr_valid of block/partitions/efi.c); firmware and others do.
  if (!guards.some(({ start }) => start === 1)) {
    const start = guards[0]?.start ?? 0;
    findings.push(error('partitions', `its protective MBR begins at sector ${start}, not 1: some readers see no GPT`));
  }
  const strange = others.find(
    ({ start, size }) => !partitions.some((own) => own.start === start * sectorSize && own.size === size * sectorSize),
  );
  if (strange) {
    findings.push(
      error('partitions', `partition ${strange.number} of its MBR is none of its GPT: its readers would disagree`),
    );
  } else if (others.length > 0) {
    findings.push(
      warning('hybrid-mbr', 'its MBR names some partitions of the GPT again: two tables that can disagree one day'),
    );
  } else if (guards.every(({ start, size }) => start + size <= lastSector)) {
    findings.push(warning('protective-mbr', 'its protective MBR covers a part of the GPT only: the rest looks free'));
  }
  const bios = code && (bootsBios || others.length > 0);
  const uefi = partitions.some(({ type }) => type === efiSystem);
  return {
    kind: 'gpt',
    sectorSize,
    partitions,
    boots: [...(bios ? ['bios' as const] : []), ...(uefi ? ['uefi' as const] : [])],
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
    if (start === 0 && type !== protective)
      findings.push(warning('partitions', `partition ${index + 1} begins at the table itself`));
    entries.push({ number: index + 1, start, size, type, active: flag === 0x80 });
  }
  return entries.length === 0 ? undefined : entries;
}
