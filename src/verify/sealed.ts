import { parse } from 'yaml';
import { z } from 'zod';
import {
  type CheckResult,
  type Expectation,
  type LinuxExpectation,
  patternOf,
  resultOf,
  type WindowsExpectation,
} from './expectation.ts';
import { type Question, through } from '../tools/guestfs.ts';
import { type Facts, lines, word } from './facts.ts';
import { judgeRegistry, registryQuestions } from './sealed-windows.ts';

/** Free bytes that a root file system needs to boot at all: logs, keys and leases are written before it grows. */
const leastFree = 128 * 1024 ** 2;

/** Files that a first boot makes, many times over. */
const leastInodes = 1000;

const form = z.object({ system_info: z.object({ default_user: z.object({ name: z.string() }) }) });

/** Bytes of a file that are read at most; a longer one is not what its name says. */
const longest = 1024 ** 2;

const read = (path: string) => ['pread', path, String(longest), '0'];

/** How many lines of files hold a secret. */
const count = (pattern: string, path: string) => through(['glob', 'egrep', pattern, path], 'wc -l');

/** Of a configuration of cloud-init, what names its user, without a password that it may have. */
const systemInfo = "awk '/^[^ \\t#]/ { inside = /^system_info:/ } inside && !/passw/'";

const glob = (pattern: string) => ['glob-expand', pattern];

/**
 * The commands of guestfish(1) that tell what is in an image before it boots: a first boot replaces most of it. Each section begins with `mark`
 * and its name.
 */
export function questions(wanted: Expectation, mark: string): Question[] {
  const sections = wanted.system === 'linux' ? ofLinux(wanted) : ofWindows(wanted);
  return Object.entries({ ...sections, end: [] }).flatMap(([name, commands]) => [
    ['echo', `${mark} ${name}`],
    ...commands,
  ]);
}

/** The first question that guestfish could not answer, in its words: that a file is not there, or is none, is an answer. */
export function unanswered(errors: string): string | undefined {
  const faults = [...errors.matchAll(/libguestfs: error: ((?:pread|glob_expand|egrep|statvfs): .*)/g)];
  return faults
    .map(([, fault = '']) => fault)
    .find((fault) => !/No such file or directory|Not a directory|Is a directory/.test(fault));
}

type Sections = Readonly<Record<string, readonly Question[]>>;

function ofWindows({ answerFile, present, traces }: WindowsExpectation): Sections {
  return {
    answers: [read(answerFile)],
    present: present.map(glob),
    traces: traces.map(glob),
    ...registryQuestions,
  };
}

/**
 * How a configuration of the network names the one card that it is for, and where it lies: ifcfg files, udev's rules, keyfiles of
 * NetworkManager, netplan, systemd.network(5).
 */
const bound: readonly (readonly [pattern: string, path: string])[] = [
  ['^(HWADDR|MACADDR)=', '/etc/sysconfig/network-scripts/ifcfg-*'],
  ['^[^#]*ATTRS?\\{address\\}=="?[0-9A-Fa-f]{2}:', '/etc/udev/rules.d/*.rules'],
  ['^(mac-address=|cloned-mac-address=[0-9A-Fa-f]{2}:)', '/etc/NetworkManager/system-connections/*'],
  ['^[^#]*macaddress:', '/etc/netplan/*.yaml'],
  ['^(Permanent)?MACAddress=', '/etc/systemd/network/*.network'],
  ['^(Permanent)?MACAddress=', '/etc/systemd/network/*.link'],
  ['^[[:space:]]*hwaddress', '/etc/network/interfaces'],
];

/** The password of a proxy or of a repository, in the forms of yum, dnf, subscription-manager and APT, and in any URL. */
const configuredSecret =
  '^[^#]*((https?|ftp)://[^/@:[:space:]]+:[^/@[:space:]]+@|^[[:space:]]*(proxy_)?password[[:space:]]*=[[:space:]]*[^[:space:]])';

/** Where these stand. */
const configured = [
  ...['/etc/yum.conf', '/etc/dnf/dnf.conf', '/etc/yum.repos.d/*.repo', '/etc/rhsm/rhsm.conf', '/etc/environment'],
  ...['/etc/apt/apt.conf', '/etc/apt/apt.conf.d/*', '/etc/apt/sources.list', '/etc/apt/sources.list.d/*'],
];

/** A password, its hash or a passphrase in what Anaconda leaves of its kickstart: rootpw, user, bootloader, part and others of pykickstart. */
const kickstartSecret = '^[^#]*(--iscrypted.*[$][0-9a-z]+[$]|--plaintext|--(password|passphrase)[= ])';

/** A GRUB that waits for half a minute or more at each boot, or with a negative number for somebody: grub2-mkconfig(8), GRUB_TIMEOUT. */
const longWait = '^[[:space:]]*GRUB_TIMEOUT=["\']?(-[0-9]|[3-9][0-9]|[0-9]{3})';

