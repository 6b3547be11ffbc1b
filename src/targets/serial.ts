import { VmkilnError } from '../errors.ts';
import { formatDuration } from '../text.ts';

/**
 * Which of two publications is the newer: the moment when the run of each began. Its form is that of the end of a build's
 * id, `20261128-082558-ab12`: date and time in UTC, and the fraction of the second as four hexadecimal digits. Serials
 * compare as text.
 */
export type Serial = string;

/** Of what was published without one: below all others. */
export const noSerial: Serial = '0';

/** Parts of a second that the last four digits count. */
const ticks = 0x10000;
/** How far a serial may be ahead of the clock of the place that it is published to, in milliseconds. */
const tolerance = 10 * 60_000;

const form = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-([0-9a-f]{4})$/;

/** The serial of a run that begins at this moment (milliseconds since 1970). */
export function serialAt(moment: number): Serial {
  const seconds = Math.floor(moment / 1000);
  const fraction = Math.floor((moment / 1000 - seconds) * ticks);
  const stamp = new Date(seconds * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${stamp}-${fraction.toString(16).padStart(4, '0')}`;
}

/** The last one that this process gave. */
let last = noSerial;

/**
 * The serial of a run that begins now: above any that this process has given. A clock counts milliseconds; chance tells
 * the runs of several processes apart that begin in the same one.
 */
export function serialNow(): Serial {
  const now = serialAt(Date.now() + Math.random());
  last = now > last ? now : serialAfter(last);
  return last;
}

/** The serial of a build, which is the end of its id; none for an id of another form. */
export function serialOfBuild(build: string): Serial {
  return /\d{8}-\d{6}-[0-9a-f]{4}$/.exec(build)?.[0] ?? noSerial;
}

/** Whether a text has the form of a serial. */
export function isSerial(text: string): boolean {
  return form.test(text);
}

/** The least serial above another one. */
export function serialAfter(serial: Serial): Serial {
  return serialAt(momentOf(serial) + 1000 / ticks);
}

/** The higher of two. */
export function higher(one: Serial, other: Serial): Serial {
  return one > other ? one : other;
}

/**
 * A serial from a clock that is wrong would keep all others out until its time has come.
 *
 * @param clock what the place itself says the time is, in milliseconds since 1970; nothing when it does not say.
 * @throws VmkilnError TARGET_FAILED
 */
export function checkClock(serial: Serial, clock: number | undefined, place: string): void {
  if (clock === undefined || !isAhead(serial, clock)) return;
  const ahead = formatDuration((momentOf(serial) - clock) / 1000);
  throw new VmkilnError('TARGET_FAILED', `this publication began ${ahead} after what is now the time of ${place}`, {
    hint: 'set the clock of the host on which it began (timedatectl set-ntp true), and begin again there',
  });
}

/** What helps when a newer one is there. `remove` says how its serial is taken away, should a clock have been wrong. */
export function hintForOlder(newest: Serial, clock: number | undefined, remove: string): string {
  if (clock !== undefined && isAhead(newest, clock)) return `the clock was wrong when that was published: ${remove}`;
  return 'to go back to the older one all the same, upload it with --rollback (a build: --failed BUILD --rollback)';
}

function isAhead(serial: Serial, clock: number): boolean {
  return momentOf(serial) > clock + tolerance;
}

/** Milliseconds since 1970; 0 for no serial. */
function momentOf(serial: Serial): number {
  const [, year, month, day, hour, minute, second, fraction = '0'] = form.exec(serial) ?? [];
  if (year === undefined) return 0;
  const whole = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // The middle of the tick: what it is rounded down from must not be the one before.
  return whole + ((Number.parseInt(fraction, 16) + 0.5) * 1000) / ticks;
}
