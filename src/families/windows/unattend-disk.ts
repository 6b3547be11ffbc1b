import { descendants, type Element } from './unattend.ts';
import type { WindowsRecipe } from './recipe.ts';

/** Tells what is wrong with an element. */
export type Report = (at: Element, message: string, level?: 'error' | 'warning') => void;

const value = (element: Element, name: string) => element.children.find((child) => child.name === name)?.text;

/**
 * The disk of the answer file against that of the machine: which partitions there will be, where Windows goes and what lies
 * behind it ("DiskConfiguration" and "InstallTo" in the "Unattended Windows Setup Reference").
 */
export function checkDisk(recipe: WindowsRecipe, setup: readonly Element[], report: Report): void {
  for (const element of setup.flatMap((component) => descendants(component, 'DiskID')))
    if (/^\d+$/.test(element.text) && element.text !== '0')
      report(element, `DiskID: the machine has one disk, which is 0, got ${element.text}`);
  const disks = setup.flatMap((component) => descendants(component, 'Disk'));
  for (const disk of disks) checkPartitions(recipe, disk, report);
  const made = disks.flatMap((disk) => descendants(disk, 'CreatePartition'));
  for (const to of setup.flatMap((component) => descendants(component, 'InstallTo')))
    checkTarget(to, made, disks, report);
}

function checkPartitions(recipe: WindowsRecipe, disk: Element, report: Report): void {
  const made = descendants(disk, 'CreatePartition');
  const wipes = value(disk, 'WillWipeDisk')?.toLowerCase() === 'true';
  let size = 0;
  for (const partition of made) {
    const takesRest = value(partition, 'Extend')?.toLowerCase() === 'true';
    const own = value(partition, 'Size');
    size += /^\d+$/.test(own ?? '') ? Number(own) : 0;
    if (takesRest && own !== undefined)
      report(partition, 'CreatePartition has Size and Extend: true, which exclude each other');
    if (!takesRest && own === undefined) report(partition, 'CreatePartition has neither Size nor Extend: true');
    if (own === '0') report(partition, 'CreatePartition: the Size begins at 1 MiB');
  }
  const most = Math.floor(recipe.disk.size / 1024 ** 2);
  if (size > most) report(disk, `the partitions take ${size} MiB, and the disk has ${most}`);
  const inOrder = made.toSorted((a, b) => Number(value(a, 'Order')) - Number(value(b, 'Order')));
  const greedy = inOrder.findIndex((partition) => value(partition, 'Extend')?.toLowerCase() === 'true');
  if (greedy >= 0 && greedy < inOrder.length - 1)
    report(inOrder[greedy + 1] ?? disk, 'the partition before this one takes all that is left of the disk');
  // What was on the disk before, nobody knows; on an empty one there are those that are made.
  if (!wipes && made.length === 0) return;
  for (const change of descendants(disk, 'ModifyPartition')) {
    const number = value(change, 'PartitionID');
    if (number !== undefined && /^\d+$/.test(number) && !(Number(number) >= 1 && Number(number) <= made.length))
      report(change, `ModifyPartition: there is no partition ${number} of ${made.length}`);
    const type = inOrder[Number(number) - 1];
    if (type && value(type, 'Type') === 'MSR' && value(change, 'Format') !== undefined)
      report(change, `ModifyPartition: partition ${number} is the MSR, which has no file system`);
  }
}

function checkTarget(to: Element, made: readonly Element[], disks: readonly Element[], report: Report): void {
  const number = value(to, 'PartitionID');
  if (number === undefined || !/^\d+$/.test(number) || disks.length === 0) return;
  if (Number(number) < 1 || Number(number) > made.length)
    return report(to, `InstallTo: there is no partition ${number} of ${made.length}`);
  const target = made.find((partition) => value(partition, 'Order') === number);
  const type = target && value(target, 'Type');
  if (type !== undefined && type !== 'Primary' && type !== 'Logical')
    report(to, `InstallTo: partition ${number} is of the type ${type}, on which Windows cannot be`);
  else if (Number(number) < made.length)
    report(
      to,
      `InstallTo: behind partition ${number} lie others, so that instances could not grow drive C: make it the last`,
    );
}