function ofLinux({ traces, kept }: LinuxExpectation): Sections {
  return {
    'machine-id': [read('/etc/machine-id'), read('/var/lib/dbus/machine-id')],
    bound: bound.map(([pattern, path]) => ['glob', 'egrep', pattern, path]),
    traces: traces.map(glob),
    kickstarts: [count(kickstartSecret, '/root/*-ks.cfg')],
    ...Object.fromEntries(configured.map((path) => [path, [count(configuredSecret, path)]])),
    kept: kept.flatMap((pattern) => [glob(pattern), glob(`${pattern}/*`)]),
    waits: [count(longWait, '/etc/default/grub')],
    disabled: [glob('/etc/cloud/cloud-init.disabled')],
    config: ['/etc/cloud/cloud.cfg', '/etc/cloud/cloud.cfg.d/*.cfg'].map((path) =>
      through(['glob', ...read(path)], systemInfo),
    ),
    space: [['statvfs', '/']],
  };
}

/** Bytes of the root file system before the first boot: what statvfs(3) says of it. */
export function rootSize(facts: Facts): number {
  const space = spaceOf(facts);
  return space('blocks') * space('frsize');
}

function spaceOf(facts: Facts): (name: string) => number {
  const space = new Map(lines(facts, 'space').map((line) => line.split(': ') as [string, string]));
  return (name) => Number(space.get(name));
}

/** What is wrong with an image that has not been booted. */
export function judgeSealed(facts: Facts, wanted: Expectation): CheckResult[] {
  return wanted.system === 'linux' ? judgeLinux(facts) : judgeWindows(facts, wanted);
}

/** Elements of an answer file that hold a secret: Microsoft's "Unattended Windows Setup Reference". */
const secrets = /<(\w+:)?(Password|AdministratorPassword|DomainAccounts|ProductKey)\b/i;

function judgeWindows(facts: Facts, { answerFile, present }: WindowsExpectation): CheckResult[] {
  const answers = lines(facts, 'answers').join('\n');
  const missing = present.filter((path) => !lines(facts, 'present').includes(path));
  const secret = secrets.exec(answers)?.[2];
  return [
    answers === ''
      ? resultOf('answer-file', `${answerFile} is missing: the first boot would ask`)
      : judgeRegistry(facts, 'answer-file'),
    resultOf('secrets', secret === undefined ? undefined : `${answerFile} has a ${secret}`),
    judgeRegistry(facts, 'sysprep'),
    judgeRegistry(facts, 'autologon'),
    resultOf('cloudbase-init', missing.length === 0 ? undefined : `${missing.join(', ')} is missing`),
    leftoversIn(facts),
  ];
}

/** Whether lines were counted of which there should be none. */
function has(facts: Facts, section: string): boolean {
  return Number(word(facts, section)) > 0;
}

function leftoversIn(facts: Facts): CheckResult {
  const kept = new Set(lines(facts, 'kept'));
  const isKept = (path: string) => [...kept].some((file) => patternOf(path).test(file));
  const passwords = [
    ...(has(facts, 'kickstarts') ? ['a kickstart of /root with a password in it'] : []),
    ...configured.filter((path) => has(facts, path) && !isKept(path)).map((path) => `a password in ${path}`),
  ];
  const traces = [...passwords, ...lines(facts, 'traces').filter((path) => !kept.has(path))];
  const more = traces.length > 5 ? `, and ${traces.length - 5} more` : '';
  return resultOf('leftovers', traces.length === 0 ? undefined : `it holds ${traces.slice(0, 5).join(', ')}${more}`);
}

function judgeLinux(facts: Facts): CheckResult[] {
  const ids = lines(facts, 'machine-id').filter((id) => id !== 'uninitialized');
  const [card] = lines(facts, 'bound');
  const [disabled] = lines(facts, 'disabled');
  const space = spaceOf(facts);
  const free = space('bavail') * space('frsize');
  // Btrfs counts none, and makes them as they are needed.
  const noInodes = space('files') > 0 && space('favail') < leastInodes;
  const full = noInodes ? `${space('favail')} inodes` : free < leastFree ? `${Math.round(free / 1024)} KiB` : undefined;
  return [
    resultOf('machine-id', ids.length === 0 ? undefined : 'clones would share its machine-id, of /etc or of D-Bus'),
    leftoversIn(facts),
    resultOf('cloud-init', disabled === undefined ? undefined : `${disabled} turns cloud-init off`),
    resultOf('space', full === undefined ? undefined : `its root file system is full: ${full} are free`),
    ...(has(facts, 'waits')
      ? [resultOf('system', 'GRUB waits for half a minute or more at each boot: GRUB_TIMEOUT in /etc/default/grub')]
      : []),
    // The clones tell the rest about it.
    ...(card === undefined
      ? []
      : [resultOf('network', `it is bound to a network card that no clone has: ${card.trim()}`)]),
  ];
}

/**
 * The user that cloud-init makes: `system_info.default_user` of /etc/cloud/cloud.cfg, or of the last file of cloud.cfg.d that names one. They follow each
 * other without a mark; at the beginning of a line there are keys of the top only.
 */
export function defaultUser(facts: Facts): string | undefined {
  const sections = lines(facts, 'config')
    .join('\n')
    .split(/^(?=[^\s#])/m)
    .filter((section) => section.startsWith('system_info:'));
  return sections
    .flatMap((section) => form.safeParse(configIn(section)).data?.system_info.default_user.name ?? [])
    .at(-1);
}

/** What is no YAML names nobody. */
function configIn(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    return undefined;
  }
}
