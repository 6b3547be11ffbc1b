import type { WindowsRecipe } from './recipe.ts';
import { checkVolumes, volumeOf } from './unattend-volumes.ts';
import { appliesImage, childOf, descendants, type Element, isTrue, textOf } from './unattend.ts';

/** Tells what is wrong with an element. */
export type Report = (at: Element, message: string, level?: 'error' | 'warning') => void;

/** What is left for Windows has to take the image, its page file and an update. MiB. */
const leastForWindows = 10 * 1024;

/** The least that Microsoft has asked for, 200 today. MiB. */
const leastForEfi = 100;

/**
 * The disk of the answer file against that of the machine: which partitions there will be, where Windows goes and what lies
 * behind it ("DiskConfiguration" and "InstallTo" in the "Unattended Windows Setup Reference").
 */
export function checkDisk(recipe: WindowsRecipe, setup: readonly Element[], report: Report): void {
  const all = (name: string) => setup.flatMap((component) => descendants(component, name));
  for (const element of all('DiskID'))
    if (/^\d+$/.test(element.text) && element.text !== '0')
      report(element, `DiskID: the machine has one disk, which is 0, got ${element.text}`);
  const [disk, ...others] = all('Disk');
  for (const other of others) report(other, 'Disk is in DiskConfiguration twice, and the machine has one disk');
  const made = disk ? inOrder(disk) : [];
  if (disk) checkPartitions(recipe, disk, made, report);
  // A script of diskpart may make the partitions instead.
  const isOpen = all('Path').some(({ text }) => /diskpart/i.test(text));
  for (const image of all('OSImage')) checkTarget(recipe, image, { disk, made, isOpen }, report);
  const component = setup.find(({ attributes }) => /^microsoft-windows-setup$/i.test(attributes['name'] ?? ''));
  if (component && all('OSImage').length === 0 && !appliesImage(setup))
    report(component, 'ImageInstall/OSImage: expected an InstallTo: Setup would ask where Windows goes');
}

/** The partitions that are made, in the order in which they are: PartitionID counts them from 1. */
function inOrder(disk: Element): Element[] {
  const order = (partition: Element) => Number(textOf(partition, 'Order'));
  return descendants(disk, 'CreatePartition').toSorted((a, b) => order(a) - order(b));
}

/** Fixed size of a partition, in MiB. */
function sizeOf(partition: Element): number {
  const size = textOf(partition, 'Size') ?? '';
  return /^\d+$/.test(size) ? Number(size) : 0;
}

function checkPartitions(recipe: WindowsRecipe, disk: Element, made: readonly Element[], report: Report): void {
  if (childOf(disk, 'DiskID') === undefined) report(disk, 'Disk has no DiskID: expected 0');
  for (const partition of made) {
    const [takesRest, own] = [isTrue(partition, 'Extend'), textOf(partition, 'Size')];
    if (takesRest && own !== undefined)
      report(partition, 'CreatePartition has Size and Extend: true, which exclude each other');
    if (!takesRest && own === undefined) report(partition, 'CreatePartition has neither Size nor Extend: true');
    if (own !== undefined && /^0+$/.test(own)) report(partition, 'CreatePartition: the Size begins at 1 MiB');
  }
  checkTypes(recipe, made, report);
  // Logical partitions lie inside of the extended one.
  const outer = made.filter((partition) => textOf(partition, 'Type') !== 'Logical');
  const size = outer.reduce((sum, partition) => sum + sizeOf(partition), 0);
  const most = room(recipe);
  if (size > most) report(disk, `the partitions take ${size} MiB, and the disk has ${most}`);
  const greedy = outer.findIndex((partition) => isTrue(partition, 'Extend'));
  const behind = greedy < 0 ? undefined : outer[greedy + 1];
  if (behind) report(behind, 'the partition before this one takes all that is left of the disk');
  // What was on the disk before, nobody knows; on an empty one there are those that are made.
  if (isTrue(disk, 'WillWipeDisk') || made.length > 0) checkVolumes(recipe, disk, made, report);
}

/** MiB of the disk; one at each end belongs to the partition table. */
function room(recipe: WindowsRecipe): number {
  return Math.floor(recipe.disk.size / 1024 ** 2) - 2;
}

