import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../recipe/units.ts';
import { isSerial } from '../targets/serial.ts';

// What commander calls with the value of an option: it throws InvalidArgumentError for one that will not do.

/** A value of an option that may be given several times. */
export function collect(value: string, all: readonly string[] | undefined): string[] {
  return [...(all ?? []), filled(value)];
}

/** An empty value is a shell variable that is not set, not a value. */
export function filled(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** A whole number. */
export function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A duration, in seconds. */
export function seconds(text: string): number {
  const value = parseDuration(text);
  if (value === undefined) throw new InvalidArgumentError('It must be a duration like 90s, 60m or 2h.');
  return value;
}

/** Which publication something is. */
export function serial(text: string): string {
  if (!isSerial(text))
    throw new InvalidArgumentError('It must be like 20261128-082558-ab12, as the end of the id of a build.');
  return text;
}

/** A whole number above 0. */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}
