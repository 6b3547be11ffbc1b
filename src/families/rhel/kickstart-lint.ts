import { deviceRemarks } from './kickstart/devices.ts';
import { diskRemarks } from './kickstart/disks.ts';
import { fipsRemarks } from './kickstart/fips.ts';
import { packageRemarks } from './kickstart/listed.ts';
import { storageRemarks, type KickstartMachine } from './kickstart/storage.ts';
import {
  error,
  readKickstart,
  valueOf,
  warning,
  type Command,
  type Kickstart,
  type Remark,
} from './kickstart/syntax.ts';
import { isTimeZone } from './settings.ts';

export type { KickstartMachine } from './kickstart/storage.ts';

/** A mistake in a kickstart; `line` and `column` count from 1. A warning does not stop a build. */
export type KickstartFinding = Remark & { file: string; column: number };

/**
 * Mistakes in a kickstart: what its release refuses or no longer wants, by the table that the practice installer reads too,
 * and what is between the kickstart and the machine that vmkiln starts, or left out: an installer that would wait for a
 * person, or not give what was meant.
 */
export function lintKickstart(file: string, text: string, machine: KickstartMachine): KickstartFinding[] {
  const kickstart = readKickstart(text.replace(/^\uFEFF/, ''), machine.major);
  // What follows from a mistake in a command is not told too.
  const broken = new Set(kickstart.remarks.filter(({ level }) => level === 'error').map(({ line }) => line));
  return [
    ...encoding(text),
    ...kickstart.remarks,
    ...endings(kickstart, machine),
    // What an included file holds is not known.
    ...(kickstart.includes ? [] : omissions(kickstart, machine)),
    ...unreplaced(text, kickstart),
    ...waiting(kickstart),
    ...repeated(kickstart),
    ...diskRemarks(kickstart),
    ...[...deviceRemarks(kickstart), ...storageRemarks(kickstart, machine)].filter(({ line }) => !broken.has(line)),
    ...packageRemarks(kickstart),
    ...strangers(kickstart),
    ...network(kickstart, machine),
    ...secrets(kickstart),
    ...fipsRemarks(kickstart, text, machine),
  ]
    .map((said) => ({ file, column: 1, ...said }))
    .toSorted((one, other) => one.line - other.line);
}

const named = ({ commands }: Kickstart, ...names: string[]) => commands.filter(({ name }) => names.includes(name));

function encoding(text: string): Remark[] {
  const line = text.split('\n').findIndex((one) => one.includes('\uFFFD')) + 1;
  return [
    ...(text.startsWith('\uFEFF') ? [error(1, 'a byte order mark is no part of a kickstart')] : []),
    ...(line > 0 ? [error(line, 'is no UTF-8')] : []),
  ];
}

function endings({ sections: all }: Kickstart, { major }: KickstartMachine): Remark[] {
  return all
    .filter(({ ended }) => !ended)
    .map(({ line, name }) =>
      major === 6
        ? warning(line, `${name} has no %end, which only RHEL 6 lets pass`)
        : error(line, `${name} has no %end`),
    );
}

function omissions(kickstart: Kickstart, { major }: KickstartMachine): Remark[] {
  const says = (...names: string[]) =>
    named(kickstart, ...names).length > 0 || names.some((name) => kickstart.meant.has(name));
  const missing = (what: string, ...names: string[]) =>
    says(...names) ? [] : [error(1, `the installer would ask for ${what}`)];
  const [halt] = named(kickstart, 'halt');
  return [
    ...missing('the partitions: there is no part, autopart or other storage command', ...storageCommands),
    // Later releases have defaults for some of these (Anaconda, modules/timezone/timezone.py; tui/spokes).
    ...(major > 7
      ? says('timezone')
        ? []
        : [warning(1, 'there is no timezone: the installer takes America/New_York')]
      : missing('the time zone: there is no timezone', 'timezone')),
    ...missing('the password of root: there is neither rootpw nor user', 'rootpw', ...(major > 6 ? ['user'] : [])),
    ...(major > 6
      ? []
      : [
          ...missing('the language: there is no lang', 'lang'),
          ...missing('the keyboard: there is no keyboard', 'keyboard'),
          ...missing('the source: there is no cdrom', 'cdrom', 'url', 'nfs', 'harddrive'),
        ]),
    ...(kickstart.sections.some(({ name }) => name === '%packages') ||
    kickstart.meant.has('%packages') ||
    named(kickstart, ...wholeSystems).length > 0
      ? []
      : [error(1, 'the installer would ask for the packages: there is no %packages section')]),
    ...(halt && named(kickstart, ...powers).length === 0
      ? [error(halt.line, 'halt leaves the machine on: the build waits for poweroff')]
      : []),
    ...(!says('halt', ...powers) ? [error(1, 'the installation does not end: poweroff is missing')] : []),
  ];
}

