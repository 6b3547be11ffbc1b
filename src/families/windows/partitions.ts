import type { WindowsRecipe } from './recipe.ts';

/** A partition that the shipped answer file makes. */
type Partition = {
  /** From 1, in the order on the disk. */
  number: number;
  type: 'Primary' | 'EFI' | 'MSR';
  /** In MiB; 0 for all that is left of the disk. */
  size: number;
  /** The file system on it; undefined for a partition that has none. */
  volume?: Volume;
};

type Volume = { format: 'NTFS' | 'FAT32'; label: string; letter: string; active: boolean; typeId: string };

/**
 * The partitions in the order on the disk: C: is last, for Cloudbase-Init grows a partition into the free space behind it
 * (`ExtendVolumesPlugin`). The sizes of EFI and MSR are those of "UEFI/GPT-based hard drive partitions", which
 * recommends Windows RE behind C: all the same. A recovery partition
 * is 1 GiB, for Windows Server 2025 puts a second one behind C: where there is one of 550 MB
 * (vmware/packer-examples-for-vsphere#1043); its type is that of "TypeID" in the "Unattended Windows Setup Reference". With a
 * BIOS the machine boots from it: "System boot information and Windows RE tools".
 */
export function partitionsOf({ machine, install }: WindowsRecipe): readonly Partition[] {
  const uefi = machine.firmware === 'uefi';
  const keeps = install.recovery === 'partition';
  const ntfs = { format: 'NTFS', letter: '', active: false, typeId: '' } as const;
  const recovery = {
    ...ntfs,
    label: 'Recovery',
    active: !uefi,
    typeId: uefi ? 'de94bba4-06d1-4d40-a16a-bfd50179d6ac' : '0x27',
  };
  const partitions: Omit<Partition, 'number'>[] = [
    ...(keeps ? [{ type: 'Primary', size: 1024, volume: recovery } as const] : []),
    ...(uefi
      ? ([
          { type: 'EFI', size: 260, volume: { ...ntfs, format: 'FAT32', label: 'System' } },
          { type: 'MSR', size: 16 },
        ] as const)
      : []),
    { type: 'Primary', size: 0, volume: { ...ntfs, label: 'Windows', letter: 'C', active: !uefi && !keeps } },
  ];
  return partitions.map((partition, index) => ({ number: index + 1, ...partition }));
}

/** Number of the partition that Windows is installed on. */
export function windowsPartition(recipe: WindowsRecipe): number {
  return partitionsOf(recipe).length;
}
