import { didYouMean, nearest } from '../../text.ts';
import { line, show } from '../../recipe/values.ts';
import { keyboards } from './keyboards.ts';
import { locales } from './locales.ts';

/** Whether a time zone is known by this name. Names are files for the guest, where upper and lower case differ. */
export function isTimeZone(name: string): boolean {
  // That of most recipes: to ask Intl takes longer than to check all the rest.
  if (name === 'Etc/UTC') return true;
  // Intl also takes offsets from UTC.
  if (!/^[A-Z]/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

const codesets =
  /^(utf-?8|iso-?8859-?\d{1,2}|koi8-[rtu]|cp125\d|gbk|gb2312|gb18030|big5(-?hkscs)?|euc-?(jp|kr|tw)|tis-?620)$/i;

/** Whether glibc has a locale; one without a codeset is taken too. */
function isLocale(name: string): boolean {
  const [, place = '', codeset = 'UTF-8', modifier = ''] = /^([^.@]+)(?:\.([^.@]+))?(@[^.@]+)?$/.exec(name) ?? [];
  return codesets.test(codeset) && locales.has(place + modifier);
}

const known = (what: string, isKnown: (name: string) => boolean, all: () => Iterable<string>) =>
  line(what).refine(isKnown, {
    error: ({ input }) => `expected ${what}, got ${show(input)}${didYouMean(String(input), all())}`,
  });

/** A time zone of the IANA's database. */
export const timeZone = () =>
  known('a time zone like Europe/Berlin', isTimeZone, () => Intl.supportedValuesOf('timeZone'));

/** A locale of glibc. The codeset is the same in most, so that it says nothing of what is near. */
export const locale = () =>
  line('a locale like en_US.UTF-8').refine(isLocale, {
    error: ({ input }) => {
      const [place = ''] = String(input).split('.');
      const found = locales.has(place) ? place : nearest(place, locales);
      const meant = found === undefined || found.includes('@') ? found : `${found}.UTF-8`;
      return `expected a locale like en_US.UTF-8, got ${show(input)}${meant === undefined ? '' : `, did you mean "${meant}"?`}`;
    },
  });

/** A keyboard that some release has. */
export const keyboard = () =>
  known(
    'a keyboard layout like us',
    (name) => keyboards.has(name),
    () => keyboards,
  );