const powers = ['poweroff', 'shutdown', 'reboot'];
const storageCommands = ['part', 'partition', 'autopart', 'logvol', 'raid', 'btrfs', 'mount'];
/** Sources that bring the whole system, so that there are no packages to choose. */
const wholeSystems = ['ostreesetup', 'ostreecontainer', 'bootc', 'liveimg'];

/** Variables of other tools, in commands and package lists. In a script they are the shell's. */
function unreplaced(text: string, { commands, sections }: Kickstart): Remark[] {
  const lines = text.split('\n');
  const packages = sections.filter(({ name }) => name === '%packages').flatMap(({ body }) => body);
  return [...commands, ...packages].flatMap(({ line }) => {
    const found = /\$\{[^}]*\}/.exec(lines[line - 1] ?? '')?.[0];
    return found ? [error(line, `${found} is not replaced: a value of the recipe is written {{variables.NAME}}`)] : [];
  });
}

/** What makes the installer, or the first boot of an instance, wait for a person. */
function waiting({ commands }: Kickstart): Remark[] {
  return commands.flatMap((command) => {
    const { line, name, options } = command;
    if (name === 'interactive') return [error(line, 'interactive makes the installer wait for a person')];
    if (name === 'rescue') return [error(line, 'rescue starts a shell, and installs nothing')];
    if (name === 'ignoredisk' && options.has('--interactive'))
      return [error(line, '--interactive makes the installer wait for a person')];
    if (name === 'firstboot' && (options.has('--enable') || options.has('--reconfig')))
      return [warning(line, 'firstboot makes each instance ask at its first boot')];
    if (name === 'timezone' && isNoTimeZone(command.words[0]))
      return [error(line, `there is no time zone ${command.words[0]}: the installer would ask for it`)];
    return [];
  });
}

/**
 * Keys of users that nobody makes: Anaconda ends when it is to write one (core/users.py, `set_user_ssh_key`), unless a package
 * has made the user.
 */
function strangers(kickstart: Kickstart): Remark[] {
  const users = new Set(['root', ...named(kickstart, 'user').flatMap((command) => valueOf(command, '--name') ?? [])]);
  if (kickstart.includes) return [];
  return named(kickstart, 'sshkey').flatMap((command) => {
    const user = valueOf(command, '--username');
    return user === undefined || users.has(user)
      ? []
      : [warning(command.line, `sshkey: no user command makes ${user}: the installer ends where no package does`)];
  });
}

/** One that a script of the kickstart writes is not known. */
function isNoTimeZone(name: string | undefined): boolean {
  return name !== undefined && !name.includes('$') && !isTimeZone(name);
}

/** What tells the things of a kind apart that commands define: an option or, as `#1`, the first word. */
const identities: Readonly<Record<string, string>> = {
  ...{ user: '--name', group: '--name', repo: '--name', network: '--device', raid: '--device' },
  ...{ sshkey: '--username', sshpw: '--username', volgroup: '#1' },
};

/** The same thing twice. Of two mount points Anaconda silently drops the first. */
function repeated({ commands }: Kickstart): Remark[] {
  const seen = new Map<string, number>();
  return commands.flatMap((command) => {
    const { line, name, words } = command;
    const identity = identities[name];
    const mount = /^(part|partition|logvol|raid|btrfs)$/.test(name) && words[0]?.startsWith('/') ? words[0] : undefined;
    const own = identity === '#1' ? words[0] : identity && valueOf(command, identity);
    return [
      ...(mount === undefined ? [] : [{ key: mount, level: 'error' as const }]),
      ...(own === undefined ? [] : [{ key: `${name} ${own}`, level: 'warning' as const }]),
    ].flatMap(({ key, level }) => {
      const before = seen.get(key);
      seen.set(key, line);
      return before === undefined ? [] : [{ line, level, message: `${key} is there already, on line ${before}` }];
    });
  });
}

function network(kickstart: Kickstart, { major }: KickstartMachine): Remark[] {
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
    ...connections.flatMap((command) => {
      const device = valueOf(command, '--device') ?? '';
      const other = major > 6 && /^(en[ospx]|em\d)/.test(device);
      return other ? [error(command.line, `--device=${device}: the interface is eth0, for net.ifnames=0 is set`)] : [];
    }),
  ];
}

/** Whether a command fetches from elsewhere. RHEL's installer connects to no network by itself, as Fedora's does. */
function isRemote(command: Command): boolean {
  const addresses = ['--url', '--baseurl', '--mirrorlist', '--metalink'].flatMap(
    (name) => valueOf(command, name) ?? [],
  );
  if (command.name === 'repo') return addresses.some((address) => /^(https?|ftp|nfs):/.test(address));
  return !addresses.some((address) => /^(file:|\/)/.test(address));
}

/** Anaconda keeps the kickstart in the installed system, and what it held in free blocks of the disk. */
function secrets({ commands }: Kickstart): Remark[] {
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
