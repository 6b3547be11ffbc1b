import { dirname } from 'node:path';
import { calendarEvents } from './calendar.ts';
import type { Schedule } from './schedule.ts';

/** What begins a unit of ours: nothing else is replaced. */
export const unitMark = '# Written by vmkiln factory install-timer';

/** What the units of a factory are made of. `command` is how this vmkiln is run, `words` what is given to `vmkiln nightly`. */
export type UnitInput = {
  name: string;
  schedule: Schedule;
  file: string;
  command: readonly string[];
  words: readonly string[];
  user: string | undefined;
  envFile: string | undefined;
  home: string | undefined;
};

/** What every service is protected by. */
const forAll = ['ProtectSystem=full', 'ProtectControlGroups=yes'];

/**
 * What only root is protected by: with User= each of them implies NoNewPrivileges=, and the session libvirt of a user may need a helper that is
 * setuid (qemu-bridge-helper).
 */
const forRoot = [
  'NoNewPrivileges=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectHostname=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_VSOCK',
];

/**
 * The units that run the nights of a factory, by their file names. Pure.
 *
 * What protects a service and what a build needs, by systemd.exec(5): the programs of libguestfs run QEMU as children, which wants /dev/kvm, and
 * writes code while it runs (no MemoryDenyWriteExecute=, no ProtectClock=, which closes all other devices); libvirt's QEMU, a process of another
 * service, opens disks and media by name (no PrivateTmp=, no ProtectHome=); locks are sockets that other processes see (no PrivateNetwork=).
 */
export function unitsOf(input: UnitInput): Record<string, string> {
  const { name, schedule, file, command, words, user, envFile, home } = input;
  const unit = `vmkiln-${name}`;
  const run = [...command, 'nightly', file, ...words].map(execWord).join(' ');
  const service = [
    unitMark,
    ...unitSection(`A night of the image factory ${name}`),
    '[Service]',
    'Type=oneshot',
    `ExecStart=${run}`,
    `WorkingDirectory=${specifiers(dirname(file))}`,
    ...(user === undefined ? [] : [`User=${user}`]),
    ...(home === undefined ? [] : [`Environment=${quoted(`VMKILN_HOME=${specifiers(home)}`)}`]),
    ...(envFile === undefined ? [] : [`EnvironmentFile=${specifiers(envFile)}`]),
    ...stopping('2min'),
    `SyslogIdentifier=${unit}`,
    ...(user === undefined ? [...forAll, ...forRoot] : forAll),
  ];
  const timer = timerOf(`Nights of the image factory ${name}`, calendarEvents(schedule));
  return {
    [`${unit}.service`]: `${service.join('\n')}\n`,
    [`${unit}.timer`]: [unitMark, ...timer, ''].join('\n'),
  };
}

/**
 * The unit templates that packages bring, by their file names. Their instance is a factory: NAME is `/etc/vmkiln/NAME/factory.yaml`, with its
 * environment in `environment` beside it. `program` is where the package has vmkiln. Pure.
 *
 * What a site sets for a service is in that environment: systemd.service(5), "Command lines", splits a variable without braces into words.
 */
export function templateUnits(program: string): Record<string, string> {
  const folder = '/etc/vmkiln/%i';
  const file = `${folder}/factory.yaml`;
  const service = (what: string, type: string, run: string, stop: string, more: readonly string[] = []) => [
    ...unitSection(`${what} %i`),
    '[Service]',
    `Type=${type}`,
    `ExecStart=${program} ${run}`,
    `WorkingDirectory=${folder}`,
    `EnvironmentFile=-${folder}/environment`,
    ...more,
    ...stopping(stop),
    ...forAll,
    ...forRoot,
  ];
  const again = ['Restart=on-failure', 'RestartSec=30'];
  const wanted = ['', '[Install]', 'WantedBy=multi-user.target'];
  const units = {
    'vmkiln-nightly@.service': service('A night of the image factory', 'oneshot', `nightly ${file}`, '2min'),
    'vmkiln-nightly@.timer': timerOf('Nights of the image factory %i', ['*-*-* 02:00:00']),
    // It ends the builds that it has begun before it stops.
    'vmkiln-worker@.service': [
      ...service(
        'A worker of the image factory',
        'exec',
        `factory worker ${file} --queue \${QUEUE} $WORKER_OPTIONS`,
        'infinity',
        ['Environment=QUEUE=redis://127.0.0.1', ...again],
      ),
      ...wanted,
    ],
    'vmkiln-dashboard@.service': [
      ...service(
        'Dashboard of the image factory',
        'exec',
        `factory dashboard ${file} --tokens ${folder}/tokens $DASHBOARD_OPTIONS`,
        '2min',
        again,
      ),
      ...wanted,
    ],
  };
  return Object.fromEntries(Object.entries(units).map(([name, lines]) => [name, `${lines.join('\n')}\n`]));
}

function unitSection(description: string): string[] {
  return [
    '[Unit]',
    `Description=${description}`,
    'Wants=network-online.target',
    'After=network-online.target libvirtd.service virtqemud.service',
    '',
  ];
}

/** How a service is stopped, and what it prints kept. `time` is what its clean-up may take (TimeoutStopSec=). */
function stopping(time: string): string[] {
  return [
    '# vmkiln cleans up when it is told to stop; what is left after that is killed.',
    'KillMode=mixed',
    `TimeoutStopSec=${time}`,
    'Nice=10',
    'StandardOutput=journal',
    'StandardError=journal',
  ];
}

function timerOf(description: string, events: readonly string[]): string[] {
  return [
    '[Unit]',
    `Description=${description}`,
    '',
    '[Timer]',
    ...events.map((event) => `OnCalendar=${event}`),
    '# A night that was missed, for the host was off, is made up for.',
    'Persistent=true',
    'AccuracySec=1min',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ];
}

/** systemd.unit(5): a percent sign begins a specifier. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A word of ExecStart=: systemd.service(5), "Command lines", where a dollar sign begins a variable. */
function execWord(word: string): string {
  const safe = specifiers(word).replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@%+=:,./$-]+$/.test(safe) ? safe : quoted(safe);
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
