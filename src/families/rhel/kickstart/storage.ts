import { formatBytes } from '../../../text.ts';
import type { Fips } from './fips.ts';
import { partitionOrder, type Wish } from './order.ts';
import { error, valueOf, warning, type Command, type Kickstart, type Remark } from './syntax.ts';

/** What the machine is that a kickstart installs, as far as the kickstart has to agree with it. `disk`: bytes. */
export type KickstartMachine = {
  major: number;
  firmware: 'bios' | 'uefi';
  disk?: number | undefined;
  fips?: Fips | undefined;
};

type Partition = Wish & { line: number; onpart: string };

const MiB = 1024 ** 2;

/** Whether a machine with a BIOS gets a GPT label where nothing else is said. An MBR addresses 2 TiB (blivet, formats/disklabel.py). */
export function getsGpt(major: number, disk = 0): boolean {
  return major >= 10 || (major > 6 && disk >= 2 * 1024 ** 4);
}

/** What is wrong between the partitions of a kickstart and the one empty disk that it meets. */
export function storageRemarks(kickstart: Kickstart, machine: KickstartMachine): Remark[] {
  const all = kickstart.commands.filter(({ name }) => /^part(ition)?$/.test(name)).map(partition);
  // Of two partitions with one mount point Anaconda makes the second.
  const parts = all.filter(
    ({ mount }, at) => !mount.startsWith('/') || at === all.findLastIndex((one) => one.mount === mount),
  );
  const label = diskLabel(kickstart, machine);
  return [
    ...unlabelled(kickstart, parts),
    ...boots(kickstart, machine, parts, label),
    ...sizes(kickstart, machine, parts),
    ...fileSystems(kickstart, machine),
    ...rootPlace(kickstart, parts, label),
    ...kickstart.commands
      .filter(makesVolumes)
      .map(({ line }) => warning(line, 'growpart enlarges partitions: a logical volume keeps its size in an instance')),
  ];
}

/** blivet gives a partition of no size 500 MiB. */
function partition(command: Command): Partition {
  const { line, words, options } = command;
  const [mount = ''] = words;
  const number = (name: string) => Number(valueOf(command, name) ?? 0);
  const swap = mount === 'swap' && (options.has('--recommended') || options.has('--hibernation'));
  return {
    line,
    mount,
    // A name such as biosboot or swap says more than --fstype.
    fstype: /^(\/|None$)/.test(mount) ? (valueOf(command, '--fstype') ?? '') : mount,
    size: number('--size') || (swap ? 1024 : 500),
    grow: options.has('--grow') && !swap,
    maxsize: number('--maxsize'),
    asprimary: options.has('--asprimary'),
    placed: options.has('--ondisk'),
    onpart: valueOf(command, '--onpart') ?? '',
  };
}

const named = ({ commands }: Kickstart, ...names: string[]) => commands.filter(({ name }) => names.includes(name));
/** Whether other partitions may come from what the kickstart does not say itself. */
const automatic = (kickstart: Kickstart) =>
  kickstart.includes || named(kickstart, 'autopart', 'reqpart', 'mount').length > 0;
const scripted = ({ sections }: Kickstart) => sections.some(({ name }) => name === '%pre');

/** The label that the disk gets, and how that is known. */
function diskLabel(kickstart: Kickstart, { major, firmware, disk = 0 }: KickstartMachine) {
  const clear = named(kickstart, 'clearpart').find(({ options }) => options.has('--disklabel'));
  const said = clear && valueOf(clear, '--disklabel');
  if (said !== undefined) return { kind: said, line: clear?.line, why: '' };
  if (firmware === 'uefi') return { kind: 'gpt', why: '' };
  const why = major >= 10 ? `RHEL ${major} writes a GPT label, and ` : 'a disk from 2 TiB gets a GPT label, and ';
  if (getsGpt(major, disk)) return { kind: 'gpt', why };
  return { kind: 'msdos', why: '' };
}

/** An empty disk is used only if it may get a label (Anaconda, storage/disk_initialization/configuration.py). */
function unlabelled(kickstart: Kickstart, parts: readonly Partition[]): Remark[] {
  const [first] = named(kickstart, 'part', 'partition', 'autopart', 'volgroup');
  const writes = named(kickstart, 'clearpart', 'zerombr').some(
    ({ name, options }) => name === 'zerombr' || ['--all', '--initlabel'].some((one) => options.has(one)),
  );
  if (!first || writes || kickstart.includes || scripted(kickstart) || parts.some(({ onpart }) => onpart)) return [];
  return [error(first.line, 'the disk is empty: without zerombr or clearpart --all --initlabel it gets no label')];
}

