import { error, warning, type Kickstart, type Remark } from './syntax.ts';

const diskOptions = [
  ...['--ondisk', '--onpart', '--drives', '--driveorder', '--only-use', '--boot-drive', '--list'],
  '--partition',
];

/** The disk is vda, and the only one: other names are those of another machine. */
export function diskRemarks({ commands, sections }: Pick<Kickstart, 'commands' | 'sections'>): Remark[] {
  const named = commands.flatMap(({ line, options }) =>
    diskOptions.flatMap((option) => {
      const names = (options.get(option) ?? []).flatMap((value) => value.split(',')).filter((name) => name !== '');
      const wrong = names.map((name) => name.replace(/^\/dev\//, '')).find((name) => !exists(name));
      // Anaconda passes over an unknown disk of this order alone (bootloader/execution.py).
      const say = option === '--driveorder' ? warning : error;
      return wrong === undefined ? [] : [say(line, `${option}=${wrong}: ${reason(wrong)}`)];
    }),
  );
  const scripted = sections.filter(({ name }) => name === '%pre').flatMap(({ body }) => otherDisk(body));
  return [...named, ...scripted];
}

/** The first disk of another machine in a script, unless the script knows vda as well. */
function otherDisk(body: readonly { line: number; text: string }[]): Remark[] {
  const code = body.map(({ line, text }) => ({ line, text: text.replace(/(^|\s)#.*/, '') }));
  if (code.some(({ text }) => /\bvda|\bvd\[|lsblk|\/sys\/(class\/)?block/.test(text))) return [];
  for (const { line, text } of code) {
    const name = /\/dev\/(sd[a-z]|xvd[a-z]|hd[a-z]|nvme\dn\d)/.exec(text)?.[1];
    if (name !== undefined) return [warning(line, `%pre names /dev/${name}: ${reason(name)}`)];
  }
  return [];
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
