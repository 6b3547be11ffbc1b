/** What the machine is that a kickstart installs, as far as the kickstart has to agree with it. */
export type KickstartMachine = { major: number; firmware: 'bios' | 'uefi' };

/** A mistake in a kickstart; `line` and `column` count from 1. A warning does not stop a build. */
export type KickstartFinding = {
  file: string;
  line: number;
  column: number;
  level: 'error' | 'warning';
  message: string;
};

type Command = { line: number; name: string; options: ReadonlyMap<string, string>; words: readonly string[] };
type Kickstart = { commands: Command[]; sections: { line: number; name: string; ended: boolean }[]; includes: boolean };
type Said = Pick<KickstartFinding, 'line' | 'level' | 'message'>;

/**
 * Mistakes that a kickstart parser alone does not see, because they are between the kickstart and the machine that
 * vmkiln starts, or in what is left out: a rendered kickstart would wait for a person, or not give what was meant.
 */
export function lintKickstart(file: string, text: string, machine: KickstartMachine): KickstartFinding[] {
  const kickstart = readKickstart(text);
  return [
    ...endings(kickstart, machine),
    // What an included file holds is not known.
    ...(kickstart.includes ? [] : omissions(kickstart, machine)),
    ...storage(kickstart, machine),
    ...network(kickstart, machine),
    ...secrets(kickstart),
  ]
    .map((said) => ({ file, column: 1, ...said }))
    .toSorted((one, other) => one.line - other.line);
}

function readKickstart(text: string): Kickstart {
  const found: Kickstart = { commands: [], sections: [], includes: false };
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const [first = '', ...rest] = splitWords(raw);
    const open = found.sections.at(-1);
    const inside = open !== undefined && !open.ended;
    if (first === '%end' && inside) open.ended = true;
    else if (first === '%include' || first === '%ksappend') found.includes = true;
    else if (/^%(?!end)[a-z]/.test(first) && (!inside || sections.has(first)))
      found.sections.push({ line, name: first, ended: false });
    else if (!inside && first !== '') found.commands.push(readCommand(line, first, rest));
  }
  return found;
}

const sections = new Set(['%packages', '%pre', '%pre-install', '%post', '%onerror', '%traceback', '%addon']);

/** Options whose value is a word of its own when it is not joined by "=". */
const valued =
  /^--(fstype|size|ondisk|onpart|device|url|baseurl|mirrorlist|disklabel|drives|only-use|boot-drive|password|passphrase|bootproto|type)$/;

function readCommand(line: number, name: string, rest: readonly string[]): Command {
  const options = new Map<string, string>();
  const words: string[] = [];
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? '';
    const [option = '', value] = word.split(/=(.*)/s);
    if (!word.startsWith('--')) words.push(word);
    else if (value === undefined && valued.test(option)) options.set(option, rest[(index += 1)] ?? '');
    else options.set(option, value ?? '');
  }
  return { line, name, options, words };
}

/** The words of a line as Python's shlex splits them, with comments. A quote without its end keeps the rest together. */
function splitWords(line: string): string[] {
  const words = line.match(/(?:"(?:\\.|[^"\\])*"?|'[^']*'?|\\.|[^\s"'\\])+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  return (comment < 0 ? words : words.slice(0, comment)).map((word) => word.replaceAll(/["']/g, ''));
}

const error = (line: number, message: string): Said => ({ line, level: 'error', message });
const warning = (line: number, message: string): Said => ({ line, level: 'warning', message });
const named = ({ commands }: Kickstart, ...names: string[]) => commands.filter(({ name }) => names.includes(name));

function endings({ sections: all }: Kickstart, { major }: KickstartMachine): Said[] {
  return all
    .filter(({ ended }) => !ended)
    .map(({ line, name }) =>
      major === 6
        ? warning(line, `${name} has no %end, which only RHEL 6 lets pass`)
        : error(line, `${name} has no %end`),
    );
}

function omissions(kickstart: Kickstart, { major }: KickstartMachine): Said[] {
  const missing = (what: string, ...names: string[]) =>
    named(kickstart, ...names).length > 0 ? [] : [error(1, `the installer would ask for ${what}`)];
  const [halt] = named(kickstart, 'halt');
  return [
    ...missing('the partitions: there is no part, autopart or other storage command', ...storageCommands),
    ...missing('the time zone: there is no timezone', 'timezone'),
    ...missing('the password of root: there is neither rootpw nor user', 'rootpw', ...(major > 6 ? ['user'] : [])),
    ...(kickstart.sections.some(({ name }) => name === '%packages') || named(kickstart, ...wholeSystems).length > 0
      ? []
      : [error(1, 'the installer would ask for the packages: there is no %packages section')]),
    ...(halt && named(kickstart, ...powers).length === 0
      ? [error(halt.line, 'halt leaves the machine on: the build waits for poweroff')]
      : []),
    ...(named(kickstart, 'halt', ...powers).length === 0
      ? [error(1, 'the installation does not end: poweroff is missing')]
      : []),
  ];
}

