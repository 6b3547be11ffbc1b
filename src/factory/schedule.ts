import { Cron } from 'croner';
import { z } from 'zod';
import { cronPattern } from '../recipe/units.ts';
import { line, show } from '../recipe/values.ts';

const cronWords = 'a schedule of five fields, minute hour day month weekday, like "0 2 * * *"';
const cron = line(cronWords, cronPattern).superRefine((text, context) => {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  try {
    if (!nextTime({ cron: text, timezone: 'UTC' }, Date.now()))
      wrong(`expected a schedule that has a next time, got ${show(text)}`);
  } catch {
    wrong(`expected ${cronWords}, got ${show(text)}`);
  }
});

const timezone = line('a time zone like Europe/Berlin').refine(
  (name) => Intl.supportedValuesOf('timeZone').includes(name) || name === 'UTC',
  { error: ({ input }) => `expected a time zone like Europe/Berlin, got ${show(input)}` },
);

const form = z.strictObject({
  cron: cron.describe('Minute, hour, day of the month, month and weekday, as crontab(5) has them.'),
  timezone: timezone.prefault('UTC').describe('Time zone that it is meant in, such as Europe/Berlin.'),
});

/** When something is due. */
export type Schedule = z.output<typeof form>;

/** The key of a schedule: its cron expression in UTC, or with a time zone. */
export const scheduleKey = (what: string) =>
  z
    .union([cron, form], { error: `expected ${cronWords}, or { cron: …, timezone: Europe/Berlin }` })
    .transform((value): Schedule => (typeof value === 'string' ? { cron: value, timezone: 'UTC' } : value))
    .optional()
    .describe(what);

/** Whether a schedule has had its time after `since` and until `now` (milliseconds since 1970). A clock that was set back since may have missed it. */
export function isDue(schedule: Schedule, since: number, now: number): boolean {
  return since > now || (nextTime(schedule, since) ?? Infinity) <= now;
}

/** The first time of a schedule after `since` (milliseconds since 1970); undefined when there is none. */
export function nextTime(schedule: Schedule, since: number): number | undefined {
  return open(schedule).nextRun(new Date(since))?.getTime();
}

/** A schedule that starts nothing. A day of the month and a weekday together mean either, as crontab(5) says. */
function open({ cron: pattern, timezone: zone }: Schedule): Cron {
  return new Cron(pattern, { mode: '5-part', timezone: zone, paused: true });
}
