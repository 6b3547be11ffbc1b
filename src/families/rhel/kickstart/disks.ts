import { error, warning, type Command, type Remark } from './syntax.ts';

const diskOptions = [
  ...['--ondisk', '--onpart', '--drives', '--driveorder', '--only-use', '--boot-drive', '--list'],
  '--partition',
];

/** The disk is vda, and the only one: other names are those of another machine. */
export function diskRemarks(commands: readonly Command[]): Remark[] {
  return commands.flatMap(({ line, options }) =>
    diskOptions.flatMap((option) => {
      const names = (options.get(option) ?? []).flatMap((value) => value.split(',')).filter((name) => name !== '');
      const wrong = names.map((name) => name.replace(/^\/dev\//, '')).find((name) => !exists(name));
      // Anaconda passes over an unknown disk of this order alone (bootloader/execution.py).
      const say = option === '--driveorder' ? warning : error;
      return wrong === undefined ? [] : [say(line, `${option}=${wrong}: ${reason(wrong)}`)];
    }),
  );
}

/** A name may be a pattern, as in "vd*". Labels and ids are not known beforehand, nor is the place on the bus. */
function exists(name: string): boolean {
  if (/^((LABEL|UUID|PARTUUID|PARTLABEL)=|disk\/by-(path|label|uuid|partlabel|partuuid)\/)/.test(name)) return true;
  if (/^(pv|raid|btrfs)\.|^md|\//.test(name) && !name.startsWith('disk/')) return true;
  if (/^vda\d*$/.test(name)) return true;
  const pattern = name
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return /[*?[]/.test(name) && matches(pattern);
}

function matches(pattern: string): boolean {
  try {
    return new RegExp(`^${pattern}\\d*$`).test('vda');
  } catch {
    return false;
  }
}

function reason(name: string): string {
  if (name.startsWith('disk/by-id/')) return 'the disk has no serial number: its name is vda';
  return name.startsWith('vd') ? 'there is one disk, and it is named vda' : 'the disk is on virtio, and named vda';
}