const powers = ['poweroff', 'shutdown', 'reboot'];
const storageCommands = ['part', 'partition', 'autopart', 'logvol', 'raid', 'btrfs', 'mount'];

function storage(kickstart: Kickstart, { firmware }: KickstartMachine): Said[] {
  const parts = named(kickstart, 'part', 'partition');
  const automatic = kickstart.includes || named(kickstart, 'autopart', 'reqpart').length > 0;
  const has = (mount: string) => parts.some(({ words }) => words[0] === mount);
  const gpt = named(kickstart, 'clearpart').find(({ options }) => options.get('--disklabel') === 'gpt');
  const [first] = parts;
  const root = parts.findIndex(({ words }) => words[0] === '/');
  const behind = root < 0 ? [] : parts.slice(root + 1).filter(({ options }) => !options.has('--ondisk'));
  const disks = kickstart.commands.flatMap((command) =>
    diskOptions.flatMap((option) => {
      const disk = command.options.get(option)?.match(/\b(?:sd|hd|xvd|nvme)\w+/)?.[0];
      return disk === undefined ? [] : [error(command.line, `${option}=${disk}: the disk is on virtio, and named vda`)];
    }),
  );
  return [
    ...disks,
    ...(firmware === 'uefi' && first && !automatic && !has('/boot/efi')
      ? [error(first.line, 'machine.firmware is uefi, and there is no part /boot/efi')]
      : []),
    ...(firmware === 'bios' && gpt && !automatic && !has('biosboot')
      ? [error(gpt.line, 'a BIOS boots from a GPT label only with a part biosboot')]
      : []),
    ...(behind.length > 0 && parts[root]?.options.has('--grow')
      ? [warning(parts[root]?.line ?? 1, 'the root partition is not the last: growpart cannot enlarge it')]
      : []),
    ...kickstart.commands
      .filter(makesVolumes)
      .map(({ line }) => warning(line, 'growpart enlarges partitions: a logical volume keeps its size in an instance')),
  ];
}

/** `autopart` makes logical volumes unless it is told. */
function makesVolumes({ name, options }: Command): boolean {
  if (name === 'volgroup') return true;
  return name === 'autopart' && !options.has('--nolvm') && /^(lvm|thinp)$/.test(options.get('--type') ?? 'lvm');
}

const diskOptions = ['--ondisk', '--ondrive', '--onpart', '--drives', '--driveorder', '--only-use', '--boot-drive'];
/** Sources that bring the whole system, so that there are no packages to choose. */
const wholeSystems = ['ostreesetup', 'ostreecontainer', 'liveimg'];

function network(kickstart: Kickstart, { major }: KickstartMachine): Said[] {
  const connections = named(kickstart, 'network');
  const [fetched] = named(kickstart, 'url', 'nfs');
  const [remote = fetched] = named(kickstart, 'ostreesetup', 'ostreecontainer', 'rhsm', 'repo').filter(isRemote);
  // From RHEL 7 on the initramfs asks for an address on every interface where a source is fetched from, and only then;
  // RHEL 6 asks the user ("Migration Planning Guide", 2.2.2.1).
  const dhcp = fetched !== undefined && major > 6;
  return [
    ...(remote && connections.length === 0 && !kickstart.includes
      ? [
          dhcp
            ? warning(
                fetched.line,
                `${fetched.name} needs the network: without a network command the installer tries DHCP on every interface`,
              )
            : error(
                remote.line,
                `${remote.name} needs the network while the system is installed: there is no network command`,
              ),
        ]
      : []),
    ...connections.flatMap(({ line, options }) => {
      const device = options.get('--device') ?? '';
      const other = major > 6 && /^(en[ospx]|em\d)/.test(device);
      return other ? [error(line, `--device=${device}: the interface is eth0, for net.ifnames=0 is set`)] : [];
    }),
  ];
}

/** Whether a command fetches from elsewhere. RHEL's installer connects to no network by itself, as Fedora's does. */
function isRemote({ name, options }: Command): boolean {
  const addresses = ['--url', '--baseurl', '--mirrorlist', '--metalink'].flatMap((option) => options.get(option) ?? []);
  if (name === 'repo') return addresses.some((address) => /^(https?|ftp|nfs):/.test(address));
  return !addresses.some((address) => /^(file:|\/)/.test(address));
}

/** Anaconda keeps the kickstart in the installed system, and what it held in free blocks of the disk. */
function secrets({ commands }: Kickstart): Said[] {
  const clear = commands.filter(({ name, options, words }) => {
    const crypted = options.has('--iscrypted');
    if (name === 'rootpw' || name === 'sshpw') return words.length > 0 && !crypted && !options.has('--sshkey');
    if (name === 'user') return options.has('--password') && !crypted;
    if (name === 'bootloader') return options.has('--password') && !crypted;
    return options.has('--activation-key') || options.has('--passphrase');
  });
  return clear.map(({ line, name }) =>
    warning(line, `${name} holds a secret in the clear, and Anaconda keeps the kickstart on the disk`),
  );
}