function boots(
  kickstart: Kickstart,
  { firmware }: KickstartMachine,
  parts: readonly Partition[],
  label: { kind: string; line?: number | undefined; why: string },
): Remark[] {
  const [first] = parts;
  const has = (...kinds: string[]) =>
    parts.some(({ mount, fstype }) => kinds.includes(mount) || kinds.includes(fstype));
  const made = first && !automatic(kickstart);
  // What a %pre has made may have one that is not mentioned.
  const there = parts.some(({ onpart }) => onpart);
  const without = named(kickstart, 'bootloader').filter(
    (command) => command.options.has('--disabled') || valueOf(command, '--location') === 'none',
  );
  const [volume] = named(kickstart, 'logvol').filter(({ words }) => words[0] === '/boot' || words[0] === '/');
  const apart =
    has('/boot') ||
    kickstart.includes ||
    named(kickstart, 'autopart', 'mount').length > 0 ||
    named(kickstart, 'reqpart').some(({ options }) => options.has('--add-boot'));
  return [
    ...without.map(({ line }) => error(line, 'without a boot loader the image does not boot')),
    // Anaconda, bootloader/grub2.py, stage2_device_types.
    ...(volume && !apart ? [error(volume.line, 'Anaconda boots from no logical volume: there is no part /boot')] : []),
    ...(made && firmware === 'uefi' && !has('/boot/efi')
      ? [error(first.line, 'machine.firmware is uefi, and there is no part /boot/efi')]
      : []),
    ...(made && firmware === 'bios' && label.kind === 'gpt' && !has('biosboot') && !there
      ? [error(label.line ?? first.line, `${label.why}a BIOS boots from a GPT label only with a part biosboot`)]
      : []),
  ];
}

function sizes(kickstart: Kickstart, { disk }: KickstartMachine, parts: readonly Partition[]): Remark[] {
  const made = parts.filter(({ onpart, fstype }) => !onpart && fstype !== 'tmpfs');
  const volumes = named(kickstart, 'logvol').filter(
    ({ options }) => !options.has('--thin') && !options.has('--useexisting'),
  );
  const total = (all: readonly Partition[]) => all.reduce((sum, { size }) => sum + size, 0);
  const physical = made.filter(({ mount }) => mount.startsWith('pv.'));
  const logical = volumes.reduce((sum, volume) => sum + Number(valueOf(volume, '--size') ?? 0), 0);
  const fixed = physical.length > 0 && physical.every(({ grow }) => !grow);
  const outside = total(made) - total(physical);
  const line = volumes.at(-1)?.line ?? made.at(-1)?.line ?? 1;
  const needed = outside + Math.max(total(physical), physical.length > 0 ? logical : 0);
  const root = made.find(({ mount }) => mount === '/');
  const most = root && (root.grow ? root.maxsize : root.size);
  const negative = made.find(({ size }) => size < 0);
  if (negative) return [error(negative.line, `--size=${negative.size} is no size`)];
  const apart = made.some(({ mount }) => mount === '/usr' || mount === '/var');
  return [
    ...(disk !== undefined && needed * MiB > disk - 2 * MiB
      ? [
          error(
            line,
            `the partitions need ${formatBytes(needed * MiB, 'up')}, and the disk has ${formatBytes(disk, 'down')}`,
          ),
        ]
      : []),
    ...(fixed && logical > total(physical)
      ? [
          error(
            line,
            `the logical volumes need more than the ${formatBytes(total(physical) * MiB)} of their partitions`,
          ),
        ]
      : []),
    ...(root && most && most < 1000 && !apart
      ? [error(root.line, `no system fits into a root partition of ${formatBytes(most * MiB)}`)]
      : []),
  ];
}

/** RHEL 6 has XFS only with an add-on of its own ("Scalable File System"). */
function fileSystems(kickstart: Kickstart, { major }: KickstartMachine): Remark[] {
  if (major > 6) return [];
  return named(kickstart, 'part', 'partition', 'logvol', 'raid')
    .filter((command) => valueOf(command, '--fstype') === 'xfs')
    .map(({ line }) => error(line, 'RHEL 6 has no XFS without an add-on: use ext4'));
}

/** growpart enlarges a partition that has nothing behind it. */
function rootPlace(kickstart: Kickstart, parts: readonly Partition[], label: { kind: string }): Remark[] {
  const root = parts.find(({ mount }) => mount === '/');
  if (!root || kickstart.includes || named(kickstart, 'autopart').length > 0) return [];
  if (root.onpart) return existingPlace(root, parts);
  const order = partitionOrder(parts.filter(({ onpart, fstype }) => !onpart && fstype !== 'tmpfs'));
  const place = order.indexOf(root);
  const others = order.slice(place + 1).map(({ mount }) => mount);
  if (others.length > 0) {
    const why = root.asprimary ? ' (--asprimary puts it first)' : '';
    const before = order.map(({ mount }) => mount).join(', ');
    return [
      warning(
        root.line,
        `the root partition is not the last: growpart cannot enlarge it${why}; the disk gets ${before}`,
      ),
    ];
  }
  const primary = label.kind !== 'msdos' || order.length <= 4;
  return primary
    ? []
    : [
        warning(
          root.line,
          'the root partition is a logical one: growpart cannot enlarge it beyond the extended partition',
        ),
      ];
}

/** Where partitions are there already, from a `%pre`, their numbers tell. */
function existingPlace(root: Partition, parts: readonly Partition[]): Remark[] {
  const number = ({ onpart }: Partition) => Number(/\d+$/.exec(onpart)?.[0] ?? 0);
  return parts.some((part) => number(part) > number(root))
    ? [warning(root.line, 'the root partition is not the last: growpart cannot enlarge it')]
    : [];
}

/** `autopart` makes logical volumes unless it is told. */
function makesVolumes(command: Command): boolean {
  if (command.name === 'volgroup') return true;
  const type = valueOf(command, '--type') ?? 'lvm';
  return command.name === 'autopart' && !command.options.has('--nolvm') && /^(lvm|thinp)$/.test(type);
}
