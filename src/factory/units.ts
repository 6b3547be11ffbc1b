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
    '[Unit]',
    `Description=A night of the image factory ${name}`,
    'Wants=network-online.target',
    'After=network-online.target libvirtd.service virtqemud.service',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${run}`,
    `WorkingDirectory=${specifiers(dirname(file))}`,
    ...(user === undefined ? [] : [`User=${user}`]),
    ...(home === undefined ? [] : [`Environment=${quoted(`VMKILN_HOME=${specifiers(home)}`)}`]),
    ...(envFile === undefined ? [] : [`EnvironmentFile=${specifiers(envFile)}`]),
    '# vmkiln cleans up when it is told to stop; what is left after that is killed.',
    'KillMode=mixed',
    'TimeoutStopSec=2min',
    'Nice=10',
    'StandardOutput=journal',
    'StandardError=journal',
    `SyslogIdentifier=${unit}`,
    'ProtectSystem=full',
    'ProtectControlGroups=yes',
    ...(user === undefined ? forRoot : []),
  ];
  const timer = [
    unitMark,
    '[Unit]',
    `Description=Nights of the image factory ${name}`,
    '',
    '[Timer]',
    ...calendarEvents(schedule).map((event) => `OnCalendar=${event}`),
    '# A night that was missed, for the host was off, is made up for.',
    'Persistent=true',
    'AccuracySec=1min',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ];
  return { [`${unit}.service`]: `${service.join('\n')}\n`, [`${unit}.timer`]: `${timer.join('\n')}\n` };
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
