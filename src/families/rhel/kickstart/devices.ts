import { didYouMean } from '../../../text.ts';
import { error, valueOf, type Command, type Kickstart, type Remark } from './syntax.ts';

const named = ({ commands }: Kickstart, ...names: string[]) => commands.filter(({ name }) => names.includes(name));

/**
 * What is wrong between the devices of a kickstart: what Anaconda (storage/partitioning/custom/custom_partitioning.py,
 * storage/checker/utils.py and storage/kickstart.py) finds only when the installation has begun. The disk is empty, so that
 * nothing is there that the kickstart does not make.
 */
export function deviceRemarks(kickstart: Kickstart): Remark[] {
  return [
    ...noRoot(kickstart),
    ...places(kickstart),
    ...fileSystems(kickstart),
    ...labels(kickstart),
    ...members(kickstart),
    ...volumes(kickstart),
    ...unlocked(kickstart),
  ];
}

function noRoot(kickstart: Kickstart): Remark[] {
  const made = named(kickstart, 'part', 'partition', 'logvol', 'raid', 'btrfs', 'mount');
  const [first] = made;
  const isRoot = ({ name, words }: Command) => words[name === 'mount' ? 1 : 0] === '/';
  // What is mounted at a place that is none may be meant to be it.
  if (places(kickstart).length > 0) return [];
  if (!first || kickstart.includes || named(kickstart, 'autopart', 'stratisfs').length > 0 || made.some(isRoot))
    return [];
  return [error(first.line, 'nothing is mounted at /: the installer would ask for a root partition')];
}

/** The forms of what a partition is for (pykickstart, commands/partition.py). */
const partitionPlace = /^(\/.*|swap|None|(raid|pv|btrfs|stratis)\..+|biosboot|prepboot|appleboot)$/;

function places(kickstart: Kickstart): Remark[] {
  return named(kickstart, 'part', 'partition').flatMap(({ line, words: [place] }) =>
    place === undefined || partitionPlace.test(place) || place.includes('$')
      ? []
      : [error(line, `"${place}" is no place of a partition: it is /PATH, swap, pv.NAME, raid.NAME or biosboot`)],
  );
}

/** Formats by their types and names (blivet, formats). */
const formats = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'vfat', 'efi', 'EFI System Partition', 'swap', 'lvmpv', 'mdmember'],
  ...['biosboot', 'BIOS Boot', 'prepboot', 'PPC PReP Boot', 'appleboot', 'Apple Bootstrap', 'macefi', 'Linux HFS+ ESP'],
  ...['gfs2', 'jfs', 'reiserfs', 'hfs', 'hfs+', 'ntfs', 'exfat', 'f2fs', 'tmpfs', 'stratis', 'luks', 'ext4dev'],
  ...['physical volume (LVM)', 'software RAID', 'LVM2_member', 'linux_raid_member', 'crypto_LUKS', 'msdos'],
]);

function fileSystems(kickstart: Kickstart): Remark[] {
  return named(kickstart, 'part', 'partition', 'logvol', 'raid', 'autopart').flatMap((command) => {
    const type = valueOf(command, '--fstype');
    if (type === undefined || type === '' || formats.has(type) || type.includes('$')) return [];
    const meant = /^fat/i.test(type) ? 'write vfat' : 'the usual ones are xfs, ext4, vfat, efi and swap';
    return [error(command.line, `--fstype=${type}: the installer knows no such file system: ${meant}`)];
  });
}

/** The labels of x86 (blivet, platform.py). */
function labels(kickstart: Kickstart): Remark[] {
  return named(kickstart, 'clearpart').flatMap((command) => {
    const label = valueOf(command, '--disklabel');
    return label === undefined || ['gpt', 'msdos'].includes(label) || label.includes('$')
      ? []
      : [error(command.line, `--disklabel=${label}: it is gpt or msdos`)];
  });
}

/** What volume groups and arrays consist of is made by other commands. */
function members(kickstart: Kickstart): Remark[] {
  const made = new Set(named(kickstart, 'part', 'partition', 'raid').flatMap(({ words }) => words.slice(0, 1)));
  if (kickstart.includes) return [];
  return named(kickstart, 'volgroup', 'raid', 'btrfs').flatMap(({ line, words: [, ...others] }) =>
    others
      .filter((name) => /^(pv|raid|btrfs)\./.test(name) && !made.has(name))
      .map((name) => error(line, `no part makes ${name}`)),
  );
}

/** Logical volumes of groups that are not there, and two of one name. */
function volumes(kickstart: Kickstart): Remark[] {
  if (kickstart.includes || named(kickstart, 'autopart').length > 0) return [];
  const groups = new Set(named(kickstart, 'volgroup').flatMap(({ words }) => words.slice(0, 1)));
  const seen = new Map<string, number>();
  return named(kickstart, 'logvol').flatMap((command) => {
    const { line } = command;
    const [group, name] = [valueOf(command, '--vgname'), valueOf(command, '--name')];
    if (group === undefined || name === undefined) return [];
    if (!groups.has(group)) return [error(line, `no volgroup makes ${group}${didYouMean(group, groups)}`)];
    const before = seen.get(`${group}/${name}`);
    seen.set(`${group}/${name}`, line);
    return before === undefined ? [] : [error(line, `${group} has a volume ${name} already, from line ${before}`)];
  });
}

/** One passphrase does for all devices that have none of their own. */
function unlocked({ commands }: Kickstart): Remark[] {
  if (commands.some(({ options }) => options.has('--passphrase'))) return [];
  return commands
    .filter(({ options }) => options.has('--encrypted'))
    .slice(0, 1)
    .map(({ line }) => error(line, '--encrypted without --passphrase: the installer would ask for it'));
}
