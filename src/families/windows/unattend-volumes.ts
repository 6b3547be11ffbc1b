import { show } from '../../recipe/values.ts';
import type { WindowsRecipe } from './recipe.ts';
import type { Report } from './unattend-disk.ts';
import { childOf, descendants, type Element, isTrue, textOf } from './unattend.ts';

type Volume = { format: string | undefined; typeId?: string | undefined };

/** What ModifyPartition makes of a partition; undefined for one that it leaves alone. */
export function volumeOf(disk: Element, number: string): Volume | undefined {
  const changes = descendants(disk, 'ModifyPartition').filter((change) => textOf(change, 'PartitionID') === number);
  const last = (name: string) => changes.map((change) => textOf(change, name)).findLast((each) => each !== undefined);
  return changes.length === 0 ? undefined : { format: last('Format'), typeId: last('TypeID') };
}

/** Settings that a partition of a type does not take, by the table of "ModifyPartition". */
const refused: Readonly<Record<string, readonly string[]>> = {
  MSR: ['Active', 'Extend', 'Format', 'Label', 'Letter', 'TypeID'],
  Extended: ['Active', 'Extend', 'Format', 'Label', 'Letter', 'TypeID'],
  EFI: ['Active', 'Extend', 'TypeID'],
  Logical: ['Active'],
};

/** Longest labels of file systems ("SetVolumeLabel" of winbase.h). */
const longestLabel: Readonly<Record<string, number>> = { NTFS: 32, FAT32: 11, FAT: 11 };

/** What becomes of the partitions that are made: by "ModifyPartition" and what it holds, in the "Unattended Windows Setup Reference". */
export function checkVolumes(recipe: WindowsRecipe, disk: Element, made: readonly Element[], report: Report): void {
  const letters = new Set<string>();
  const changes = descendants(disk, 'ModifyPartition');
  for (const change of changes) {
    const number = textOf(change, 'PartitionID');
    if (number === undefined) report(change, 'ModifyPartition has no PartitionID');
    else if (/^\d+$/.test(number) && !made[Number(number) - 1])
      report(change, `ModifyPartition: there is no partition ${number} of ${made.length}`);
    const partition = made[Number(number) - 1];
    if (number !== undefined && partition) checkChange(change, partition, number, report);
    checkLetter(change, letters, report);
    checkTypeId(recipe, change, report);
  }
  const active = changes.filter((change) => isTrue(change, 'Active'));
  // "If an active partition already exists", that setting is removed ("Active").
  const others = new Set(active.map((change) => textOf(change, 'PartitionID')));
  if (recipe.machine.firmware === 'bios' && others.size > 1)
    report(
      active.at(-1) ?? disk,
      'Active: a disk has one active partition, and this is the last that says so',
      'warning',
    );
  if (recipe.machine.firmware === 'uefi')
    for (const change of active)
      report(change, 'Active is of disks for BIOS, and the machine has UEFI firmware', 'warning');
}

function checkChange(change: Element, partition: Element, number: string, report: Report): void {
  const type = textOf(partition, 'Type') ?? '';
  const format = textOf(change, 'Format');
  const wrong = refused[type]?.filter((name) => childOf(change, name) !== undefined) ?? [];
  if (type === 'MSR' && format !== undefined)
    report(change, `ModifyPartition: partition ${number} is the MSR, which has no file system`);
  else if (wrong.length > 0)
    report(change, `ModifyPartition: partition ${number} is of the type ${type}, which takes no ${wrong.join(', ')}`);
  if (type === 'EFI' && format !== 'FAT32')
    report(change, `ModifyPartition: partition ${number} is of the type EFI: expected the Format FAT32`);
  if (isTrue(change, 'Extend') && isTrue(partition, 'Extend'))
    report(change, `ModifyPartition: partition ${number} is made with Extend: true, and cannot be extended once more`);
  const label = textOf(change, 'Label') ?? '';
  const most = longestLabel[format ?? ''] ?? Infinity;
  if (label.length > most)
    report(change, `Label: expected at most ${most} characters with ${format}, got ${label.length}`);
}

function checkLetter(change: Element, seen: Set<string>, report: Report): void {
  const letter = childOf(change, 'Letter');
  if (!letter || letter.text === '') return;
  const name = letter.text.toUpperCase();
  if (!/^[C-Z]$/.test(name)) report(letter, `Letter: expected one of C to Z, got ${show(letter.text)}`);
  else if (name !== letter.text) report(letter, `Letter: expected ${name}, got ${letter.text}`, 'warning');
  if (seen.has(name)) report(letter, `Letter: ${name} is already given above`);
  seen.add(name);
}

/** "TypeID": a byte for disks with an MBR, a GUID for those with a GPT. */
function checkTypeId({ machine }: WindowsRecipe, change: Element, report: Report): void {
  const id = childOf(change, 'TypeID');
  if (!id) return;
  const guid = /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i;
  if (machine.firmware === 'uefi' && !guid.test(id.text))
    report(id, `TypeID: expected a GUID, for the machine has UEFI firmware, got ${show(id.text)}`);
  if (machine.firmware === 'bios' && !/^0x[0-9a-f]{1,2}$/i.test(id.text))
    report(id, `TypeID: expected a number like 0x27, for the machine has BIOS firmware, got ${show(id.text)}`);
}