/** "Type" of CreatePartition, and "UEFI/GPT-based hard drive partitions": what a disk with an MBR may have, and one with a GPT. */
function checkTypes({ machine }: WindowsRecipe, made: readonly Element[], report: Report): void {
  const typed = made.map((partition) => ({ partition, type: textOf(partition, 'Type') }));
  for (const [index, { partition, type }] of typed.entries()) {
    if (type === undefined) report(partition, 'CreatePartition has no Type');
    if (machine.firmware === 'uefi' && (type === 'Extended' || type === 'Logical'))
      report(partition, `CreatePartition: the Type ${type} is of disks for BIOS, and the machine has UEFI firmware`);
    if (type === 'EFI' && sizeOf(partition) > 0 && sizeOf(partition) < leastForEfi)
      report(partition, `CreatePartition: expected at least ${leastForEfi} MiB for EFI`, 'warning');
    if (machine.firmware === 'bios' && type === 'MSR')
      report(partition, 'CreatePartition: the Type MSR is of disks for UEFI, and the machine has BIOS firmware');
    if (type === 'Logical' && !typed.slice(0, index).some((each) => each.type === 'Extended'))
      report(partition, 'CreatePartition: a Logical one lies inside of an Extended one, and none is made before it');
  }
  // "Type": two "might be problematic for users".
  const [, second] = typed.filter(({ type }) => type === 'EFI');
  if (second)
    report(second.partition, 'CreatePartition: a second one of the Type EFI, and Windows needs one', 'warning');
  const primary = typed.filter(({ type }) => type === 'Primary' || type === 'Extended');
  if (machine.firmware === 'bios' && primary[4])
    report(primary[4].partition, 'CreatePartition: a disk for BIOS has at most four partitions, Logical ones besides');
}

type Disk = { disk: Element | undefined; made: readonly Element[]; isOpen: boolean };

/** "InstallTo": both of its numbers are needed, and it excludes InstallToAvailablePartition. */
function checkTarget(recipe: WindowsRecipe, image: Element, { disk, made, isOpen }: Disk, report: Report): void {
  const to = childOf(image, 'InstallTo');
  const available = isTrue(image, 'InstallToAvailablePartition');
  if (!to && !available)
    return report(image, 'OSImage has no InstallTo: Setup would ask on which partition Windows goes');
  if (to && available)
    report(to, 'OSImage has InstallTo and InstallToAvailablePartition: true, which exclude each other');
  if (made.length === 0 && !isOpen)
    report(to ?? image, 'the disk is empty, and no CreatePartition makes a partition for Windows');
  if (!to) return;
  for (const name of ['DiskID', 'PartitionID'])
    if (childOf(to, name) === undefined) report(to, `InstallTo has no ${name}`);
  const number = textOf(to, 'PartitionID');
  if (number === undefined || !/^\d+$/.test(number) || !disk || made.length === 0) return;
  const target = made[Number(number) - 1];
  if (!target) return report(to, `InstallTo: there is no partition ${number} of ${made.length}`);
  const type = textOf(target, 'Type');
  if (type !== undefined && type !== 'Primary' && type !== 'Logical')
    return report(to, `InstallTo: partition ${number} is of the type ${type}, on which Windows cannot be`);
  if (Number(number) < made.length)
    report(
      to,
      `InstallTo: behind partition ${number} lie others, so that instances could not grow drive C: make it the last`,
    );
  const { format, typeId = '' } = volumeOf(disk, number) ?? { format: undefined };
  if (/^(0x27|\{?de94bba4-06d1-4d40-a16a-bfd50179d6ac\}?)$/i.test(typeId))
    report(to, `InstallTo: partition ${number} has the TypeID of a recovery partition, which gets no drive letter`);
  if (format !== 'NTFS')
    report(
      to,
      `InstallTo: expected a ModifyPartition with the Format NTFS for partition ${number}, got ${format ?? 'none'}`,
      // "You must create and format partitions", and a published file for UEFI that does not is said to work.
      format === undefined ? 'warning' : 'error',
    );
  const before = made
    .filter((partition) => partition !== target)
    .reduce((sum, partition) => sum + sizeOf(partition), 0);
  const own = isTrue(target, 'Extend') ? room(recipe) - before : sizeOf(target);
  if (type === 'Primary' && own > 0 && own < leastForWindows)
    report(target, `CreatePartition: ${own} MiB are too little for Windows, expected at least ${leastForWindows}`);
}
