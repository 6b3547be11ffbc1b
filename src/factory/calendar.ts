import type { Schedule } from './schedule.ts';

/** The fields of a cron expression: the range of each, and the names that may stand for its numbers. */
const fields = [
  { least: 0, most: 59, names: [] },
  { least: 0, most: 23, names: [] },
  { least: 1, most: 31, names: [] },
  { least: 1, most: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { least: 0, most: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/**
 * A schedule as the calendar events of systemd.time(7), one or two: in crontab(5) a day of the month and a weekday together mean either, and in
 * systemd both. Pure.
 */
export function calendarEvents({ cron, timezone }: Schedule): string[] {
  const words = cron.split(' ');
  const [minutes, hours, days, months, week] = fields.map((field, index) => numbersOf(words[index] ?? '*', field));
  const two = (values: readonly number[] | undefined) =>
    values === undefined ? '*' : values.map((value) => String(value).padStart(2, '0')).join(',');
  const on = week && [...new Set(week.map((day) => weekdays[day % 7] ?? ''))].join(',');
  const event = (weekday: string | undefined, day: readonly number[] | undefined) =>
    `${weekday === undefined ? '' : `${weekday} `}*-${two(months)}-${two(day)} ${two(hours)}:${two(minutes)}:00 ${timezone}`;
  return on !== undefined && days !== undefined ? [event(undefined, days), event(on, undefined)] : [event(on, days)];
}

/** The numbers that a field means; undefined for all. */
function numbersOf(text: string, { least, most, names }: (typeof fields)[number]): number[] | undefined {
  if (text === '*') return undefined;
  const read = (word: string) => {
    const at = (names as readonly string[]).indexOf(word.toLowerCase());
    // Names of months count from 1, those of weekdays from 0.
    return at < 0 ? Number(word) : at + (least === 1 ? 1 : 0);
  };
  const values = text.split(',').flatMap((part) => {
    const [range = '*', step] = part.split('/');
    const [from = '', to] = range.split('-');
    const first = range === '*' ? least : read(from);
    const last = range === '*' ? most : to !== undefined ? read(to) : step === undefined ? first : most;
    return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
      (value) => (value - first) % Number(step ?? 1) === 0,
    );
  });
  return [...new Set(values)].toSorted((a, b) => a - b);
}
